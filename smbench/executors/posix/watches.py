"""Waiting for a change in a directory: CHANGE_NOTIFY by the kernel's client, elsewhere inotify.

Only a signal that kills ends the client's wait (fs/smb/client has no CANCEL for SMB2), so that each waits
in a process of its own: forked, with no other descriptor than the directory's, and gone with its thread.
"""

from __future__ import annotations

import ctypes
import os
import signal
from collections.abc import Callable
from contextlib import suppress
from threading import Lock

from smbench.executors.posix.client import Client
from smbench.executors.posix.files import OpenFile
from smbench.smb2.ntstatus import Status, outcome_of
from smbench.workload.calls import Notify

_CANCELLED = outcome_of(Status.CANCELLED)
_PR_SET_PDEATHSIG = 1
_DEFECT = 255
_HIGHEST_DESCRIPTOR = 1 << 30


class Watches:
    """The waits of one user."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._lock = Lock()
        self._waiting: dict[int, OpenFile] = {}
        """By process."""

    def wait(self, file: OpenFile, call: Notify) -> int:
        """Handler of Notify: 0 at the first change, CANCELLED where `end` or `interrupt` came before."""
        fd = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=file.fd)
        try:
            with self._lock:
                process = os.fork()
                if not process:
                    _be(lambda: self._client.wait_for_change(fd, call.filter, call.watch_tree), fd)
                file.watched = True
                self._waiting[process] = file
        finally:
            os.close(fd)
        # Left as it is until nobody can mean it any more: its number may then be another's.
        os.waitid(os.P_PID, process, os.WEXITED | os.WNOWAIT)
        with self._lock:
            del self._waiting[process]
        status = os.waitpid(process, 0)[1]
        return _CANCELLED if os.WIFSIGNALED(status) else -os.WEXITSTATUS(status)

    def waiting(self) -> int:
        return len(self._waiting)

    def end(self, file: OpenFile) -> None:
        """The file is closed: who waits on it waits no longer."""
        self._kill(lambda other: other is file)

    def interrupt(self) -> None:
        """End all of them."""
        self._kill(lambda _: True)

    def _kill(self, chosen: Callable[[OpenFile], bool]) -> None:
        with self._lock:
            for process, file in self._waiting.items():
                if chosen(file):
                    with suppress(ProcessLookupError):
                        os.kill(process, signal.SIGKILL)


def _be(wait: Callable[[], None], fd: int) -> None:
    """What the forked process is: one call, told by its exit status (an errno, 0: something changed)."""
    outcome = _DEFECT
    try:
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        os.closerange(0, fd)
        os.closerange(fd + 1, _HIGHEST_DESCRIPTOR)
        wait()
        outcome = 0
    except OSError as error:
        outcome = error.errno or _DEFECT
    finally:
        os._exit(outcome)
