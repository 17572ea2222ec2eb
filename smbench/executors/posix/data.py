"""Reads, writes, locks and ranges on open files of a POSIX file system: the handlers that must be lean."""

from __future__ import annotations

import fcntl
import mmap
import os
import random
import struct
from contextlib import suppress
from dataclasses import dataclass
from errno import EACCES, EBADF, EINVAL, ENXIO
from functools import lru_cache
from threading import local

from smbench.executors.posix import linux_calls
from smbench.executors.posix.client import Client
from smbench.executors.posix.files import OpenFile, OpenFiles
from smbench.smb2.ntstatus import Status, outcome_of
from smbench.workload.calls import (
    AllocatedRanges,
    Control,
    CopyRange,
    Flush,
    Lock,
    PunchHole,
    Read,
    ShiftRange,
    Unlock,
    Write,
)

_LARGEST_OFFSET = (1 << 63) - 1
_CANCELLED = outcome_of(Status.CANCELLED)
_DATA_SLACK = 1 << 20
"""Writes start at different places of the data, so that a server that deduplicates finds little."""
_VECTORS_KEPT = 1024
# struct flock (64-bit): type, whence, start, length, pid.
_FLOCK = struct.Struct("@hhqqi4x")


class _Buffers(local):
    """A thread's own read buffer. Pages that no read reaches are never touched."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.view = memoryview(mmap.mmap(-1, size))
        self.vectors: dict[int, list[memoryview]] = {}

    def vector(self, length: int) -> list[memoryview]:
        """The buffer's first `length` bytes, as preadv wants them."""
        if length > self.size:
            self.__init__(length)  # type: ignore[misc]
        if len(self.vectors) >= _VECTORS_KEPT:
            self.vectors.clear()
        return self.vectors.setdefault(length, [self.view[:length]])


@lru_cache(maxsize=1)
def write_data(max_io_bytes: int, seed: int) -> memoryview:
    """What writes of up to so many bytes carry: the same for all users, so that forked ones share it."""
    return memoryview(random.Random(seed).randbytes(max_io_bytes + _DATA_SLACK))


@dataclass(slots=True, eq=False)
class _Wait:
    """A lock that waits."""

    file: OpenFile
    ended: bool = False
    """Not by who held the range, but by `interrupt`."""


class DataCalls:
    """Handlers by descriptor. `max_io_bytes` is the largest read or write to expect, `seed` the data's."""

    def __init__(self, files: OpenFiles, client: Client, *, max_io_bytes: int, seed: int) -> None:
        self._files = files
        self._fds = files.fds
        self._client = client
        self._buffers = _Buffers(max(max_io_bytes, mmap.PAGESIZE))
        self._data = write_data(max_io_bytes, seed)
        self._seed = seed
        self._waits: list[_Wait] = []

    def read(self, call: Read) -> int:
        buffers = self._buffers
        length = call.length
        try:
            return os.preadv(
                self._fds[call.handle], buffers.vectors.get(length) or buffers.vector(length), call.offset
            )
        except KeyError:
            return -EBADF
        except OSError as error:
            return refused(error)
        except OverflowError:
            return -EINVAL

    def write(self, call: Write) -> int:
        offset, length = call.offset, call.length
        start = offset >> 9 & _DATA_SLACK - 1
        end = start + length
        try:
            fd = self._fds[call.handle]
            if end > len(self._data):
                self._grow(length)
            if call.through:
                written = os.pwritev(fd, [self._data[start:end]], offset, os.RWF_DSYNC)
            else:
                written = os.pwrite(fd, self._data[start:end], offset)
            return written if written == length else self._written_short(call.handle, written)
        except KeyError:
            return -EBADF
        except OSError as error:
            return refused(error)
        except OverflowError:
            return -EINVAL

    def _written_short(self, handle: int, written: int) -> int:
        """The outcome of a write that fell short. Where the server refused an unbuffered write, Linux 6.12's
        client says 0 bytes, keeps the error, and would fail the file's next write or flush by it, unsent."""
        file = self._files[handle]
        for other in self._files.others_of(file):
            with suppress(OSError):
                linux_calls.raise_kept_error(other.fd)
        try:
            linux_calls.raise_kept_error(file.fd)
        except OSError as error:
            if not written:
                return refused(error)
        return written

    def flush(self, call: Flush) -> int:
        try:
            os.fsync(self._fds[call.handle])
        except KeyError:
            return -EBADF
        except OSError as error:
            return refused(error)
        return 0

    def lock(self, call: Lock) -> int:
        kind = fcntl.F_WRLCK if call.exclusive else fcntl.F_RDLCK
        if not call.wait:
            return self._set_lock(call, kind, fcntl.F_OFD_SETLK)
        wait = _Wait(self._files[call.handle])
        self._waits.append(wait)
        try:
            outcome = self._set_lock(call, kind, fcntl.F_OFD_SETLKW)
        finally:
            self._waits.remove(wait)
        if not wait.ended:
            return outcome
        if not outcome:
            self._set_lock(call, fcntl.F_UNLCK, fcntl.F_OFD_SETLK)
        return _CANCELLED

    def waiting(self) -> int:
        """How many locks wait just now."""
        return len(self._waits)

    def interrupt(self) -> None:
        """End the locks that wait. No signal but one that kills ends such a wait of the kernel's client: what
        this user's other handles have locked of the file is let go, as nobody is left to do."""
        everything = _FLOCK.pack(fcntl.F_UNLCK, os.SEEK_SET, 0, 0, 0)
        for wait in list(self._waits):
            wait.ended = True
            for other in self._files.others_of(wait.file):
                with suppress(OSError):
                    fcntl.fcntl(other.fd, fcntl.F_OFD_SETLK, everything)

    def unlock(self, call: Unlock) -> int:
        return self._set_lock(call, fcntl.F_UNLCK, fcntl.F_OFD_SETLK)

    def _set_lock(self, call: Lock | Unlock, kind: int, command: int) -> int:
        fd = self._files[call.handle].fd
        if call.offset > _LARGEST_OFFSET:
            return -EINVAL
        if not call.length:
            return 0  # to POSIX a length of 0 means "to the end": `loss` tells that nothing was locked
        beyond = call.offset + call.length > _LARGEST_OFFSET
        try:
            fcntl.fcntl(
                fd, command, _FLOCK.pack(kind, os.SEEK_SET, call.offset, 0 if beyond else call.length, 0)
            )
        except OSError as error:
            return refused(error)
        return 0

    def copy_range(self, call: CopyRange) -> int:
        source, target = self._files[call.source].fd, self._files[call.handle].fd
        copied = 0
        while copied < call.length:
            moved = os.copy_file_range(
                source, target, call.length - copied, call.source_offset + copied, call.offset + copied
            )
            if not moved:
                break
            copied += moved
        return copied

    def punch_hole(self, call: PunchHole) -> int:
        fd = self._files[call.handle].fd
        if call.length:
            self._client.punch_hole(fd, call.offset, call.length, sparse=call.sparse)
        return 0

    def shift_range(self, call: ShiftRange) -> int:
        self._client.shift_range(self._files[call.handle].fd, call.offset, call.length, insert=call.insert)
        return 0

    def allocated_ranges(self, call: AllocatedRanges) -> int:
        """How many; one or none where only the first was sought."""
        fd = self._files[call.handle].fd
        if not call.seek:
            return self._client.count_ranges(fd, call.offset, call.length)
        try:
            os.lseek(fd, call.offset, os.SEEK_DATA)
        except OSError as error:
            if error.errno != ENXIO:
                raise
            return 0
        finally:
            os.lseek(fd, 0, os.SEEK_SET)
        return 1

    def control(self, call: Control) -> int:
        self._client.control(self._files[call.handle].fd, call.function, call.output_length)
        return 0

    def _grow(self, length: int) -> None:
        # Only where the workload's largest write was told wrong: the clock runs meanwhile.
        self._data = write_data(length, self._seed)


def refused(error: OSError) -> int:
    """The outcome; a descriptor that is open but not for this answers EBADF, where a server denies access."""
    return -EACCES if error.errno == EBADF else -(error.errno or EINVAL)
