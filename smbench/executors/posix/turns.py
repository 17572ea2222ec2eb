"""Whose turn it is: notifications that wait on one open are answered in the order in which they came."""

from __future__ import annotations

from collections import deque
from threading import Event, Lock

from smbench.smb2.ntstatus import Status, outcome_of

CANCELLED = outcome_of(Status.CANCELLED)


class Turn:
    """Of one notification."""

    def __init__(self) -> None:
        self.begins = Event()
        self.cancelled = False


class Turns:
    """Who waits on one open: one at a time, in the order in which they came."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._queue: deque[Turn] = deque()
        self._over = False
        self._left = False

    def join(self) -> Turn:
        """Wait in line from now on; the turn begins with `turn.begins`."""
        turn = Turn()
        with self._lock:
            turn.cancelled = self._over
            self._queue.append(turn)
            if turn.cancelled or self._queue[0] is turn:
                turn.begins.set()
        return turn

    def leave(self, turn: Turn) -> bool:
        """Whether that was the last of all."""
        with self._lock:
            self._queue.remove(turn)
            if self._queue:
                self._queue[0].begins.set()
            return self._is_left()

    def cancel(self, over: bool = False) -> bool:
        """End all that wait; `over`: and all that will. Whether that was the last of all."""
        with self._lock:
            self._over = self._over or over
            for turn in self._queue:
                turn.cancelled = True
                turn.begins.set()
            return self._is_left()

    def _is_left(self) -> bool:
        """Told once: it is over, and nobody waits."""
        left = self._over and not self._queue and not self._left
        self._left = self._left or left
        return left
