"""Runs with notifications: they end as in the capture, in every pace, and nobody else hangs on them.

By counts and order, not by times: what must not wait is carried out while a notification has no answer.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.load import CREATE, Load
from helpers.processes import left_running
from helpers.ran import written

from smbench.measure.oplog import COMPLETED, ISSUED
from smbench.plan import Pace, clone, plan_run
from smbench.run.columns import open_operations
from smbench.runner.run import RunOptions, RunResult, run
from smbench.smb2.constants import DIRECTORY_FILE, FILE_READ_ATTRIBUTES, FILE_READ_DATA, SYNCHRONIZE
from smbench.smb2.ntstatus import Status
from smbench.workload.calls import Create, MakeDirectory, Notify, Open
from smbench.workload.model import Kind, NamespaceEntry, Workload

MS = 1_000_000
NAMES, WATCH, DIRECTORY = 0x3, 5, FILE_READ_DATA | FILE_READ_ATTRIBUTES | SYNCHRONIZE
BACKENDS = ["posix", "memory"]


def opens_directory(load: Load, handle: int = 1, path: str = "") -> int:
    return load.add(
        0, Open(handle, path, Create(DIRECTORY, 7, options=DIRECTORY_FILE, attributes=0), directory=True)
    )


def notifies(load: Load, **told: int | None) -> int:
    return load.add(0, Notify(1, NAMES, watch_tree=False), WATCH, **told)


def buffered(reads: int = 10) -> Load:
    """As Windows Explorer has it: the second notification is answered by what came before it."""
    load = Load(users=["alice"], step_ns=MS)
    opens_directory(load)
    notifies(load, takes_ns=2 * MS - MS // 4)
    load.opens(0, 2, "f1", CREATE)
    load.writes(0, 2)
    load.closes(0, 2)
    load.opens(0, 3, "f2", CREATE)
    load.closes(0, 3)
    notifies(load)
    for number in range(reads):
        load.opens(0, 10 + number, "f1")
        load.reads(0, 10 + number)
        load.closes(0, 10 + number)
    load.closes(0, 1)
    return load


def never_answered(changes: int = 6) -> Load:
    """Answered in the capture, by somebody whom it does not show; others go on, on the open and elsewhere."""
    load = Load(users=["alice", "bob"], step_ns=MS)
    opens_directory(load)
    notifies(load)
    notifies(load)
    load.opens(0, 2, "f")
    for number in range(changes):
        load.reads(0, 2)
        load.add(1, MakeDirectory(f"elsewhere/d{number}"))
    load.closes(0, 2)
    load.closes(0, 1)
    load.opens(0, 4, "f")
    load.closes(0, 4)
    return load


def carried_out(load: Load, tmp_path: Path, backend: str, pace: Pace, clones: int = 1) -> RunResult:
    workload: Workload = load.workload
    roots = [tmp_path / f"clone{number}" for number in range(clones)]
    for root in roots:
        (root / "elsewhere").mkdir(parents=True)
        (root / "f").write_bytes(bytes(1 << 16))
    if backend == "memory":
        entries = [NamespaceEntry("elsewhere", Kind.DIRECTORY), NamespaceEntry("f", Kind.FILE, size=1 << 16)]
        workload = Workload(workload.info, load.operations, entries)
    plan = clone(plan_run(workload, load.users, pace=pace, users_per_process=len(load.users)), clones)
    if backend == "memory":
        plan = plan_run(workload, load.users, pace=pace, users_per_process=len(load.users))
    each = len(load.users)
    return run(plan, workload, RunOptions(backend, [root for root in roots for _ in range(each)]))


def outcomes(result: RunResult, tmp_path: Path) -> list[tuple[str, str | None, bool | None]]:
    out = tmp_path / "a.run"
    out.mkdir()
    document = written(result, out)
    assert document["order"]["violated"] == document["order"]["released"] == 0
    assert document["operations"]["executed"] == document["operations"]["planned"]
    assert left_running() == []
    with open_operations(out / "operations.parquet", document["operations"]["planned"]) as file:
        rows = [
            row
            for batch in file.batches(["kind", "outcome", "matched"], 1 << 16)
            for row in batch.to_pylist()
        ]
    return [(row["kind"], row["outcome"], row["matched"]) for row in rows]


@pytest.mark.parametrize("pace", list(Pace))
@pytest.mark.parametrize("backend", BACKENDS)
def test_what_was_buffered_answers_the_second_and_all_ends_as_captured(
    tmp_path: Path, backend: str, pace: Pace
) -> None:
    found = outcomes(carried_out(buffered(), tmp_path, backend, pace), tmp_path)
    assert [outcome for kind, outcome, _ in found if kind == "Notify"] == ["ok", "ok"]
    assert all(matched for *_, matched in found)


@pytest.mark.parametrize("pace", list(Pace))
@pytest.mark.parametrize("backend", BACKENDS)
def test_what_nobody_answers_ends_with_the_close_and_holds_nobody(
    tmp_path: Path, backend: str, pace: Pace
) -> None:
    load = never_answered()
    result = carried_out(load, tmp_path, backend, pace)
    plan, records = result.plan, result.records.copy()
    found = outcomes(result, tmp_path)
    by_row = records[plan.row.argsort()]
    first, close = 1, len(load.operations) - 3
    # The first waited while all of its user's was carried out; the close did not wait for it.
    mine = [row for row in range(2, close) if load.operations[row].lane == load.operations[close].lane]
    assert by_row[first, ISSUED] <= by_row[close, ISSUED] <= by_row[first, COMPLETED]
    assert (
        max(by_row[row, COMPLETED] for row in mine if load.operations[row].user == 0) <= by_row[close, ISSUED]
    )
    assert next(outcome for kind, outcome, _ in found if kind == "Notify") == "STATUS_CANCELLED"
    assert all(matched for kind, _, matched in found if kind != "Notify")


@pytest.mark.parametrize("pace", list(Pace))
def test_one_that_the_close_ended_waits_for_it_and_no_change_after_it_answers_it(
    tmp_path: Path, pace: Pace
) -> None:
    load = Load(users=["alice", "bob"], step_ns=MS)
    opens_directory(load)
    load.add(1, MakeDirectory("before"))
    notifies(load, takes_ns=2 * MS, expected=int(Status.NOTIFY_CLEANUP))
    load.closes(0, 1)
    load.add(1, MakeDirectory("after"))
    assert all(matched for *_, matched in outcomes(carried_out(load, tmp_path, "posix", pace), tmp_path))


def test_clones_are_told_of_their_own_changes(tmp_path: Path) -> None:
    found = outcomes(carried_out(buffered(2), tmp_path, "posix", Pace.FAST, clones=3), tmp_path)
    assert [outcome for kind, outcome, _ in found if kind == "Notify"] == ["ok"] * 6
