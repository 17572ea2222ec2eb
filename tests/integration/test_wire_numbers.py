"""Numbers of the whole 64 bits pass unchanged through store, plan, run, report and compare."""

from __future__ import annotations

from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow.parquet as pq
from helpers.ran import written
from helpers.sides import side_of
from helpers.story import Open, Wire
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from rich.console import Console

from smbench.fidelity.comparison import compare
from smbench.fidelity.outcomes import run_outcomes
from smbench.lift.lift import lift
from smbench.plan import Pace, plan_run
from smbench.report.inspection import inspection, show_inspection
from smbench.report.page import page
from smbench.report.run import show_run
from smbench.run.store import read as read_run
from smbench.runner.run import RunOptions, run
from smbench.smb2 import constants
from smbench.smb2.ntstatus import Status
from smbench.trace.messages import IoctlResponse
from smbench.trace.store import read_exchanges, write_exchanges
from smbench.trace.values import CopyChunk, DirectoryEntry
from smbench.workload.store import StoredOperations

MOST = (1 << 64) - 1
BORDERS = [
    0,
    1,
    (1 << 31) - 1,
    1 << 31,
    1 << 32,
    (1 << 62) - 1,
    1 << 62,
    (1 << 63) - 1,
    1 << 63,
    MOST - 1,
    MOST,
]
NUMBERS = st.sampled_from(BORDERS) | st.integers(0, MOST)
ACTS = ["reads", "writes", "locks", "unlocks", "truncates", "allocates", "punches", "ranges", "copies"]
acts = st.lists(st.tuples(st.sampled_from(ACTS), NUMBERS, NUMBERS), min_size=1, max_size=6)
EVERY = [(act, number, number) for act in ACTS for number in (1 << 63, MOST)]


def act(opened: Open, what: str, one: int, other: int) -> None:
    """One exchange with two numbers, refused as servers do with most of them."""
    refused = Status.INVALID_PARAMETER
    length = other & 0xFFFFFFFF  # a length of data and of a chunk has 32 bits
    if what == "reads":
        opened.reads(one, length, status=Status.END_OF_FILE)
    elif what == "writes":
        opened.writes(one, length & 0xFFFF)
    elif what in ("locks", "unlocks"):
        opened.locks((one, other, 4 if what == "unlocks" else 0x12))
    elif what in ("truncates", "allocates"):
        opened.sets(20 if what == "truncates" else 19, refused, size=one)
    elif what == "copies":
        opened.controls(constants.FSCTL_SRV_REQUEST_RESUME_KEY, response=IoctlResponse(resume_key="k" * 48))
        chunk = CopyChunk(one, other, length)
        opened.controls(constants.FSCTL_SRV_COPYCHUNK, refused, resume_key="k" * 48, chunks=(chunk,))
    else:
        function = (
            constants.FSCTL_SET_ZERO_DATA if what == "punches" else constants.FSCTL_QUERY_ALLOCATED_RANGES
        )
        opened.controls(function, refused, offset=one, length=other)


def told(done: list[tuple[str, int, int]]) -> Wire:
    wire = Wire()
    alice = wire.client("alice")
    opened = alice.opens("f", access=constants.GENERIC_READ | constants.GENERIC_WRITE, size=None)
    for what, one, other in done:
        act(opened, what, one, other)
    opened.closes()
    alice.opens_directory("d").lists(DirectoryEntry("x", size=done[0][1], allocation=done[0][2])).closes()
    return wire


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(acts)
@example(EVERY)
def test_they_pass_through_everything(done: list[tuple[str, int, int]]) -> None:
    with TemporaryDirectory() as made:
        folder = Path(made)
        wire = told(done)
        write_exchanges(folder / "exchanges.parquet", wire.exchanges)
        assert list(read_exchanges(folder / "exchanges.parquet")) == wire.exchanges
        workload = lift(wire.trace(), folder)
        shown = StringIO()
        show_inspection(inspection(workload), Console(file=shown))
        assert isinstance(workload.operations, StoredOperations)
        asked = [
            (getattr(one.call, "offset", 0), getattr(one.call, "length", 0)) for one in workload.operations
        ]
        assert set(wanted(done)) <= set(asked)

        plan = plan_run(workload, ["alice"], pace=Pace.FAST)
        (folder / "there" / "d").mkdir(parents=True)
        (folder / "there" / "f").touch()
        result = run(plan, workload, RunOptions("posix", [folder / "there"]))
        (folder / "a.run").mkdir()
        written(result, folder / "a.run", configuration={"workload": "w", "target": "t"})
        rows = pq.read_table(
            folder / "a.run" / "operations.parquet", columns=["offset", "length"]
        ).to_pylist()
        assert [(row["offset"], row["length"]) for row in rows] == asked
        ran = read_run(folder / "a.run")
        show_run(ran, Console(file=shown))
        assert page(ran, None)
        compared = run_outcomes(ran, workload.operations)
        assert compared.total.planned == len(rows)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(acts, acts)
@example(EVERY, EVERY)
@example(EVERY, [(what, one - 1, other) for what, one, other in EVERY])
def test_a_comparison_takes_them(
    mine: list[tuple[str, int, int]], theirs: list[tuple[str, int, int]]
) -> None:
    with TemporaryDirectory() as made:
        one, other = (side_of(told(done), Path(made) / name) for name, done in (("a", mine), ("b", theirs)))
        found = compare(one, other)
        same = [sent.request for sent in one.exchanges] == [sent.request for sent in other.exchanges]
        assert (found.wire.matched == found.wire.reference == found.wire.candidate) >= same


def wanted(done: list[tuple[str, int, int]]) -> list[tuple[int, int]]:
    """Offset and length of every call that stands for an act with both; at the file's pointer none does."""
    found = []
    for what, one, other in done:
        if what == "reads":
            found.append((one, other & 0xFFFFFFFF))
        elif what == "writes" and one != constants.USE_FILE_POINTER_POSITION:
            found.append((one, other & 0xFFFF))
        elif what in ("locks", "unlocks", "punches", "ranges"):
            found.append((one, other))
        elif what == "copies":
            found.append((other, other & 0xFFFFFFFF))
    return found
