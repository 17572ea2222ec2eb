"""From a workload to its Plan: placement, times, order.

The workload is read twice, batch by batch: first the lanes and their sizes, then everything, row by row to
its place; and once more for the opens whose leases were broken, where any was. Memory does not grow with
the length of the workload, but with what its order has to remember.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from smbench.arrays import long_array
from smbench.plan.breaks import Told
from smbench.plan.changes import Changes
from smbench.plan.columns import Columns, has_notifications, opened_by, placed_columns, placements
from smbench.plan.gaps import Gaps, closed, find_gaps
from smbench.plan.knowledge import BriefEdges
from smbench.plan.model import BriefWaits, Integers, Lags, Pace, Plan, Waits, lane_keys, lanes_of_keys
from smbench.plan.order import Order
from smbench.workload.model import Operation, Workload
from smbench.workload.outside import outside_user


def plan_run(
    workload: Workload,
    users: Sequence[str],
    *,
    pace: Pace = Pace.ORIGINAL,
    speed: float = 1.0,
    users_per_process: int = 1,
    close_gaps_ns: int | None = None,
    keeps_breaks: bool = False,
) -> Plan:
    """Place a workload: `users` names the captured users, `users_per_process` neighbours share a process,
    gaps that are longer than `close_gaps_ns` (of the capture's time) are as long as that; `keeps_breaks` as
    `Executor` has it. The first operation is due at the start of the run, whenever the capture had it.
    """
    operations = workload.operations
    lanes, lane_start = _census(operations)
    row = long_array(int(lane_start[-1]), np.int64)
    times = None if pace is Pace.FAST else _Times(pace, speed, len(row), len(lanes))
    if times is not None and close_gaps_ns is not None:
        times.close(find_gaps(operations, close_gaps_ns), close_gaps_ns)
    placing = _Placing(lanes, lane_start)
    lane_user, lane_number = lanes_of_keys(lanes)
    brief = BriefEdges()
    changes = Changes(pace is Pace.FAST, brief) if has_notifications(operations) else None
    outside = outside_user(workload)
    kept = brief if keeps_breaks else None
    order = Order(lane_user.tolist(), _told(workload), changes, outside, kept) if len(lanes) > 1 else None
    first_row = 0
    for placement, columns in _batches(operations, ordered=order is not None):
        user, lane, arrival_ns, service_ns = placement
        if not len(user):
            continue
        placed = placing.next(user, lane)
        row[placed.place] = np.arange(first_row, first_row + len(user))
        if times is not None:
            times.set(placed, arrival_ns, service_ns)
        if order is not None and columns is not None:
            positions = placed.place - lane_start[placed.lane]
            order.feed(columns, placed.lane.tolist(), positions.tolist(), first_row)
        first_row += len(user)
    processes, lane_process = _processes(lane_user, users_per_process)
    return Plan(
        pace=pace,
        speed=speed,
        users=list(users),
        processes=processes,
        lane_user=lane_user,
        lane_number=lane_number,
        lane_process=lane_process,
        lane_start=lane_start,
        row=row,
        intended_ns=times.ns if times is not None and pace is Pace.ORIGINAL else None,
        think_ns=times.ns if times is not None and pace is Pace.THINK else None,
        waits=_waits(order, lane_start),
        edges_found=0 if order is None else order.edges.found,
        closed=() if times is None else times.closed,
        outside=outside,
        brief=_brief(brief, lane_start),
        lags=_lags(order, lane_start),
    )


def _told(workload: Workload) -> Told:
    """The capture's breaks, with the opens that were told of one."""
    breaks = list(workload.breaks)
    return Told(breaks, opened_by(workload.operations, {one.handle for one in breaks}) if breaks else {})


def _processes(lane_user: Integers, users_per_process: int) -> tuple[int, NDArray[np.int32]]:
    """How many there are, and the one of each lane. A user without operations takes none."""
    with_work, user_rank = np.unique(lane_user, return_inverse=True)
    return -(-len(with_work) // users_per_process), (user_rank // users_per_process).astype(np.int32)


def _batches(
    operations: Iterable[Operation], *, ordered: bool
) -> Iterator[tuple[list[NDArray[Any]], Columns | None]]:
    if ordered:
        yield from placed_columns(operations)
    else:
        yield from ((placement, None) for placement in placements(operations))


def _census(operations: Iterable[Operation]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The lanes that there are, as `lane_keys`, and where each begins, with the number of operations last."""
    sizes: Counter[int] = Counter()
    for user, lane, *_ in placements(operations):
        keys, counts = np.unique(lane_keys(user, lane), return_counts=True)
        sizes.update(dict(zip(keys.tolist(), counts.tolist(), strict=True)))
    lanes = sorted(sizes)
    return np.array(lanes, np.int64), np.cumsum([0, *(sizes[lane] for lane in lanes)], dtype=np.int64)


@dataclass(frozen=True, slots=True)
class _Placed:
    """Where the rows of a batch are in the plan. `by_lane` puts them lane by lane, where each group of
    one lane begins at `starts`."""

    lane: NDArray[np.int64]
    place: NDArray[np.int64]
    by_lane: NDArray[np.int64]
    starts: NDArray[np.int64]


class _Placing:
    """Places row after row, batch after batch, behind what came before in its lane."""

    def __init__(self, lanes: NDArray[np.int64], lane_start: NDArray[np.int64]) -> None:
        self._lanes = lanes
        self._next = lane_start[:-1].copy()

    def next(self, user: Integers, lane: Integers) -> _Placed:
        number = np.searchsorted(self._lanes, lane_keys(user, lane))
        by_lane = np.argsort(number, kind="stable")
        ordered = number[by_lane]
        starts = np.flatnonzero(np.diff(ordered, prepend=-1))
        sizes = np.diff(starts, append=len(ordered))
        place = np.empty(len(number), np.int64)
        place[by_lane] = self._next[ordered] + np.arange(len(ordered)) - np.repeat(starts, sizes)
        self._next[ordered[starts]] += sizes
        return _Placed(number, place, by_lane, starts)


class _Times:
    """When each row is due: since the workload's first arrival, or since the end of what its lane did before.

    `ns` has them by place, for the speed that is wanted.
    """

    def __init__(self, pace: Pace, speed: float, size: int, lanes: int) -> None:
        self._pace = pace
        self._speed = speed
        self._gaps: Gaps | None = None
        self._close_gaps_ns = 0
        self._first_ns: int | None = None
        self._ended_ns = np.zeros(lanes, np.int64)
        self.ns = long_array(size, np.int64)

    def close(self, gaps: Gaps, to_ns: int) -> None:
        """Let these gaps be `to_ns` long."""
        self._gaps, self._close_gaps_ns = gaps, to_ns

    @property
    def closed(self) -> tuple[int, ...]:
        """How long the gaps were that were closed."""
        return () if self._gaps is None else tuple(self._gaps.length_ns.tolist())

    def set(self, placed: _Placed, arrival_ns: Integers, service_ns: Integers) -> None:
        """The times of one more batch, in the capture's order."""
        if self._gaps is not None:
            arrival_ns = closed(self._gaps, self._close_gaps_ns, arrival_ns)
        if self._first_ns is None:
            self._first_ns = int(arrival_ns[0])
        since_ns = arrival_ns - self._first_ns
        if self._pace is Pace.THINK:
            since_ns = self._since_last_end(placed, since_ns, service_ns)
        self.ns[placed.place] = since_ns / self._speed

    def _since_last_end(self, placed: _Placed, arrival_ns: Integers, service_ns: Integers) -> Integers:
        """From the end of the lane's previous operation to the arrival; of a first one, since 0."""
        arrival_ns = arrival_ns[placed.by_lane]
        ended_ns = arrival_ns + np.maximum(service_ns[placed.by_lane], 0)
        lanes = placed.lane[placed.by_lane][placed.starts]
        last_end_ns = np.roll(ended_ns, 1)
        last_end_ns[placed.starts] = self._ended_ns[lanes]
        self._ended_ns[lanes] = ended_ns[np.append(placed.starts[1:], len(ended_ns)) - 1]
        since_ns = np.empty(len(arrival_ns), np.int64)
        since_ns[placed.by_lane] = np.maximum(arrival_ns - last_end_ns, 0)
        return since_ns


def _by_place(
    lane_start: NDArray[np.int64], lane: Iterable[int], position: Iterable[int], *columns: Iterable[int]
) -> Iterator[NDArray[np.int64]]:
    """Rows that tell of operations, in ascending order of their places, which come first."""
    place = lane_start[np.fromiter(lane, np.int64)] + np.fromiter(position, np.int64)
    by_place = np.argsort(place, kind="stable")
    for column in (place, *(np.fromiter(column, np.int64) for column in columns)):
        yield column[by_place]


def _waits(order: Order | None, lane_start: NDArray[np.int64]) -> Waits:
    if order is None:
        none = np.zeros(0, np.int64)
        return Waits(none, none, none)
    edges = order.edges
    return Waits(*_by_place(lane_start, edges.lane, edges.position, edges.after_lane, edges.count))


def _lags(order: Order | None, lane_start: NDArray[np.int64]) -> Lags:
    if order is None or not (lags := order.edges.lags):
        return Lags()
    lanes, positions = zip(*lags, strict=True)
    return Lags(*_by_place(lane_start, lanes, positions, lags.values()))


def _brief(brief: BriefEdges, lane_start: NDArray[np.int64]) -> BriefWaits:
    columns = brief.after_lane, brief.count, brief.answered
    return BriefWaits(*_by_place(lane_start, brief.lane, brief.position, *columns))
