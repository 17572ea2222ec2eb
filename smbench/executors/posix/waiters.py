"""Processes that wait for a change by the kernel client's own ioctl, which a signal that kills ends alone.

fs/smb/client has no CANCEL for SMB2, so who waits must be a process that can be killed. To fork the worker
meanwhile would stop all of its lanes for the time that takes (24 to 79 ms in the lab's guest): a process that
is forked before the clock starts, the *mother*, keeps some at hand, and forks more when these are few.

A directory goes to whichever is idle, with a line to it: the process says its number there, waits once for
each request that it gets, and tells how that ended. When the line is closed it is idle again.
"""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import struct
import threading
from contextlib import suppress
from typing import NoReturn

from smbench.executors.posix import linux_calls

REQUEST = struct.Struct("=I?")
"""Completion filter, whether all beneath is watched."""
NUMBER = struct.Struct("=i")
"""The process' own, first; then how each wait ended: an errno, 0 where something has changed."""
_PR_SET_PDEATHSIG = 1
_TAKEN, _IDLE, _GONE = b"t", b"i", b"g"
_DEFECT = 255
_HIGHEST_DESCRIPTOR = 1 << 30


class Waiters:
    """Those of one user."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._mother = 0
        self._ours: socket.socket | None = None

    def prepare(self, idle: int) -> None:
        """Fork the mother, and let her have so many at hand; OSError where there can be no process."""
        with self._lock:
            if self._ours is not None:
                return
            ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            # Where a lane's thread forks, the end of that thread must not be the mother's.
            bound = threading.current_thread() is threading.main_thread()
            worker = os.getpid()
            self._mother = os.fork()
            if not self._mother:
                _be_mother(theirs.detach(), idle, worker if bound else 0)
            theirs.close()
            ours.recv(1)  # all are there, or none can be
            self._ours = ours

    def ask(self, directory: int, line: socket.socket) -> None:
        """Hand a directory's descriptor and a line to one that is idle."""
        self.prepare(1)
        assert self._ours is not None
        socket.send_fds(self._ours, [b"w"], [directory, line.fileno()])

    def close(self) -> None:
        """End all of them."""
        with self._lock:
            if self._ours is None:
                return
            self._ours.close()
            self._ours = None
            os.kill(self._mother, signal.SIGKILL)  # who waits dies with her
            os.waitpid(self._mother, 0)


def _be_mother(requests: int, idle: int, worker: int) -> NoReturn:
    """What the forked process is."""
    try:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        if worker:
            _end_with(worker)
        told, tell = os.pipe()
        _keep_only(requests, told, tell)
        mother = os.getpid()
        for _ in range(idle):
            _bear(requests, tell, mother)
        for _ in range(idle):
            os.read(told, 1)
        os.write(requests, b"r")
        while (word := os.read(told, 1)) and word != _GONE:
            idle += {_TAKEN: -1, _IDLE: 1}[word]
            with suppress(ChildProcessError):
                while os.waitpid(-1, os.WNOHANG)[0]:
                    continue
            if idle < 1:
                _bear(requests, tell, mother)
    finally:
        os._exit(0)


def _bear(requests: int, tell: int, mother: int) -> None:
    if not os.fork():
        try:
            _end_with(mother)
            _keep_only(requests, tell)
            _wait_for_work(requests, tell)
        finally:
            os._exit(0)


def _end_with(parent: int) -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(0)


def _keep_only(*descriptors: int) -> None:
    first = 0
    for descriptor in sorted(descriptors):
        os.closerange(first, descriptor)
        first = descriptor + 1
    os.closerange(first, _HIGHEST_DESCRIPTOR)


def _wait_for_work(requests: int, tell: int) -> None:
    work = socket.socket(fileno=requests)
    while True:
        os.write(tell, _IDLE)
        word, descriptors, _, _ = socket.recv_fds(work, 1, 2)
        if not word:
            os.write(tell, _GONE)
            return
        os.write(tell, _TAKEN)
        directory, line = descriptors
        with socket.socket(fileno=line) as asked, suppress(OSError):
            asked.send(NUMBER.pack(os.getpid()))
            while request := asked.recv(REQUEST.size):
                asked.send(NUMBER.pack(_wait(directory, *REQUEST.unpack(request))))
        os.close(directory)


def _wait(directory: int, completion_filter: int, watch_tree: bool) -> int:
    try:
        linux_calls.notify(directory, completion_filter, watch_tree)
    except OSError as error:
        return error.errno or _DEFECT
    return 0
