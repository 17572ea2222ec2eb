"""Reads, writes, locks and ranges on open files of Windows: the handlers that must be lean."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable
from contextlib import nullcontext
from ctypes import memmove
from functools import lru_cache

from smbench.executors.win32.api import Buffer
from smbench.executors.win32.files import FILE_CLOSED, OpenFiles, check
from smbench.smb2 import information
from smbench.smb2.constants import (
    FSCTL_QUERY_ALLOCATED_RANGES,
    FSCTL_SET_ZERO_DATA,
    FSCTL_SRV_COPYCHUNK_WRITE,
    FSCTL_SRV_REQUEST_RESUME_KEY,
    RESUME_KEY_RESPONSE_BYTES,
    WRITE_THROUGH,
)
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
    Truncate,
    Unlock,
    Write,
)

_INVALID_PARAMETER = outcome_of(Status.INVALID_PARAMETER)
_LARGEST_OFFSET = (1 << 63) - 1
_END_OF_FILE = -1
"""FILE_WRITE_TO_END_OF_FILE, as LARGE_INTEGER carries it."""
_DATA_SLACK = 1 << 20
"""Writes start at different pages of the data, so that a server that deduplicates finds little."""
_WHOLE_PAGES = _DATA_SLACK - 4096
_RANGES_ANSWER = 1 << 16


class DataCalls:
    """Handlers by handle. `max_io_bytes` is the largest read or write to expect, `seed` the data's."""

    def __init__(self, files: OpenFiles, *, max_io_bytes: int, seed: int) -> None:
        self._files = files
        self._handles = files.handles
        self._nt = files.nt
        self._scratch = files.scratch
        self._seed = seed
        self._data = _random_data(max_io_bytes, seed)

    def read(self, call: Read) -> int:
        """Bytes read; END_OF_FILE beyond the end, as a server says it."""
        try:
            handle = self._handles[call.handle]
        except KeyError:
            return FILE_CLOSED
        length, offset = call.length, call.offset
        if offset > _LARGEST_OFFSET:
            return _INVALID_PARAMETER  # to NT a negative offset would mean something else
        scratch = self._scratch
        buffer = scratch.buffer if length <= scratch.buffer.size else scratch.at_least(length)
        scratch.offset.value = offset
        status = self._nt.read_file(
            handle, scratch.event, None, None, scratch.block_reference, buffer.address, length,
            scratch.offset_reference, None,
        )  # fmt: skip
        status = self._nt.finish(status, scratch)
        return status if status < 0 else int(scratch.block.information)

    def write(self, call: Write) -> int:
        try:
            handle = self._handles[call.handle]
        except KeyError:
            return FILE_CLOSED
        length, offset = call.length, call.offset
        if offset > _LARGEST_OFFSET:
            if not call.append:
                return _INVALID_PARAMETER
            offset = _END_OF_FILE
        start = offset >> 9 & _WHOLE_PAGES
        data = self._data
        if start + length > data.size:
            # Only where the workload's largest write was told wrong: the clock runs meanwhile.
            data = self._data = _random_data(length, self._seed)
        scratch = self._scratch
        scratch.offset.value = offset
        status = self._nt.write_file(
            handle, scratch.event, None, None, scratch.block_reference, data.address + start, length,
            scratch.offset_reference, None,
        )  # fmt: skip
        status = self._nt.finish(status, scratch)
        if status < 0:
            return status
        moved = int(scratch.block.information)
        if call.through and not self._files.opened[call.handle].create.options & WRITE_THROUGH:
            status = self._nt.flush(handle, scratch.block_reference)
        return status if status < 0 else moved

    def flush(self, call: Flush) -> int:
        try:
            handle = self._handles[call.handle]
        except KeyError:
            return FILE_CLOSED
        return self._nt.flush(handle, self._scratch.block_reference)

    def lock(self, call: Lock) -> int:
        """A waiting lock ends when the range is free, or its handle is closed."""
        handle, scratch = self._files[call.handle], self._scratch
        if not _fits(call):
            return outcome_of(Status.INVALID_LOCK_RANGE)
        scratch.offset.value, scratch.length.value = _signed(call.offset), _signed(call.length)
        waits = self._files.waiting_on(handle) if call.wait else nullcontext()
        with waits:
            status = self._nt.lock_file(
                handle, scratch.event, None, None, scratch.block_reference, scratch.offset_reference,
                scratch.length_reference, None, not call.wait, call.exclusive,
            )  # fmt: skip
            return self._nt.finish(status, scratch)

    def unlock(self, call: Unlock) -> int:
        handle, scratch = self._files[call.handle], self._scratch
        if not _fits(call):
            return outcome_of(Status.INVALID_LOCK_RANGE)
        scratch.offset.value, scratch.length.value = _signed(call.offset), _signed(call.length)
        return self._nt.unlock_file(
            handle, scratch.block_reference, scratch.offset_reference, scratch.length_reference, 0
        )

    def copy_range(self, call: CopyRange) -> int:
        """Bytes copied by the server: a resume key of the source, then chunks that every server takes."""
        source, target = self._files[call.source], self._files[call.handle]
        return self._copied(source, target, call.source_offset, call.offset, call.length)

    def _copied(self, source: int, target: int, source_offset: int, offset: int, length: int) -> int:
        scratch = self._scratch
        check(self._control(source, FSCTL_SRV_REQUEST_RESUME_KEY, b"", RESUME_KEY_RESPONSE_BYTES))
        key = bytes(scratch.buffer.memory[:RESUME_KEY_RESPONSE_BYTES])
        copied = 0
        for chunks in information.copy_chunks(key, source_offset, offset, length):
            check(self._control(target, FSCTL_SRV_COPYCHUNK_WRITE, chunks, information.COPY_RESPONSE_BYTES))
            _, _, total = struct.unpack_from("<III", scratch.buffer.memory)
            copied += total
        return copied

    def shift_range(self, resize: Callable[[Truncate], int], call: ShiftRange) -> int:
        """No call shifts: by copies of the file to itself, its size, and zeros. They move what the captured
        file had after the range."""
        handle, after = self._files[call.handle], call.offset + call.length
        if call.insert:
            check(resize(Truncate(call.handle, call.size)))
            self._copied(handle, handle, call.offset, after, call.size - after)
            return self.punch_hole(PunchHole(call.handle, call.offset, call.length))
        self._copied(handle, handle, after, call.offset, call.size - call.offset)
        return resize(Truncate(call.handle, call.size))

    def control(self, call: Control) -> int:
        given = information.CONTROL_INPUT.get(call.function, b"")
        return self._control(self._files[call.handle], call.function, given, call.output_length)

    def punch_hole(self, call: PunchHole) -> int:
        handle = self._files[call.handle]
        return self._control(handle, FSCTL_SET_ZERO_DATA, information.zero_data(call.offset, call.length), 0)

    def allocated_ranges(self, call: AllocatedRanges) -> int:
        """How many."""
        handle = self._files[call.handle]
        asked = information.byte_range(call.offset, call.length)
        check(self._control(handle, FSCTL_QUERY_ALLOCATED_RANGES, asked, _RANGES_ANSWER))
        return int(self._scratch.block.information) // information.RANGE_BYTES

    def _control(self, handle: int, code: int, given: bytes, answer_bytes: int) -> int:
        """An FSCTL; its answer stands at the start of the thread's buffer."""
        scratch = self._scratch
        buffer = scratch.at_least(max(answer_bytes, 1))
        status = self._nt.fs_control(
            handle, scratch.event, None, None, scratch.block_reference, code, given or None, len(given),
            buffer.address if answer_bytes else None, answer_bytes,
        )  # fmt: skip
        return self._nt.finish(status, scratch)


@lru_cache(maxsize=2)
def _random_data(size: int, seed: int) -> Buffer:
    """The data of writes; the users of one process share it."""
    data = Buffer(size + _DATA_SLACK)
    content = random.Random(seed).randbytes(size + _DATA_SLACK)
    memmove(data.address, content, len(content))
    return data


def _fits(call: Lock | Unlock) -> bool:
    """Whether the range ends within 64 bits ([MS-FSA] 2.1.5.8)."""
    return call.offset < 1 << 64 and (not call.length or call.offset + call.length - 1 < 1 << 64)


def _signed(number: int) -> int:
    """A 64-bit number as LARGE_INTEGER carries it."""
    return number - (1 << 64) if number >= 1 << 63 else number
