"""What the log's readings mean: when each operation was intended, could have been issued, was, and ended.

`ready` is when all that an operation waits for was done: its lane's previous one, and its edges. It is
taken from the log of those operations, not from when the waiter noticed, so that a harness that wakes
slowly counts as late.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from smbench.measure.oplog import COMPLETED, ISSUED, OUTCOME
from smbench.plan.model import Plan

Times = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Timing:
    """By place in the plan; times in nanoseconds since the start of the run."""

    executed: NDArray[np.bool_]
    intended_ns: Times
    """Of a plan without times: when it was ready, or when its lane had thought long enough."""
    ready_ns: Times
    issued_ns: Times
    completed_ns: Times
    outcome: NDArray[np.int64]
    violated: int
    """Edges that were broken: issued before what it waits for was completed."""
    released: int
    """Edges whose first end never came, because its worker was lost or skipped it."""

    @property
    def service_ns(self) -> Times:
        return self.completed_ns - self.issued_ns

    @property
    def response_ns(self) -> Times:
        return self.completed_ns - self.intended_ns

    @property
    def lateness_ns(self) -> Times:
        """What the harness itself was late by."""
        return self.issued_ns - np.maximum(self.intended_ns, self.ready_ns)

    @property
    def held_ns(self) -> Times:
        """How long an operation that was due was held back by order: its lane's last one, or an edge."""
        held: Times = np.maximum(self.ready_ns - self.intended_ns, 0)
        return held


def timing(plan: Plan, records: NDArray[np.int64], start_ns: int, skipped: NDArray[np.bool_]) -> Timing:
    """The timing of a run from its log. `skipped`: places that the executor does not carry out."""
    executed = records[:, COMPLETED] != 0
    issued = np.where(executed, records[:, ISSUED] - start_ns, 0)
    completed = np.where(executed, records[:, COMPLETED] - start_ns, 0)
    ended = _latest_in_lane(plan, completed)
    ready = np.zeros(plan.operations, np.int64)
    ready[1:] = ended[:-1]
    ready[plan.lane_start[:-1]] = 0 if plan.lane_begin_ns is None else plan.lane_begin_ns
    thought = ready + plan.think_ns if plan.think_ns is not None else ready
    waits = plan.waits
    before = plan.lane_start[waits.lane] + waits.count - 1
    np.maximum.at(ready, waits.place, ended[before])
    intended = plan.intended_ns if plan.intended_ns is not None else np.maximum(thought, ready)
    both = executed[waits.place] & executed[before]
    return Timing(
        executed=executed,
        intended_ns=intended,
        ready_ns=ready,
        issued_ns=issued,
        completed_ns=completed,
        outcome=records[:, OUTCOME],
        violated=int((both & (issued[waits.place] < completed[before])).sum()),
        released=int((executed[waits.place] & ~executed[before] & ~skipped[before]).sum()),
    )


def _latest_in_lane(plan: Plan, completed: Times) -> Times:
    """When each place and all before it in its lane had ended."""
    # One accumulation over all lanes: each lane's times are lifted above those of the one before.
    lift = plan.lane_of_place() * (int(completed.max(initial=0)) + 1)
    accumulated: Times = np.maximum.accumulate(completed + lift) - lift
    return accumulated
