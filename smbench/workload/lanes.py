"""Lanes: which operations of a user may share one sequence, because they never overlapped.

Greedy interval colouring in order of arrival, which uses no more lanes than operations were in
flight at once. Of the lanes that are free, an open's operation takes the one where its handle was
last used, so that most handles live in one thread of a replay.

A notification is answered by what others do, in a replay perhaps much later than in the capture: it gets
a lane in which nothing but notifications is, so that it holds nothing else up. Such a lane belongs to one
open from its first notification until it is closed and they are answered, and is free for another then.
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
        self._watches: dict[int, list[int]] = {}
        """By open: the lanes of its notifications."""
        self._leaving: list[tuple[int, int]] = []
        """Lanes of notifications that no open needs any more: when each is free."""
        self._idle: list[int] = []

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
            for watch in self._watches.pop(handle, ()):
                # What the capture never saw answered ends with its open.
                ended_ns = self._ends[watch] if self._ends[watch] < FOREVER_NS else arrival_ns
                heappush(self._leaving, (max(ended_ns, arrival_ns), watch))
        elif handle >= 0:
            self._of_handle[handle] = lane
        return lane

    def assign_watch(self, arrival_ns: int, end_ns: int, handle: int = -1) -> int:
        """The lane of a notification; arguments as of `assign`."""
        while self._leaving and self._leaving[0][0] <= arrival_ns:
            heappush(self._idle, heappop(self._leaving)[1])
        mine = self._watches.setdefault(handle, []) if handle >= 0 else []
        lane = next((one for one in mine if self._ends[one] <= arrival_ns), -1)
        if lane < 0:
            lane = heappop(self._idle) if self._idle else self._add()
            mine.append(lane)
        self._ends[lane] = end_ns
        if handle < 0:
            heappush(self._leaving, (end_ns, lane))
        return lane

    def _pick(self, preferred: int) -> int:
        if preferred >= 0 and self._is_free[preferred]:
            return preferred
        while self._free:
            lane = heappop(self._free)
            self._listed[lane] = False
            if self._is_free[lane]:
                return lane
        return self._add()

    def _add(self) -> int:
        self._ends.append(0)
        self._is_free.append(True)
        self._listed.append(False)
        return len(self._ends) - 1

    def _release(self, lane: int) -> None:
        self._is_free[lane] = True
        if not self._listed[lane]:  # a lane that was picked by its handle is in the heap still
            self._listed[lane] = True
            heappush(self._free, lane)
