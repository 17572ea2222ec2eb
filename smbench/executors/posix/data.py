"""Reads, writes and ranges on open files of a POSIX file system: the handlers that must be lean."""

from __future__ import annotations

import mmap
import os
import random
from contextlib import suppress
from errno import EACCES, EBADF, EINVAL, ENXIO
from functools import lru_cache
from threading import local

from smbench.executors.posix import linux_calls
from smbench.executors.posix.client import Client
from smbench.executors.posix.files import OpenFiles
from smbench.workload.calls import (
    AllocatedRanges,
    Control,
    CopyRange,
    Flush,
    PunchHole,
    Read,
    ShiftRange,
    Write,
)

_DATA_SLACK = 1 << 20
"""Writes start at different places of the data, so that a server that deduplicates finds little."""
_VECTORS_KEPT = 1024


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


class DataCalls:
    """Handlers by descriptor. `max_io_bytes` is the largest read or write to expect, `seed` the data's."""

    def __init__(self, files: OpenFiles, client: Client, *, max_io_bytes: int, seed: int) -> None:
        self._files = files
        self._fds, self._reads, self._writes = files.fds, files.reads, files.writes
        self._client = client
        self._buffers = _Buffers(max(max_io_bytes, mmap.PAGESIZE))
        self._data = write_data(max_io_bytes, seed)
        self._seed = seed

    def read(self, call: Read) -> int:
        buffers = self._buffers
        length = call.length
        try:
            return os.preadv(
                self._reads[call.handle], buffers.vectors.get(length) or buffers.vector(length), call.offset
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
            fd = self._writes[call.handle]
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
            return self._append(call) if call.append else -EINVAL

    def _append(self, call: Write) -> int:
        """At the end of the file as the client knows it: its offset, 2^64-1, is none that POSIX has."""
        flags = os.RWF_APPEND | (os.RWF_DSYNC if call.through else 0)
        try:
            written = os.pwritev(self._fds[call.handle], [self._data[: call.length]], 0, flags)
        except OSError as error:
            return refused(error)
        return written if written == call.length else self._written_short(call.handle, written)

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

    def copy_range(self, call: CopyRange) -> int:
        try:
            source, target = self._reads[call.source], self._writes[call.handle]
        except KeyError:
            return -EBADF
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
        fd = self._writes.get(call.handle)
        if fd is None:
            return -EBADF
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
