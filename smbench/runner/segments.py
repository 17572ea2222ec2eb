"""Where a lane has to stop and look: before an operation that waits, after one that others wait for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from smbench.plan.model import Plan


class Segment(NamedTuple):
    """Operations of a lane up to position `end`, that are issued without looking at the board."""

    end: int
    waits: list[tuple[int, int]]
    """(lane, count) to wait for before the first of them."""
    post: bool
    """Somebody waits for `end` operations of this lane."""


class Segments:
    """The segments of every lane of a plan; made once, shared by forked workers."""

    def __init__(self, plan: Plan) -> None:
        self._waits = plan.waits
        self._lane_start = plan.lane_start
        order = np.lexsort((plan.waits.count, plan.waits.lane))
        self._post_lane = plan.waits.lane[order]
        self._post_count = plan.waits.count[order]

    def of(self, lane: int, start: int, end: int) -> Iterator[Segment]:
        """The segments of the lane's positions from `start` to `end`."""
        first_place = self._lane_start[lane]
        low, high = np.searchsorted(self._waits.place, [first_place + start, first_place + end])
        first, last = np.searchsorted(self._post_lane, [lane, lane + 1])
        counts = self._post_count[first:last]
        posts = set(counts[slice(*np.searchsorted(counts, [start + 1, end + 1]))].tolist())
        waits: dict[int, list[tuple[int, int]]] = {}
        for place, other, count in zip(
            (self._waits.place[low:high] - first_place).tolist(),
            self._waits.lane[low:high].tolist(),
            self._waits.count[low:high].tolist(),
            strict=True,
        ):
            waits.setdefault(place, []).append((other, count))
        for cut in sorted({*waits, *posts, end} - {start}):
            yield Segment(cut, waits.get(start, []), cut in posts)
            start = cut
