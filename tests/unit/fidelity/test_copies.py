"""Which copy of the workload a run of clones and loops is compared by."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from helpers.runs import a_run
from helpers.sides import side_of
from helpers.story import Wire, lifted
from msgspec import structs

from smbench.errors import UsageError
from smbench.fidelity.comparison import compare
from smbench.fidelity.copies import Copy, copy_of
from smbench.fidelity.loading import account_mappings
from smbench.fidelity.sides import AccountMapping, Side, read_dispositions
from smbench.run.model import Run
from smbench.trace.model import Session, TraceInfo


def run_of(clones: int, loops: int = 1, **configuration: Any) -> Run:
    return a_run(configuration={"clones": clones, "loops": loops, **configuration})


def test_the_first_is_compared_unless_another_is_asked_for() -> None:
    many = run_of(3, 2, namespace="isolated")
    assert copy_of(many) == Copy(1, 3, 1, 2, isolated=True)
    assert copy_of(many, 3, 2) == Copy(3, 3, 2, 2, isolated=True)
    assert copy_of(run_of(3, namespace="shared"), 2).folder == ""
    assert copy_of(many, 2).folder == "clone-0002"
    # As runs were written before there were any.
    assert copy_of(a_run()) == Copy()
    assert Copy().notes() == []


@pytest.mark.parametrize(
    ("loops", "begun", "asked", "says"),
    [
        (1, 1, {"clone": 4}, "a.run has 3 clones: --clone 4 is none"),
        (1, 1, {"loop": 2}, "a.run has only one loop: --loop 2 is none"),
        (4, 4, {"loop": 5}, "a.run has 4 loops: --loop 5 is none"),
        (9000, 2, {"loop": 3}, "a.run has 2 loops that began, of 9,000: --loop 3 is none"),
        (9000, 1, {"loop": 2}, "a.run has only one loop that began, of 9,000: --loop 2 is none"),
    ],
)
def test_what_a_run_does_not_have_is_said(loops: int, begun: int, asked: dict[str, int], says: str) -> None:
    many = run_of(3, loops)
    outcomes = structs.replace(many.outcomes, planned=7 * loops, not_begun=7 * (loops - begun))
    with pytest.raises(UsageError, match=says):
        copy_of(structs.replace(many, outcomes=outcomes), **asked)


def test_rows_are_those_of_the_copy_and_of_a_single_one_all() -> None:
    table = pa.table({"clone": [1, 2, 1, 2], "loop": [1, 1, 2, 2], "operation": [0, 1, 2, 3]})
    assert Copy(2, 2, 2, 2).rows(table)["operation"].to_pylist() == [3]
    assert Copy(1, 2, 1, 1).rows(table)["operation"].to_pylist() == [0, 2]
    assert Copy().rows(pa.table({"operation": [0, 1]})).num_rows == 2


def test_only_the_clones_users_stand_for_the_captured_ones() -> None:
    """`ann@1@2` is the second clone of one who is called ann@1."""
    mounts = [
        {
            "user": f"{name}@{clone}",
            "root": "/m",
            "account": "lab",
            "connection": {"id": at, "session": hex(16 * clone + at)},
        }
        for clone in (1, 2, 3)
        for at, name in enumerate(["ann@1", "bob"])
    ]
    sessions = [
        Session(16 * clone + at, [clone * 10 + at], user=clone * 2 + at)
        for clone in (1, 2, 3)
        for at in (0, 1)
    ]
    info = TraceInfo(sessions=sessions)
    found, numbers = account_mappings(a_run(mounts=mounts), info, Copy(2, 3))
    assert found == [AccountMapping("ann@1", "lab", 4), AccountMapping("bob", "lab", 5)]
    assert numbers == {4: 2, 5: 3}
    assert Copy(2, 3).connections(info, list(numbers)) == frozenset({20, 21})
    assert Copy(2, 3).connections(info, []) is None
    assert Copy().connections(info, [0]) is None


def test_what_a_second_session_sent_is_of_the_same_user(tmp_path: Path) -> None:
    """A replay may have a mount of its own for streams; the capture has one session."""
    captured, replayed = Wire(), Wire()
    for path in ("f", "f:s", "g"):
        captured.client("ann").opens(path).reads(0, 4096).closes()
        second = "ann" if path != "f:s" else "ann#2"
        replayed.client(second).opens(path).reads(0, 4096).closes()
    one, other = side_of(captured, tmp_path / "captured"), side_of(replayed, tmp_path / "replayed")
    assert compare(one, other).wire.matched == 6
    other.same_user = {1: 0}
    compared = compare(one, other)
    assert compared.wire.recall == compared.wire.precision == 1.0
    assert [(pair.reference, pair.candidate) for pair in compared.users] == [(0, 0)]


def test_exchanges_of_other_clones_are_neither_extra_nor_counted(tmp_path: Path) -> None:
    def side(name: str, clients: list[str], folders: list[str]) -> Side:
        wire = Wire()
        for client, folder in zip(clients, folders, strict=True):
            wire.client(client).opens(f"{folder}f").reads(0, 4096).closes()
        (tmp_path / name).mkdir()
        lifted(wire, tmp_path / name)
        return Side(name, wire.info, wire.exchanges, read_dispositions(tmp_path / name))

    captured = side("captured", ["ann"], [""])
    clones = side("clones", ["u1", "u2", "u3"], ["clone-0001/", "clone-0002/", "clone-0003/"])
    whole = compare(captured, clones)
    assert (whole.wire.candidate, whole.wire.matched) == (9, 0)  # no folder is common to most
    clones.connections, clones.folder = frozenset([1]), "clone-0002"
    clones.mappings = [AccountMapping("ann", "u2", 1)]
    one = compare(captured, clones)
    assert one.wire.recall == one.wire.precision == 1.0
    assert (one.wire.candidate, one.rows[1].of_others) == (3, 6)
    assert [(pair.candidate, pair.by) for pair in one.users] == [(1, "mounts")]
    assert one.rows[1].tally.read_bytes == one.rows[0].tally.read_bytes
