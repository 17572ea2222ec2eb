"""The progress board: shared memory in which processes see how far others are.

Words are 64 bits, each on a cache line of its own. First the run's: the start time, the
order to stop, and that all have ended. Then one a process: its state. Then a line a lane: how many of its
operations are completed, how many are armed (of notifications), both written only at the counts that
somebody waits for, and whether somebody waited in vain since. Then a message a process.
"""

from __future__ import annotations

import ctypes
from pathlib import Path

from smbench.measure.clock import now_ns
from smbench.measure.shared import share
from smbench.runner.futex import ANY, Futex, Naps, sleeper

FOREVER = (1 << 63) - 1
_LINE = 64
_WORDS_A_LINE = _LINE // 8
_MESSAGE_BYTES = 2048
_START, _STOP, _OVER = 0, 1, 2
_FIRST_PROCESS = 3
_COMPLETED, _ARMED, _OVERDUE = range(3)
"""Words of a lane's line."""
_BRIEF_NS = 250_000_000
"""So long an operation waits for a notification at most: a server tells a change within milliseconds, on a
busy machine within tens of them."""
_LOOK_AGAIN_NS = 1_000_000_000
"""A sleeper looks up this often although it should be woken."""

STARTING, READY, DONE, FAILED, WAITING, ENDED = range(6)
"""States of a process: not yet ready; ready to start, or running; all is closed; could not start, or was
lost; running, with all lanes blocked; all lanes ended."""
OUT = (ENDED, DONE, FAILED)
"""Of these, none runs a lane any more."""


class Board:
    """The board of a run, in the file `path`, made when it is not there."""

    def __init__(self, path: Path, processes: int, lanes: int, wait_by: Futex | Naps | None = None) -> None:
        self._processes = processes
        self._lane_line = _FIRST_PROCESS + processes
        self._messages = (self._lane_line + lanes) * _LINE
        self._lanes = lanes
        self._made_of = path, processes, lanes
        self._map = share(path, self._messages + processes * _MESSAGE_BYTES)
        self.words = memoryview(self._map).cast("q")
        self._address = ctypes.addressof(ctypes.c_char.from_buffer(self._map))
        self._wait_by = wait_by or sleeper()

    def __reduce__(self) -> tuple[type[Board], tuple[Path, int, int]]:
        """A worker that was spawned opens it again."""
        return Board, self._made_of

    # The run

    def start_at(self, start_ns: int) -> None:
        """Tell all when the run begins."""
        self.words[_START * _WORDS_A_LINE] = start_ns
        self._wait_by.wake(self._address + _START * _LINE)

    def await_start(self) -> int:
        """The start time, once it is told; 0 where the run was stopped before."""
        words = self.words
        while not (start_ns := words[_START * _WORDS_A_LINE]) and not self.stopping:
            self._wait_by.wait(self._address + _START * _LINE, 0, now_ns() + _LOOK_AGAIN_NS // 4)
        return int(start_ns)

    @property
    def start_ns(self) -> int:
        """The start time; 0 where it is not told yet."""
        return int(self.words[_START * _WORDS_A_LINE])

    @property
    def stopping(self) -> bool:
        return bool(self.words[_STOP * _WORDS_A_LINE])

    def stop(self) -> None:
        """Ask all lanes to end after their present operation."""
        self.words[_STOP * _WORDS_A_LINE] = 1
        self._wait_by.wake(self._address + _STOP * _LINE)
        self._wait_by.wake(self._address + _START * _LINE)
        self._wait_by.wake(self._address + _OVER * _LINE)
        for lane in range(self._lanes):
            for word in (_COMPLETED, _ARMED):
                self._wait_by.wake(self._address_of(lane, word))

    def sleep_until(self, due_ns: int) -> int:
        """Sleep until a time; the reading of the clock then. 0 where the run is stopped before."""
        address, stop = self._address + _STOP * _LINE, _STOP * _WORDS_A_LINE
        words, wait = self.words, self._wait_by.wait
        while not words[stop]:
            wait(address, 0, due_ns)
            if (now := now_ns()) >= due_ns:
                return now
        return 0

    def end_if_all_have(self) -> None:
        """Tell all where no process runs a lane any more."""
        if all(self.state(process) in OUT for process in range(self._processes)):
            self.words[_OVER * _WORDS_A_LINE] = 1
            self._wait_by.wake(self._address + _OVER * _LINE)

    def await_end(self) -> None:
        """Sleep until all have ended, or the run is stopped."""
        words = self.words
        while not words[_OVER * _WORDS_A_LINE] and not self.stopping:
            self._wait_by.wait(self._address + _OVER * _LINE, 0, now_ns() + _LOOK_AGAIN_NS)

    # Processes

    def state(self, process: int) -> int:
        return int(self.words[(_FIRST_PROCESS + process) * _WORDS_A_LINE])

    def set_state(self, process: int, state: int) -> None:
        self.words[(_FIRST_PROCESS + process) * _WORDS_A_LINE] = state

    def message(self, process: int) -> str:
        """What the process had to say: why it could not start, or a defect of its executor."""
        at = self._messages + process * _MESSAGE_BYTES
        return self._map[at : at + _MESSAGE_BYTES].split(b"\0", 1)[0].decode("utf-8", "replace")

    def set_message(self, process: int, text: str) -> None:
        data = text.encode("utf-8", "replace")[: _MESSAGE_BYTES - 1] + b"\0"
        at = self._messages + process * _MESSAGE_BYTES
        self._map[at : at + len(data)] = data

    # Lanes

    def _line_of(self, lane: int) -> int:
        """Its first word."""
        return (self._lane_line + lane) * _WORDS_A_LINE

    def _address_of(self, lane: int, word: int) -> int:
        return self._address + (self._line_of(lane) + word) * 8

    def completed(self, lane: int) -> int:
        """The last count that was posted for a lane."""
        return int(self.words[self._line_of(lane)])

    def post(self, lane: int, count: int) -> None:
        """A lane has completed `count` operations: wake who waits for that count."""
        self._tell(lane, _COMPLETED, count, 1 << (count & 31))

    def arm(self, lane: int, count: int) -> None:
        """A lane's notification is armed, the last of its first `count` operations: wake who waits for it."""
        self._tell(lane, _ARMED, count, ANY)

    def _tell(self, lane: int, word: int, count: int, mask: int) -> None:
        at = self._line_of(lane)
        self.words[at + word] = count
        self.words[at + _OVERDUE] = 0
        self._wait_by.wake(self._address_of(lane, word), mask)

    def release(self, lane: int) -> None:
        """Nobody is to wait for this lane any more: it has ended, or its process was lost."""
        for word in (_COMPLETED, _ARMED):
            self._tell(lane, word, FOREVER, ANY)

    def await_count(self, lane: int, count: int) -> bool:
        """Sleep until a lane has completed `count` operations; False where the run is stopped before."""
        address = self._address_of(lane, _COMPLETED)
        at, stop, words = self._line_of(lane), _STOP * _WORDS_A_LINE, self.words
        while (seen := words[at]) < count and not words[stop]:
            self._wait_by.wait(address, seen, now_ns() + _LOOK_AGAIN_NS, 1 << (count & 31))
        # A lane that the stop has ended was released, and has not come that far.
        return seen >= count and not (seen == FOREVER and words[stop])

    def await_briefly(self, lane: int, count: int, answered: bool, due_ns: int) -> None:
        """Sleep until a lane's notification, the last of its first `count` operations, is armed or answered;
        at most a moment longer than `due_ns` and now, and no longer than those where somebody has waited
        for that lane in vain since it last came on."""
        word = _COMPLETED if answered else _ARMED
        address, line = self._address_of(lane, word), self._line_of(lane)
        stop, words = _STOP * _WORDS_A_LINE, self.words
        until = max(due_ns, now_ns())
        vain = words[line + _OVERDUE]
        if not vain:
            until += _BRIEF_NS
        while (seen := words[line + word]) < count and not words[stop]:
            if now_ns() >= until:
                words[line + _OVERDUE] = 1
                return
            self._wait_by.wait(address, seen, until, 1 << (count & 31) if answered else ANY)
