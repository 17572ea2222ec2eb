"""Lanes: which operations of a user may share one sequence, because they never overlapped.

Greedy interval colouring in order of arrival, which uses no more lanes than operations were in
flight at once. Of the lanes that are free, an open's operation takes the one where its handle was
last used, so that most handles live in one thread of a replay.
"""

from __future__ import annotations

from heapq import heappop, heappush

FOREVER_NS = 1 << 62
"""The end of an operation that the capture never saw answered but that blocks (a notify, a lock)."""


class Lanes:
    """The lanes of one user. Feed it operations in order of arrival; memory is the lanes and open handles."""

    def __init__(self) -> None:
        self._free: list[int] = []
        self._is_free: list[bool] = []
        self._listed: list[bool] = []
        self._busy: list[tuple[int, int]] = []
        self._ends: list[int] = []
        self._of_handle: dict[int, int] = {}
        self._chain: int | None = None
        self._chain_lane = 0

    def __len__(self) -> int:
        return len(self._ends)

    def assign(self, arrival_ns: int, end_ns: int, handle: int = -1, closes: bool = False,
               chain: int | None = None) -> int:  # fmt: skip
        """The lane of an operation that took from `arrival_ns` to `end_ns`.

        `handle` is the open that it makes or works on (-1: none), `closes` that it is that open's
        last. Operations of one compound `chain` run one after the other on the server although their
        times are one: they stay in one lane.
        """
        while self._busy and self._busy[0][0] <= arrival_ns:
            end, lane = heappop(self._busy)
            if self._ends[lane] == end and not self._is_free[lane]:
                self._release(lane)
        if chain is not None and chain == self._chain:
            lane = self._chain_lane
            end_ns = max(end_ns, self._ends[lane])
        else:
            lane = self._pick(self._of_handle.get(handle, -1))
        self._chain, self._chain_lane = chain, lane
        self._is_free[lane] = False
        self._ends[lane] = end_ns
        heappush(self._busy, (end_ns, lane))
        if closes:
            self._of_handle.pop(handle, None)
        elif handle >= 0:
            self._of_handle[handle] = lane
        return lane

    def _pick(self, preferred: int) -> int:
        if preferred >= 0 and self._is_free[preferred]:
            return preferred
        while self._free:
            lane = heappop(self._free)
            self._listed[lane] = False
            if self._is_free[lane]:
                return lane
        self._ends.append(0)
        self._is_free.append(True)
        self._listed.append(False)
        return len(self._ends) - 1

    def _release(self, lane: int) -> None:
        self._is_free[lane] = True
        if not self._listed[lane]:  # a lane that was picked by its handle is in the heap still
            self._listed[lane] = True
            heappush(self._free, lane)
