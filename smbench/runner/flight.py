"""What a lane has in flight, told without a call, a clock or a store per operation.

The records in the log tell it: of what a lane issues one after the other, the first without a record is
under way, and was issued when the one before it came back, or when the lane had last slept or waited. That
a lane sleeps, and what it issues from, it stores itself, once a sleep and once a segment; whoever wants to
know looks from beside.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from struct import Struct
from typing import TYPE_CHECKING

from smbench.measure.oplog import COMPLETED, RECORD_BYTES

if TYPE_CHECKING:
    from mmap import mmap

    from smbench.runner.refused import Item

_WORD = Struct("=q")
_COMPLETED_AT = COMPLETED * _WORD.size


class Flight:
    """Of one lane. It is written by the lane's thread, and read by another of the same process."""

    __slots__ = ("asleep", "items", "since_ns")

    def __init__(self) -> None:
        self.items: Sequence[Item] = ()
        """What is issued just now, in its order; empty between two segments."""
        self.asleep = False
        """The next of them is not due yet."""
        self.since_ns = 0
        """Reading of the clock when the lane had last slept, or waited for others."""

    def under_way(self, log: mmap) -> tuple[int, int] | None:
        """The place in the plan of the call that is out, and the reading of the clock when it was issued;
        None where none is. What comes back meanwhile has its record, by which the reader knows."""
        items = self.items
        if self.asleep or not items:
            return None
        try:
            at = bisect_left(items, True, key=lambda item: not _completed_ns(log, item))
            before_ns = _completed_ns(log, items[at - 1]) if at else 0
            place = items[at][2] // RECORD_BYTES
        except IndexError:  # all are done, or the lane was stopped meanwhile
            return None
        return place, max(self.since_ns, before_ns)


def _completed_ns(log: mmap, item: Item) -> int:
    value: int = _WORD.unpack_from(log, item[2] + _COMPLETED_AT)[0]
    return value
