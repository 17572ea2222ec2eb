"""Calls that were in flight when their worker ended: they have no record, and yet a response time: their
age."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from smbench.measure.oplog import COMPLETED
from smbench.plan.model import Plan
from smbench.quoting import quoted
from smbench.run.harness import Unfinished
from smbench.runner.heartbeat import InFlight
from smbench.units import format_s
from smbench.workload.store import StoredOperations

_KEPT = 1000
_NAMED = 10
"""Of these sentences name each."""

Times = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class UnfinishedCalls:
    """By place in the plan, ascending; times in nanoseconds since the start of the run. Nothing of what is
    done outside the capture."""

    places: Times
    issued_ns: Times
    until_ns: Times

    def __len__(self) -> int:
        return len(self.places)


def unfinished_calls(
    plan: Plan, found: Sequence[InFlight], records: NDArray[Any], start_ns: int
) -> UnfinishedCalls:
    """Those that really never came back: by the end of the run their records are not there."""
    calls = sorted({one.place: one for one in found if not records[one.place, COMPLETED]}.items())
    table = np.array(
        [(place, one.issued_ns - start_ns, one.until_ns - start_ns) for place, one in calls], np.int64
    ).reshape(-1, 3)
    table = table[~plan.of_outside(table[:, 0])]
    return UnfinishedCalls(table[:, 0], table[:, 1], table[:, 2])


def named(calls: UnfinishedCalls, plan: Plan, operations: StoredOperations) -> tuple[Unfinished, ...]:
    """The first thousand with their names, which stand in the workload, the oldest first."""
    if not len(calls):
        return ()
    lanes = plan.lanes_at(calls.places)
    rows = plan.row[calls.places]
    told = _rows(operations, rows)
    found = [
        Unfinished(
            operation=told[row]["operation"],
            user=plan.users[int(plan.lane_user[lane])],
            lane=told[row]["lane"],
            kind=told[row]["kind"],
            path=told[row]["path"],
            issued_s=max(issued_ns, 0) / 1e9,
            lasted_s=max(until_ns - issued_ns, 0) / 1e9,
        )
        for row, lane, issued_ns, until_ns in zip(
            rows.tolist(), lanes.tolist(), calls.issued_ns.tolist(), calls.until_ns.tolist(), strict=True
        )
    ]
    return tuple(sorted(found, key=lambda one: (one.issued_s, one.operation))[:_KEPT])


def _rows(operations: StoredOperations, wanted: NDArray[Any]) -> dict[int, dict[str, Any]]:
    """Rows of the workload by their numbers."""
    found: dict[int, dict[str, Any]] = {}
    first = 0
    for batch in operations.batches(["operation", "lane", "kind", "path"]):
        here = np.unique(wanted[(wanted >= first) & (wanted < first + batch.num_rows)])
        if len(here):
            rows = batch.take(pa.array(here - first)).to_pylist()
            found |= dict(zip(here.tolist(), rows, strict=True))
        first += batch.num_rows
    return found


def sentences(calls: Sequence[Unfinished]) -> list[str]:
    """Why the run is not valid: each call that never came back, the first by their names."""
    said = [f"a call hangs: {call_named(one)}" for one in calls[:_NAMED]]
    if (more := len(calls) - len(said)) > 0:
        said.append(f"{more:,} more calls hang")
    return said


def call_named(one: Unfinished) -> str:
    """One of them, for people."""
    return (
        f"{one.kind} of {one.user} on {quoted(one.path or '/')} (operation {one.operation}), in flight since "
        f"{format_s(one.issued_s)} after the start, for {format_s(one.lasted_s)}"
    )
