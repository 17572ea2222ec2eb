"""Where a lane has to stop and look: before an operation that waits, after one that others wait for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

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
    arms: bool
    """It is one notification alone, and somebody waits until it is armed."""


class Segments:
    """The segments of every lane of a plan; made once, shared by forked workers."""

    def __init__(self, plan: Plan) -> None:
        waits, brief = plan.waits, plan.brief
        self._waits = waits
        self._brief = brief
        self._lane_start = plan.lane_start
        answered = brief.answered.astype(bool)
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
        waits: dict[int, list[tuple[int, int]]] = {}
        low, high = np.searchsorted(self._waits.place, [first_place + start, first_place + end])
        for place, other, count in zip(
            (self._waits.place[low:high] - first_place).tolist(),
            self._waits.lane[low:high].tolist(),
            self._waits.count[low:high].tolist(),
            strict=True,
        ):
            waits.setdefault(place, []).append((other, count))
        brief: dict[int, list[tuple[int, int, bool]]] = {}
        low, high = np.searchsorted(self._brief.place, [first_place + start, first_place + end])
        for place, other, count, answered in zip(
            (self._brief.place[low:high] - first_place).tolist(),
            self._brief.lane[low:high].tolist(),
            self._brief.count[low:high].tolist(),
            self._brief.answered[low:high].tolist(),
            strict=True,
        ):
            brief.setdefault(place, []).append((other, count, bool(answered)))
        alone = {count - 1 for count in arms | self._answers.counts(lane, start, end)} | arms
        for cut in sorted({*waits, *brief, *posts, *alone, end} - {start}):
            yield Segment(cut, waits.get(start, []), cut in posts, brief.get(start, []), cut in arms)
            start = cut


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
