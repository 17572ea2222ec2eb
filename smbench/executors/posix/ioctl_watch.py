"""A watch on an open directory of a CIFS mount: a CHANGE_NOTIFY for each notification, by the client's ioctl.

Each ioctl opens the directory anew on the server, which forgets it with the answer: between two of them the
server keeps nothing ([MS-SMB2] 3.3.5.19 keeps it for an open). So where more notifications are to come on an
open, the next ioctl is begun as soon as one is answered, and what it finds is for the next notification. A
change within the moment between the two is lost.
"""

from __future__ import annotations

import os
import re
import select
import signal
import socket
from contextlib import suppress
from pathlib import Path
from threading import Lock

from smbench.executors.base import Armed
from smbench.executors.posix.turns import CANCELLED, Turn, Turns
from smbench.executors.posix.waiters import NUMBER, REQUEST, Waiters

_DEBUG_DATA = Path("/proc/fs/cifs/DebugData")
_LOOKS_MS = (0, 0, 1, 1, 2, 4, 8, 16, 32, 64)
"""How long to wait before each look whether the request is sent."""


class IoctlWatch:
    """A watch on the directory of descriptor `fd`, which stays the caller's until `end`. `expected`: how many
    notifications the open will have, 0 where that is not known."""

    def __init__(self, waiters: Waiters, fd: int, expected: int) -> None:
        self._waiters = waiters
        self._directory = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=fd)
        self._left = expected
        self._turns = Turns()
        self._lock = Lock()
        self._line: socket.socket | None = None
        self._process = 0
        self._request = b""
        """What the process was asked to wait for, and has not told yet."""
        self._dropped: list[socket.socket] = []
        """Lines that somebody may still listen on."""

    def wait(self, completion_filter: int, watch_tree: bool, armed: Armed) -> int:
        """Wait for a change: 0, `-errno`, or CANCELLED where it was ended before."""
        turn = self._turns.join()
        try:
            if not turn.begins.is_set():
                armed.tell()  # the one before it has seen to that
            turn.begins.wait()
            line = self._begin(turn, REQUEST.pack(completion_filter, watch_tree))
            if line is None:
                return CANCELLED
            if armed.wanted():
                self._await_armed(line)
            armed.tell()
            outcome = self._answer(line)
            if self._request and armed.followed():
                self._await_armed(line)
            return outcome
        finally:
            if self._turns.leave(turn):
                self._free()

    def cancel(self) -> None:
        """End who waits."""
        self._turns.cancel()
        self._drop()

    def end(self) -> None:
        """The directory is closed."""
        left = self._turns.cancel(over=True)
        self._drop()
        if left:
            self._free()

    def _begin(self, turn: Turn, request: bytes) -> socket.socket | None:
        """A line on which the answer comes; None where the wait was ended before."""
        line = self._line or self._connected(turn)
        with self._lock:
            if turn.cancelled or line is None:
                return None
            self._left -= 1
            if not self._request:
                self._request = request
                line.send(request)
        return line

    def _connected(self, turn: Turn) -> socket.socket | None:
        """A line to a process of its own; None where the wait was ended before there is one."""
        line, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with self._lock:
            self._line = line
        with theirs:
            self._waiters.ask(self._directory, theirs)
        if turn.cancelled:
            self._drop()
        number = line.recv(NUMBER.size)
        with self._lock:
            if number and self._line is line:
                (self._process,) = NUMBER.unpack(number)
                return line
        return None

    def _answer(self, line: socket.socket) -> int:
        answer = b""
        with suppress(OSError):
            answer = line.recv(NUMBER.size)
        if not answer:
            return CANCELLED
        (number,) = NUMBER.unpack(answer)
        with self._lock:
            if self._line is line:
                request, self._request = self._request, b""
                if self._left > 0 and not number:
                    self._request = request
                    line.send(request)
        return -int(number)

    def _drop(self) -> None:
        """Let the process go: one that waits in the kernel is killed, another is idle again."""
        with self._lock:
            line, self._line = self._line, None
            process, self._process = self._process, 0
            waits, self._request = bool(self._request), b""
            if line is None:
                return
            self._dropped.append(line)
            if process and waits:
                with suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)
            with suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)

    def _await_armed(self, line: socket.socket) -> None:
        """Until the kernel has the request among those that it waits for, or the answer is there."""
        sent = re.compile(rf"com: 15 pid: {self._process} ".encode())
        poll = select.poll()
        poll.register(line, select.POLLIN)
        for wait_ms in _LOOKS_MS:
            if poll.poll(wait_ms):
                return
            try:
                if sent.search(_DEBUG_DATA.read_bytes()):
                    return
            except OSError:
                return

    def _free(self) -> None:
        os.close(self._directory)
        for line in self._dropped:
            line.close()
