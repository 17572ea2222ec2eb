"""Who must come after whom on the ranges of one file: writes and reads, and the locks that forbid them.

A shared lock is like a read of its range and an exclusive one like a write, because that is what the
server keeps apart; unlocking is like a write, because it lets others in.
"""

from __future__ import annotations

from typing import NamedTuple

from smbench.plan.knowledge import Access, Requirement, require

END = 1 << 65
"""Beyond every offset."""
_WRITES_KEPT = 64


class _Range(NamedTuple):
    low: int
    high: int
    access: Access


class Ranges:
    """The accesses to one file's ranges that a later one may have to wait for.

    As long as one lane is alone with the file, only the hull of what it read and wrote is kept. Of
    reads it is the hull a lane in any case, which may order a write after a read that it does not
    overlap; of writes it is the ranges themselves, up to a number, beyond it the hulls.
    """

    __slots__ = ("_reads", "_sole", "_writes")

    def __init__(self) -> None:
        self._sole = -1
        self._reads: dict[int, _Range] = {}
        self._writes: list[_Range] = []

    def read(self, low: int, high: int, access: Access, arrival_ns: int, into: list[Requirement]) -> None:
        """Add to `into` what a read of [low, high) must wait for, and remember it."""
        lane = access.lane
        if lane != self._sole:
            self._share(lane)
            _require_overlapping(self._writes, low, high, lane, arrival_ns, into)
        access = access.own()
        if (previous := self._reads.get(lane)) is not None:
            low, high = min(low, previous.low), max(high, previous.high)
            access.succeed(previous.access)
        self._reads[lane] = _Range(low, high, access)

    def write(self, low: int, high: int, access: Access, arrival_ns: int, into: list[Requirement]) -> None:
        """The same for a write."""
        lane = access.lane
        writes = self._writes
        access = access.own()
        if lane == self._sole:
            if writes:
                previous = writes[-1]
                access.succeed(previous.access)
                low, high = min(low, previous.low), max(high, previous.high)
            self._writes = [_Range(low, high, access)]
            return
        self._share(lane)
        first = len(into)
        _require_overlapping(writes, low, high, lane, arrival_ns, into)
        for earlier in self._reads.values():
            if earlier.low < high and low < earlier.high:
                require(earlier.access, lane, arrival_ns, into)
        access.needs = tuple(into[first:])
        left = []
        first_low, last_high = low, high
        for earlier in writes:
            own, done = earlier.access.lane == lane, earlier.access.end_ns <= arrival_ns
            if done and own and earlier.low <= high and low <= earlier.high:
                first_low, last_high = min(first_low, earlier.low), max(last_high, earlier.high)
                access.succeed(earlier.access)
            elif not (done and low <= earlier.low and earlier.high <= high):
                left.append(earlier)
        left.append(_Range(first_low, last_high, access))
        self._writes = left if len(left) <= _WRITES_KEPT else _hulls(left)

    def _share(self, lane: int) -> None:
        if self._sole == -1:
            self._sole = lane
        elif self._sole != lane:
            self._sole = -2


def _require_overlapping(
    ranges: list[_Range], low: int, high: int, lane: int, arrival_ns: int, into: list[Requirement]
) -> None:
    for earlier in ranges:
        if earlier.low < high and low < earlier.high:
            require(earlier.access, lane, arrival_ns, into)


def _hulls(ranges: list[_Range]) -> list[_Range]:
    """One range a lane, with its latest access."""
    hulls: dict[int, _Range] = {}
    for low, high, access in ranges:
        if (other := hulls.get(access.lane)) is not None:
            low, high = min(low, other.low), max(high, other.high)
            access.succeed(other.access)
        hulls[access.lane] = _Range(low, high, access)
    return list(hulls.values())
