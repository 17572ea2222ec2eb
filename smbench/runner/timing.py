"""What the log's readings mean: when each operation was intended, could have been issued, was, and ended.

`ready` is when all that an operation waits for was done: its lane's previous one, its edges, and the time
that it is held after those. It is
taken from the log of those operations, not from when the waiter noticed, so that a harness that wakes
slowly counts as late.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from smbench.arrays import blocks, long_array
from smbench.measure.oplog import COMPLETED, ISSUED, OUTCOME
from smbench.plan.model import Plan

Times = NDArray[np.int64]
Places = slice | NDArray[np.int64]
ALL = slice(None)


@dataclass(frozen=True, slots=True)
class Timing:
    """By place in the plan; times in nanoseconds since the start of the run.

    The arrays may lie in files: what follows from them is asked for some places at a time."""

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
    apart: NDArray[np.bool_] | None = None
    """Which were due or in flight while the harness stood still (`runner.stood_still`): they are in no
    figure."""

    def service_ns(self, places: Places = ALL) -> Times:
        return np.asarray(self.completed_ns[places] - self.issued_ns[places])

    def response_ns(self, places: Places = ALL) -> Times:
        return np.asarray(self.completed_ns[places] - self.intended_ns[places])

    def lateness_ns(self, places: Places = ALL) -> Times:
        """What the harness itself was late by."""
        due_ns = np.maximum(self.intended_ns[places], self.ready_ns[places])
        return np.asarray(self.issued_ns[places] - due_ns)

    def held_ns(self, places: Places = ALL) -> Times:
        """How long an operation that was due was held back by order: its lane's last one, or an edge."""
        return np.asarray(np.maximum(self.ready_ns[places] - self.intended_ns[places], 0))


def timing(plan: Plan, records: NDArray[np.int64], start_ns: int, skipped: NDArray[np.bool_]) -> Timing:
    """The timing of a run from its log. `skipped`: places that the executor does not carry out."""
    size = plan.operations
    executed = long_array(size, np.bool_)
    issued, completed, ready, ended = (long_array(size, np.int64) for _ in range(4))
    thought = None if plan.think_ns is None else long_array(size, np.int64)
    latest = _LatestInLane(plan)
    for block in blocks(size):
        log = records[block]
        executed[block] = done = log[:, COMPLETED] != 0
        issued[block] = np.where(done, log[:, ISSUED] - start_ns, 0)
        completed[block] = np.where(done, log[:, COMPLETED] - start_ns, 0)
        ready[block], ended[block] = latest.before_and_after(block, completed[block])
        if thought is not None and plan.think_ns is not None:
            thought[block] = ready[block] + plan.think_ns[block]
    waits = plan.waits
    before = plan.lane_start[waits.lane] + waits.count - 1
    np.maximum.at(ready, waits.place, ended[before])
    ready[plan.lags.place] += plan.lags.ns
    _raise_by_brief(plan, ready, issued, completed)
    if thought is not None:
        for block in blocks(size):
            np.maximum(thought[block], ready[block], out=thought[block])
    both = executed[waits.place] & executed[before]
    return Timing(
        executed=executed,
        intended_ns=next(times for times in (plan.intended_ns, thought, ready) if times is not None),
        ready_ns=ready,
        issued_ns=issued,
        completed_ns=completed,
        outcome=records[:, OUTCOME],
        violated=int((both & (issued[waits.place] < completed[before])).sum()),
        released=int((executed[waits.place] & ~executed[before] & ~skipped[before]).sum()),
    )


def _raise_by_brief(plan: Plan, ready: Times, issued: Times, completed: Times) -> None:
    """What waited briefly was ready when the notification was issued, or answered; where it gave up, or that
    came later, the wait counts as the harness' own."""
    brief = plan.brief
    of = plan.lane_start[brief.lane] + brief.count - 1
    until = np.where(brief.answered != 0, completed[of], issued[of])
    in_time = (completed[of] != 0) & (until <= issued[brief.place])
    np.maximum.at(ready, brief.place[in_time], until[in_time])


class _LatestInLane:
    """When all before each place in its lane had ended, and with it; block after block."""

    def __init__(self, plan: Plan) -> None:
        self._start = plan.lane_start
        self._begin_ns = plan.lane_begin_ns
        self._lane = -1
        self._ended_ns = 0

    def before_and_after(self, block: slice, completed: Times) -> tuple[Times, Times]:
        first, last = np.searchsorted(self._start, [block.start, block.stop - 1], side="right") - 1
        starts = np.maximum(self._start[first : last + 1], block.start) - block.start
        goes_on = first == self._lane
        own = completed.copy()
        if goes_on:
            own[0] = max(int(own[0]), self._ended_ns)
        # One accumulation over all lanes: each lane's times are lifted above those of the one before.
        lane = np.repeat(np.arange(len(starts)), np.diff(starts, append=len(own)))
        lift = lane * (int(own.max(initial=0)) + 1)
        after: Times = np.maximum.accumulate(own + lift) - lift
        before = np.roll(after, 1)
        before[starts] = 0 if self._begin_ns is None else self._begin_ns[first : last + 1]
        if goes_on:
            before[0] = self._ended_ns
        self._lane, self._ended_ns = int(last), int(after[-1])
        return before, after
