"""Byte-range locks on open files of a POSIX file system: those of an open file description, and flock(2).

An SMB server locks on any handle that reads or writes. A POSIX lock needs a descriptor that writes for an
exclusive lock, and one that reads for a shared one. Where the handle's does not, a CIFS mount's flock(2)
sends the same LOCK for a whole file, on the same handle. For a part of a file, and on a directory, where
flock(2) and other locks do not see each other, the file is opened again to read and write, in the place of
the handle's descriptor. Where that is refused, a lock of the other kind stands for it, as Samba does it with
its own files (posix_locking.c, map_lock_type).
"""

from __future__ import annotations

import fcntl
import os
import struct
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from errno import EBADF, EINVAL

from smbench.executors.posix.client import Client
from smbench.executors.posix.files import OpenFile, OpenFiles
from smbench.smb2.ntstatus import Status, outcome_of
from smbench.workload.calls import Lock, Unlock

LARGEST_OFFSET = (1 << 63) - 1
OPENED_AGAIN, OF_OTHER_KIND = "opened_again_to_lock", "locks_of_other_kind"
"""What is counted."""
_CANCELLED = outcome_of(Status.CANCELLED)
# struct flock (64-bit): type, whence, start, length, pid.
_FLOCK = struct.Struct("@hhqqi4x")
_OTHER = {fcntl.F_WRLCK: fcntl.F_RDLCK, fcntl.F_RDLCK: fcntl.F_WRLCK}
_WHOLE_FILE = (0, 0)
_BY_FLOCK = {fcntl.F_WRLCK: fcntl.LOCK_EX, fcntl.F_RDLCK: fcntl.LOCK_SH}


@dataclass(slots=True, eq=False)
class _Wait:
    """A lock that waits."""

    file: OpenFile
    ended: bool = False
    """Not by who held the range, but by `interrupt`."""


class LockCalls:
    """Handlers of Lock and Unlock. They raise OSError; the executor translates."""

    def __init__(self, files: OpenFiles, client: Client) -> None:
        self._files = files
        self._client = client
        self._waits: list[_Wait] = []
        self.counts: Counter[str] = Counter()

    def lock(self, call: Lock) -> int:
        file = self._files[call.handle]
        if call.offset > LARGEST_OFFSET:
            return -EINVAL
        if not call.length:
            return 0  # to POSIX a length of 0 means "to the end": `loss` tells that nothing was locked
        span, kind = _span(call), fcntl.F_WRLCK if call.exclusive else fcntl.F_RDLCK
        if not call.wait:
            self._lock(call.handle, span, kind, wait=False)
            return 0
        wait = _Wait(file)
        self._waits.append(wait)
        try:
            self._lock(call.handle, span, kind, wait=True)
        except OSError:
            if not wait.ended:
                raise
        else:
            if wait.ended:
                _unlock(file, span)
        finally:
            self._waits.remove(wait)
        return _CANCELLED if wait.ended else 0

    def unlock(self, call: Unlock) -> int:
        file = self._files[call.handle]
        if call.offset > LARGEST_OFFSET:
            return -EINVAL
        if call.length:
            _unlock(file, _span(call))
        return 0

    def waiting(self) -> int:
        """How many locks wait just now."""
        return len(self._waits)

    def interrupt(self) -> None:
        """End the locks that wait. No signal but one that kills ends such a wait of the kernel's client: what
        this user's other handles have locked of the file is let go, as nobody is left to do."""
        for wait in list(self._waits):
            wait.ended = True
            for other in self._files.others_of(wait.file):
                with suppress(OSError):
                    _unlock(other, _WHOLE_FILE)

    def _lock(self, handle: int, span: tuple[int, int], kind: int, *, wait: bool) -> None:
        file = self._files[handle]
        try:
            _set(file.fd, span, kind, wait=wait)
        except OSError as error:
            if error.errno != EBADF or file.by_name:
                raise
        else:
            file.locks[span] = kind
            return
        by_flock = _BY_FLOCK[kind] | (0 if wait else fcntl.LOCK_NB)
        if span == _WHOLE_FILE and self._client.flock(file.fd, by_flock):
            file.flocked = True
            return
        kind = kind if self._opened_again(handle) else _OTHER[kind]
        _set(file.fd, span, kind, wait=wait)
        file.locks[span] = kind

    def _opened_again(self, handle: int) -> bool:
        """Whether the file is open to read and write now; the locks that the handle had are taken again."""
        try:
            self._files.reopen(handle)
        except OSError:
            self.counts[OF_OTHER_KIND] += 1
            return False
        self.counts[OPENED_AGAIN] += 1
        file = self._files[handle]
        for span, kind in file.locks.items():
            with suppress(OSError):
                _set(file.fd, span, kind)
        return True


def _span(call: Lock | Unlock) -> tuple[int, int]:
    """Start and length for fcntl(2), whose ranges end before 2^63: a length of 0 reaches to the end."""
    return call.offset, 0 if call.offset + call.length > LARGEST_OFFSET else call.length


def _set(fd: int, span: tuple[int, int], kind: int, *, wait: bool = False) -> None:
    command = fcntl.F_OFD_SETLKW if wait else fcntl.F_OFD_SETLK
    fcntl.fcntl(fd, command, _FLOCK.pack(kind, os.SEEK_SET, *span, 0))


def _unlock(file: OpenFile, span: tuple[int, int]) -> None:
    file.locks.pop(span, None)
    if file.flocked and span == _WHOLE_FILE:
        fcntl.flock(file.fd, fcntl.LOCK_UN)
        file.flocked = False
    else:
        _set(file.fd, span, fcntl.F_UNLCK)
