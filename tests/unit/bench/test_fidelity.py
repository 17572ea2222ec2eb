"""The table of scripts/bench-fidelity: its figures, aims and causes; what is replayed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from bench.fidelity.row import KERNEL, LIBRARY, Cause, Row, makespan, row_of, worst
from bench.fidelity.subjects import captures_of, chosen_of, name_of, why_not
from bench.fidelity.table import SHOWN, causes, line
from helpers.fidelity import ROOT, applications
from helpers.runs import a_run
from helpers.sides import side_of
from helpers.story import Wire

from smbench.fidelity.comparison import Comparison, compare

GOOD = Row(
    name="tar", by=KERNEL, exchanges=100, alike=200, compared=200, skipped=0, recall=1.0, precision=1.0,
    breaks=(2, 2), violated=0, makespan=1.0, reasons=(), by_kernel=True, causes=(),
)  # fmt: skip
CAPTURED = pa.table({"operation": [0, 1, 2], "service_ns": [10, 50, -1]})


def but(**changed: Any) -> Row:
    return replace(GOOD, **changed)


@pytest.mark.parametrize(
    ("row", "missed"),
    [
        (GOOD, []),
        (but(alike=199), []),
        (but(alike=198), ["outcomes"]),
        (but(alike=0, compared=0), []),
        (but(recall=0.97), []),
        (but(recall=0.9699), ["recall"]),
        (but(recall=None, precision=None), []),
        (but(precision=0.9799), ["precision"]),
        (but(precision=0.5, by=LIBRARY), []),
        (but(precision=0.5, by_kernel=False), []),
        (but(breaks=(2, 1), equal=0), ["breaks"]),
        (but(violated=1), ["order"]),
        (but(reasons=("it was late",)), []),
    ],
)
def test_what_misses_its_aim(row: Row, missed: list[str]) -> None:
    assert list(row.missed()) == missed
    assert ("MISSED" in line(row)) == bool(missed)


def test_of_several_runs_the_worst_is_told_and_how_many_had_as_many_breaks() -> None:
    row = worst([GOOD, but(breaks=(2, 1), equal=0, makespan=2.0), GOOD])
    assert (row.runs, row.equal, row.makespan) == (3, 2, 2.0)
    assert list(row.missed()) == ["breaks"]
    assert "2/1 (2 of 3)" in line(row)
    assert worst([GOOD]) == GOOD


@pytest.mark.parametrize(
    ("intended", "completed", "speed", "expected"),
    [
        ([0, 50, 90], [10, 100, 95], 1.0, 1.0),  # the second ends last, at 50 + 50
        ([0, 50, 190], [10, 100, 200], 1.0, 200 / 190),
        ([100, 150, 190], [110, 250, 195], 1.0, 1.5),
        ([0, 25, 45], [10, 50, 45], 2.0, 1.0),
        ([0, 50, 90], [10, None, 95], 1.0, 95 / 90),  # one that never ended is in neither
        ([0, 50, 90], [None, None, None], 1.0, None),
    ],
)
def test_the_makespan_is_a_multiple_of_what_was_asked_for(
    intended: list[int], completed: list[int | None], speed: float, expected: float | None
) -> None:
    ran = pa.table({"operation": [0, 1, 2], "intended_ns": intended, "completed_ns": completed})
    assert makespan(ran, CAPTURED, speed) == expected


@pytest.fixture
def compared(tmp_path: Path) -> Callable[[Wire, Wire], Comparison]:
    return lambda one, two: compare(side_of(one, tmp_path / "one"), side_of(two, tmp_path / "two"))


def reads(*offsets: int) -> Wire:
    wire = Wire()
    opened = wire.client("ann").opens("f")
    for offset in offsets:
        opened.reads(offset, 10)
    opened.closes()
    return wire


def test_figures_and_causes_of_a_run(compared: Callable[[Wire, Wire], Comparison], tmp_path: Path) -> None:
    """Three reads; the replay lacks one, has one that nobody asked for, and one ended otherwise."""
    run = a_run(
        tmp_path,
        valid=False,
        reasons=["it was late"],
        operations={"planned": 5, "executed": 5, "skipped": 0, "matched": 4, "mismatched": 1},
        causes=[{"kind": "Read", "expected": "ok", "got": "EACCES", "count": 1}],
        mismatches=[
            {"operation": 1, "user": "ann", "kind": "Read", "path": "f", "expected": "ok", "got": "EACCES"}
        ],
    )
    ran = pa.table({"operation": [0, 1], "intended_ns": [0, 50], "completed_ns": [10, 100]})
    held = HeldRun(run, ran)
    row = row_of("story", KERNEL, compared(reads(0, 10, 20), reads(0, 10, 33)), held, CAPTURED)  # type: ignore[arg-type]
    assert (row.exchanges, row.alike, row.compared, row.recall, row.precision) == (5, 4, 5, 0.8, 0.8)
    assert (row.makespan, row.reasons, row.by_kernel, row.breaks) == (1.0, ("it was late",), False, (0, 0))
    assert [(cause.figure, cause.count, cause.what.split()[:2]) for cause in row.causes] == [
        ("outcomes", 1, ["Read:", "EACCES,"]),
        ("recall", 1, ["missing", "READ"]),
        ("precision", 1, ["extra", "READ"]),
    ]
    assert "20" in row.causes[1].why
    assert "33" in row.causes[2].why
    # No precision: the captured client is not the kernel's.
    assert [cause.figure for cause in row.why()] == ["outcomes", "recall"]


class HeldRun:
    """A run with its operations in memory."""

    def __init__(self, run: Any, ran: pa.Table) -> None:
        self._run, self._ran = run, ran

    def __getattr__(self, name: str) -> Any:
        return getattr(self._run, name)

    def operations(self) -> pa.Table:
        return self._ran


def test_below_the_table_stand_the_first_causes_of_what_is_missed() -> None:
    kinds = [Cause("recall", 9 - at, f"missing READ {at}", "why") for at in range(SHOWN + 2)]
    row = but(recall=0.5, causes=(*reversed(kinds), Cause("precision", 99, "extra CREATE")))
    told = list(causes([GOOD, but(reasons=("it was late",)), row]))
    assert told.pop(0) == "tar, kernel: not valid: it was late"
    assert told[0] == "tar, kernel: MISSED recall >= 0.97"
    assert told[1] == "         9  missing READ 0: why"
    assert told[-1] == "         7  others, of 2 kinds"
    assert len(told) == 1 + SHOWN + 1


def test_captures_are_files_and_those_of_folders(tmp_path: Path) -> None:
    for name in ("b.pcap", "a.pcapng.zst", "c.cap.gz", "INDEX.tsv", "d.pcap.txt"):
        (tmp_path / name).touch()
    (tmp_path / "inside.pcap").mkdir()
    found = captures_of([tmp_path, tmp_path / "d.pcap.txt"])
    assert [name_of(one) for one in found] == ["a", "b", "c", "d.pcap.txt"]


@pytest.mark.parametrize("given", ["inside", "none"])
def test_what_is_no_capture_is_refused(tmp_path: Path, given: str) -> None:
    (tmp_path / "inside").mkdir()
    with pytest.raises(ValueError, match=given):
        captures_of([tmp_path / given])


def test_names_are_chosen_by_their_parts() -> None:
    names = ["tar", "tar-sparse", "vim"]
    assert chosen_of([], names) == {*names}
    assert chosen_of(["tar"], names) == {"tar", "tar-sparse"}
    assert chosen_of(["vi", "sparse"], names) == {"tar-sparse", "vim"}
    with pytest.raises(ValueError, match="nothing is called emacs"):
        chosen_of(["emacs"], names)


def test_only_what_nobody_can_replay_is_left_out() -> None:
    assert why_not("smbench ingest ended with 2: x.pcap has SMB1 only")
    assert why_not("smbench ingest ended with 2: x.pcap is encrypted; give a key")
    assert why_not("smbench ingest ended with 3: no tshark") is None


def test_every_application_is_listed_with_its_users() -> None:
    listed = {one.name: one for one in applications()}
    assert {*listed} == {path.stem for path in (ROOT / "scripts/applications").glob("*.sh")}
    assert listed["flock"].users == 3
    assert listed["sqlite3"].options == ("nobrl",)
    assert listed["find"].missing == ""
