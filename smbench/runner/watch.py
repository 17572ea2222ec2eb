"""What the parent sees of a run under way: new records only, lane by lane, nothing asked of the workers.

A lane's records come in order, so that a cursor a lane says how far was read. A look costs what has
come since the last one, not the length of the run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from smbench.measure.oplog import COMPLETED, ISSUED, OUTCOME
from smbench.plan.model import Integers, Pace, Plan
from smbench.run.histogram import Histogram
from smbench.run.measures import ANSWERED_BY_OTHERS
from smbench.run.series import WAITING
from smbench.run.warm_up import after_warm_up
from smbench.runner.call_file import KINDS
from smbench.runner.expectations import Expectations
from smbench.runner.heartbeat import Heartbeats

_FIRST_WIDTH = 8
"""A lane is looked at so many records ahead; where all are there, twice as many next, and so on."""

_TOLD_NS = 1_000_000_000
"""A call that is out for less is nothing to tell of."""

Places = NDArray[np.int64]

_ANSWERED_BY_OTHERS = [number for number, kind in enumerate(KINDS) if kind.__name__ in ANSWERED_BY_OTHERS]


@dataclass(frozen=True, slots=True)
class KindView:
    """One kind of call; times in nanoseconds, 0 where there were none."""

    kind: str
    count: int
    """In total; without those whose failure the capture does not have."""
    lately: int
    """Since the last look."""
    p50_ns: tuple[int, int]
    """Service time: since the last look, in total."""
    p99_ns: tuple[int, int]


@dataclass(frozen=True, slots=True)
class InFlightView:
    """A call that is out."""

    kind: str
    user: str
    age_s: float


@dataclass(frozen=True, slots=True)
class RunView:
    """A run at one moment."""

    elapsed_s: float
    done: int
    """Skipped ones included."""
    planned: int
    per_s: float
    """Operations a second since the last look, as in the result without those that failed; those of the
    warm-up too."""
    kinds: Sequence[KindView]
    every: KindView
    lateness_p99_ns: tuple[int, int]
    """Of the harness: since the last look, in total."""
    errors: int
    """Calls that failed and did not in the capture."""
    users_running: int
    users: int
    left_s: float | None
    """What is left by the plan's times, or at the present rate; None where nothing is known: as yet, or
    because all of it is overdue."""
    warm_up_left_s: float = 0.0
    """What is left of the warm-up, whose operations are in no time."""
    longest: InFlightView | None = None
    """The call that is out for longest; None where none is out for a second."""
    standing_still: Sequence[str] = ()
    """Users whose workers give no sign of life."""


@dataclass(slots=True)
class _Recorder:
    lately: Histogram = field(default_factory=Histogram)
    total: Histogram = field(default_factory=Histogram)

    def take(self, values_ns: Places) -> None:
        self.lately = Histogram()
        if len(values_ns):
            self.lately.record(values_ns)
            self.total.add(self.lately)

    def percentiles(self, percent: float) -> tuple[int, int]:
        return self.lately.percentile_ns(percent), self.total.percentile_ns(percent)


class Observer:
    """Reads the operation log of a run while it is written."""

    def __init__(
        self, plan: Plan, records: NDArray[np.int64], expectations: Expectations, warm_up_ns: int = 0,
        beats: Heartbeats | None = None,
    ) -> None:  # fmt: skip
        self._plan, self._records = plan, records
        self._expectations = expectations
        self._beats = beats
        self._next = plan.lane_start[:-1].astype(np.int64)
        self._end = plan.lane_start[1:].astype(np.int64)
        self._by_kind: dict[int, _Recorder] = {}
        self._every, self._lateness = _Recorder(), _Recorder()
        self._errors = 0
        self._looked_ns = 0
        self._last_intended_ns = _last(plan)
        self._warm_up_ns = warm_up_ns

    def look(self, start_ns: int, now: int) -> RunView:
        """Read what is new; `start_ns` is the reading of the clock at the start of the run."""
        taken = self._take()
        taken = taken[~self._plan.of_outside(taken)]
        outcome = self._records[taken, OUTCOME]
        self._errors += int(self._expectations.errors(taken, outcome).sum())
        succeeded = len(taken) - int(self._expectations.failed(taken, outcome).sum())
        places = taken[self._after_warm_up(taken, start_ns)]
        new = self._records[places]
        service = new[:, COMPLETED] - new[:, ISSUED]
        kind = self._expectations.kinds(places)
        failed = self._expectations.failed(places, new[:, OUTCOME])
        # As in the result: how long it took to fail is no latency of the kind.
        service, kind = service[~failed], kind[~failed]
        self._every.take(service[~np.isin(kind, _ANSWERED_BY_OTHERS)])
        for number in set(np.flatnonzero(np.bincount(kind))) | self._by_kind.keys():
            self._by_kind.setdefault(int(number), _Recorder()).take(service[kind == number])
        self._lateness.take(self._late(places, new, start_ns))
        since_ns = max(now - (self._looked_ns or start_ns), 1)
        self._looked_ns = now
        view = self._view(succeeded * 1e9 / since_ns, (now - start_ns) / 1e9)
        return replace(view, longest=self._longest(now), standing_still=self._standing_still(now))

    def _take(self) -> Places:
        """The places of the new records; the cursors move behind them."""
        found: list[Places] = []
        active, width = np.flatnonzero(self._next < self._end), _FIRST_WIDTH
        while len(active):
            places = self._next[active, None] + np.arange(width)
            inside = places < self._end[active, None]
            places = np.minimum(places, len(self._records) - 1)
            recorded = self._records[places, COMPLETED] != 0
            there = inside & (recorded | self._expectations.skipped(places))
            # A worker may write on while this reads: only what is whole from the front counts.
            there = np.logical_and.accumulate(there, axis=1)
            found.append(places[there & recorded])
            self._next[active] += there.sum(axis=1)
            active, width = active[there[:, -1]], width * 2
        return np.concatenate(found) if found else np.zeros(0, np.int64)

    def _after_warm_up(self, places: Places, start_ns: int) -> NDArray[np.bool_]:
        """Without times of its own an operation counts by when it was issued: nearly when it was due."""
        due_ns = self._plan.intended_ns
        issued_ns = self._records[places, ISSUED] - start_ns
        return after_warm_up(issued_ns if due_ns is None else due_ns[places], self._warm_up_ns)

    def _late(self, places: Places, new: NDArray[np.int64], start_ns: int) -> Places:
        """Lateness as `runner.timing` has it; not of operations behind a skipped one, whose time to be
        ready is known only in the end."""
        plan = self._plan
        lane = np.searchsorted(plan.lane_start, places, side="right") - 1
        first = plan.lane_start[lane] == places
        before = np.where(first, start_ns, self._records[np.maximum(places - 1, 0), COMPLETED])
        ready = before.copy()
        self._wait(places, ready)
        due = ready
        if plan.intended_ns is not None:
            due = np.maximum(ready, start_ns + plan.intended_ns[places])
        elif plan.think_ns is not None:
            due = np.maximum(ready, before + plan.think_ns[places])
        known = before != 0
        late: Places = np.maximum(new[known, ISSUED] - due[known], 0)
        return late

    def _wait(self, places: Places, ready: Places) -> None:
        """Raise `ready` to the end of what the places wait for."""
        waits, brief = self._plan.waits, self._plan.brief
        at, edge = _edges_of(places, waits.place)
        last = self._plan.lane_start[waits.lane[edge]] + waits.count[edge] - 1
        np.maximum.at(ready, at, self._records[last, COMPLETED])
        at, lag = _edges_of(places, self._plan.lags.place)
        ready[at] += self._plan.lags.ns[lag]
        at, edge = _edges_of(places, brief.place)
        of = self._plan.lane_start[brief.lane[edge]] + brief.count[edge] - 1
        until = np.where(brief.answered[edge] != 0, self._records[of, COMPLETED], self._records[of, ISSUED])
        in_time = (self._records[of, COMPLETED] != 0) & (until <= self._records[places[at], ISSUED])
        np.maximum.at(ready, at[in_time], until[in_time])

    def _view(self, per_s: float, elapsed_s: float) -> RunView:
        plan = self._plan
        done = int((self._next - plan.lane_start[:-1]).sum())
        running = np.unique(plan.lane_user[self._next < self._end])
        kinds = [
            _kind_view(KINDS[number].__name__, recorder) for number, recorder in sorted(self._by_kind.items())
        ]
        return RunView(
            elapsed_s=elapsed_s,
            done=done,
            planned=plan.operations,
            per_s=per_s,
            kinds=kinds,
            every=_kind_view("all", self._every),
            lateness_p99_ns=self._lateness.percentiles(99),
            errors=self._errors,
            users_running=len(running),
            users=len(plan.users),
            left_s=self._left(done, elapsed_s),
            warm_up_left_s=max(self._warm_up_ns / 1e9 - elapsed_s, 0.0),
        )

    def _longest(self, now: int) -> InFlightView | None:
        """Of what others answer nothing is told: it waits by what it is."""
        if self._beats is None:
            return None
        calls = self._beats.in_flight(slice(None), self._records, now)
        calls = [one for one in calls if now - one.issued_ns >= _TOLD_NS]
        kinds = self._expectations.kinds(np.array([one.place for one in calls], np.int64)).tolist()
        told = [
            InFlightView(
                KINDS[kind].__name__,
                self._plan.users[int(self._plan.lane_user[one.lane])],
                (now - one.issued_ns) / 1e9,
            )
            for one, kind in zip(calls, kinds, strict=True)
            if KINDS[kind].__name__ not in WAITING
        ]
        return max(told, key=lambda one: one.age_s, default=None)

    def _standing_still(self, now: int) -> Sequence[str]:
        if self._beats is None:
            return ()
        running = np.unique(self._plan.lane_process[self._next < self._end]).tolist()
        still = self._beats.still(running, now)
        return [user for gap in still for user in self._plan.users_of(gap.process)]

    def _left(self, done: int, elapsed_s: float) -> float | None:
        if self._plan.pace is Pace.ORIGINAL:
            left_s = self._last_intended_ns / 1e9 - elapsed_s
            return left_s if left_s > 0 else 0.0 if done == self._plan.operations else None
        return elapsed_s * (self._plan.operations - done) / done if done else None


def _edges_of(places: Places, waiting: Integers) -> tuple[Places, Places]:
    """Of each edge that some places have, sorted by `waiting`: which of the places, and which edge."""
    begin, end = (np.searchsorted(waiting, places, side) for side in ("left", "right"))
    count = end - begin
    at = np.repeat(np.arange(len(places)), count)
    offsets = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    return at, np.repeat(begin, count) + offsets


def _last(plan: Plan) -> int:
    return 0 if plan.intended_ns is None else int(plan.intended_ns.max(initial=0))


def _kind_view(kind: str, recorder: _Recorder) -> KindView:
    return KindView(
        kind,
        recorder.total.total,
        recorder.lately.total,
        recorder.percentiles(50),
        recorder.percentiles(99),
    )
