"""Where a lane has to stop and look: before an operation that waits, after one that others wait for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from smbench.plan.model import Integers, Plan


class Segment(NamedTuple):
    """Operations of a lane up to position `end`, that are issued without looking at the board."""

    end: int
    waits: list[tuple[int, int]]
    """(lane, count) to wait for before the first of them."""
    post: bool
    """Somebody waits for `end` operations of this lane; where for a notification, that is alone in it."""
    brief: list[tuple[int, int, bool]]
    """(lane, count, answered) to wait for briefly, after that (`plan.model.BriefWaits`)."""
    lag_ns: int
    """How long the first of them is held after all that."""
    arms: bool
    """It is one operation alone, and somebody waits until it is armed (a notification) or under way."""


class Segments:
    """The segments of every lane of a plan; made once, shared by forked workers."""

    def __init__(self, plan: Plan) -> None:
        waits, brief = plan.waits, plan.brief
        self._lane_start = plan.lane_start
        answered = brief.answered.astype(bool)
        self._waits = waits.place, waits.lane, waits.count
        self._brief = brief.place, brief.lane, brief.count, answered
        self._lags = plan.lags.place, plan.lags.ns
        self._posts = _ByLane(
            np.concatenate([waits.lane, brief.lane[answered]]),
            np.concatenate([waits.count, brief.count[answered]]),
        )
        self._answers = _ByLane(brief.lane[answered], brief.count[answered])
        self._arms = _ByLane(brief.lane[~answered], brief.count[~answered])

    def of(self, lane: int, start: int, end: int) -> Iterator[Segment]:
        """The segments of the lane's positions from `start` to `end`."""
        first_place = int(self._lane_start[lane])
        posts = self._posts.counts(lane, start, end)
        arms = self._arms.counts(lane, start, end)
        waits, brief, lags = (
            _by_position(of, first_place, start, end) for of in (self._waits, self._brief, self._lags)
        )
        alone = {count - 1 for count in arms | self._answers.counts(lane, start, end)} | arms
        for cut in sorted({*waits, *brief, *lags, *posts, *alone, end} - {start}):
            ((lag_ns,),) = lags.get(start, [(0,)])
            yield Segment(cut, waits.get(start, []), cut in posts, brief.get(start, []), lag_ns, cut in arms)
            start = cut


def _by_position(columns: Sequence[NDArray[Any]], first_place: int, start: int, end: int) -> dict[int, Any]:
    """Rows of what waits, by where it stands in its lane, from `start` to `end`; the first column has the
    places, and the lane begins at `first_place`."""
    place, *others = columns
    low, high = np.searchsorted(place, [first_place + start, first_place + end])
    rows = zip(*(column[low:high].tolist() for column in others), strict=True)
    found: dict[int, list[tuple[Any, ...]]] = {}
    for position, row in zip((place[low:high] - first_place).tolist(), rows, strict=True):
        found.setdefault(position, []).append(row)
    return found


class _ByLane:
    """Counts of lanes that somebody waits for."""

    def __init__(self, lane: Integers, count: Integers) -> None:
        order = np.lexsort((count, lane))
        self._lane, self._count = lane[order], count[order]

    def counts(self, lane: int, start: int, end: int) -> set[int]:
        """Those of a lane above `start`, up to `end`."""
        first, last = np.searchsorted(self._lane, [lane, lane + 1])
        counts = self._count[first:last]
        return set(counts[slice(*np.searchsorted(counts, [start + 1, end + 1]))].tolist())
