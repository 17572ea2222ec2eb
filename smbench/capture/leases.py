"""Which open a break of a lease is about: the latest of those that share it, or one that is being closed."""

from __future__ import annotations

from collections import deque
from typing import Generic, TypeVar

Lease = tuple[str, str]
"""Its client, and its key."""
_Open = TypeVar("_Open")


class SharedLeases(Generic[_Open]):
    """The opens of each lease. Memory: those that are open, and those whose closes were answered last."""

    def __init__(self) -> None:
        self._opens: dict[Lease, list[_Open]] = {}
        self._leaving: deque[tuple[int, Lease, _Open]] = deque()
        """When the client heard that it was closed."""

    def opened(self, lease: Lease, one: _Open) -> None:
        self._opens.setdefault(lease, []).append(one)

    def closed(self, lease: Lease, one: _Open, answered_ns: int) -> None:
        """It was asked to be closed: until that is answered a break may cross with it."""
        self._leaving.append((answered_ns, lease, one))

    def latest(self, lease: Lease, now_ns: int) -> _Open | None:
        """The open that a break of that time is about; None: the lease has none."""
        while self._leaving and self._leaving[0][0] < now_ns:
            _, left, one = self._leaving.popleft()
            self._opens[left].remove(one)
            if not self._opens[left]:
                del self._opens[left]
        opens = self._opens.get(lease)
        if not opens:
            return None
        leaving = [one for _, left, one in self._leaving if left == lease]
        return next((one for one in reversed(opens) if one not in leaving), opens[-1])
