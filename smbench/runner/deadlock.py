"""The deadlock watch: a notification or a lock that nobody is left to answer is ended.

Such a call ends by what others do. In the capture that may have been somebody whom the capture does not
show, or the client's CANCEL, which no operation stands for; and a wait that had no end in the capture
has none here. So each process tells on the board whether all its lanes are blocked, in a wait or behind
another lane; where that is so everywhere, nothing will happen any more, and the waits are ended as
cancelled.
"""

from __future__ import annotations

from collections.abc import Collection

from smbench.executors.base import Executor
from smbench.runner import board as states
from smbench.runner.board import Board

_LOOKS = 3
"""So often in a row nothing may move: a lane may be between two calls."""
_STILL = (states.WAITING, *states.OUT)


class DeadlockWatch:
    """One process' share in it. `look` is called now and then while lanes run."""

    def __init__(self, board: Board, process: int, processes: int, executors: Collection[Executor]) -> None:
        self._board = board
        self._process = process
        self._processes = processes
        self._executors = executors
        self._looks = 0

    def look(self, running: int, blocked: int) -> None:
        """`running` lanes have not ended; `blocked` of them wait for other lanes. Ends waits where nothing
        moves anywhere, or where the run is stopped."""
        waiting = sum(executor.waiting() for executor in self._executors)
        state = states.WAITING if waiting + blocked >= running else states.READY
        if self._board.state(self._process) != state:
            self._board.set_state(self._process, state)
        still = all(self._board.state(process) in _STILL for process in range(self._processes))
        self._looks = self._looks + 1 if still and waiting else 0
        if self._looks >= _LOOKS or (waiting and self._board.stopping):
            self._looks = 0
            for executor in self._executors:
                executor.interrupt()
