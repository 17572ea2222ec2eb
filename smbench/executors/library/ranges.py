"""Ranges of open files as raw SMB2: locks, copies within the server, holes, and control codes."""

from __future__ import annotations

from collections.abc import Iterator

from smbench.executors.base import NOBODY
from smbench.executors.library import messages as wire
from smbench.executors.library.connection import check
from smbench.executors.library.files import OpenFiles
from smbench.smb2 import information
from smbench.smb2.constants import (
    ALL_INFORMATION,
    END_OF_FILE,
    FSCTL_QUERY_ALLOCATED_RANGES,
    FSCTL_SET_SPARSE,
    FSCTL_SET_ZERO_DATA,
    FSCTL_SRV_COPYCHUNK_WRITE,
    FSCTL_SRV_REQUEST_RESUME_KEY,
    INFO_FILE,
    LOCK_EXCLUSIVE,
    LOCK_FAIL_IMMEDIATELY,
    LOCK_SHARED,
    LOCK_UNLOCK,
    RESUME_KEY_RESPONSE_BYTES,
)
from smbench.smb2.ntstatus import outcome_of
from smbench.workload.calls import (
    AllocatedRanges,
    Control,
    CopyRange,
    Lock,
    PunchHole,
    ShiftRange,
    Unlock,
)

ANSWER_BYTES = 8192
_RANGES = 1024
"""Allocated ranges that an answer has room for."""
IN_PIECES, ANSWERS_CUT = "in_pieces", "answers_cut"
"""What is counted where a server takes, or gives, less at once than was captured."""


class RangeCalls:
    """Handlers by open file. RefusedError carries what a server or a missing handle says."""

    def __init__(self, files: OpenFiles) -> None:
        self._files = files
        self._link = files.link

    def lock(self, call: Lock) -> int:
        """Waits in the server where the call does: only this lane stands still."""
        flags = (LOCK_EXCLUSIVE if call.exclusive else LOCK_SHARED) | (
            0 if call.wait else LOCK_FAIL_IMMEDIATELY
        )
        file = self._files.file(call.handle)
        asked = wire.lock(file.file_id, call.offset, call.length, flags)
        if call.wait:
            outcome = outcome_of(self._link.exchange_waiting(asked, NOBODY.tell).status)
        else:
            outcome = self._done(asked)
        if outcome >= 0:
            file.locks[call.offset, call.length] = flags
        return outcome

    def unlock(self, call: Unlock) -> int:
        file = self._files.file(call.handle)
        outcome = self._done(wire.lock(file.file_id, call.offset, call.length, LOCK_UNLOCK))
        if outcome >= 0:
            file.locks.pop((call.offset, call.length), None)
        return outcome

    def copy_range(self, call: CopyRange) -> int:
        """Bytes that the server copied. A key is asked for once a copy, as the kernel's client does."""
        target, key, total = self._files[call.handle], self._key(self._files[call.source]), 0
        piece = call.request or call.length
        for at in range(0, call.length, piece or 1):
            length = min(piece, call.length - at)
            copied = self._copied(target, key, call.source_offset + at, call.offset + at, length)
            total += copied
            if copied < length:
                break
        return total

    def _key(self, source: bytes) -> bytes:
        asked = wire.ioctl(source, FSCTL_SRV_REQUEST_RESUME_KEY, b"", RESUME_KEY_RESPONSE_BYTES)
        return wire.ioctl_output(check(self._link.exchange(asked)))

    def _copied(self, target: bytes, key: bytes, source_offset: int, offset: int, length: int) -> int:
        total = 0
        for chunks in information.copy_chunks(key, source_offset, offset, length):
            answer = self._control(target, FSCTL_SRV_COPYCHUNK_WRITE, chunks, information.COPY_RESPONSE_BYTES)
            total += int.from_bytes(answer[8:12], "little")
        return total

    def punch_hole(self, call: PunchHole) -> int:
        file_id = self._files[call.handle]
        if call.sparse:
            self._control(file_id, FSCTL_SET_SPARSE, b"\1", 0)
        self._control(file_id, FSCTL_SET_ZERO_DATA, information.zero_data(call.offset, call.length), 0)
        return 0

    def shift_range(self, call: ShiftRange) -> int:
        """In the Linux client's steps: for a range that goes, copies and the size; for one that comes, the
        size, copies and zeros. They move what the captured file had after the range."""
        file_id, after = self._files[call.handle], call.offset + call.length
        size = wire.set_info(file_id, END_OF_FILE, information.size_information(call.size))
        if call.insert:
            if call.sparse:
                self._control(file_id, FSCTL_SET_SPARSE, b"\1", 0)
            check(self._link.exchange(size))
        key = self._key(file_id)
        source, target = (call.offset, after) if call.insert else (after, call.offset)
        for chunks in self._moves(call, key, source, target):
            self._control(file_id, FSCTL_SRV_COPYCHUNK_WRITE, chunks, information.COPY_RESPONSE_BYTES)
        if call.insert:
            self._control(file_id, FSCTL_SET_ZERO_DATA, information.zero_data(call.offset, call.length), 0)
            return 0
        return self._done(size)

    @staticmethod
    def _moves(call: ShiftRange, key: bytes, source: int, target: int) -> Iterator[bytes]:
        moved = call.size - target
        if call.listed:
            return information.chunks_of_shift(key, source, target, moved)
        return information.copy_chunks(key, source, target, moved, 1)

    def allocated_ranges(self, call: AllocatedRanges) -> int:
        file_id = self._files[call.handle]
        if call.seek:
            asked = wire.query_info(file_id, INFO_FILE, ALL_INFORMATION, self._room(ANSWER_BYTES))
            check(self._link.exchange(asked))
        if call.flushed:
            check(self._link.exchange(wire.flush(file_id)))
        room = (1 if call.seek else _RANGES) * information.RANGE_BYTES
        given = information.byte_range(call.offset, call.length)
        self._control(file_id, FSCTL_QUERY_ALLOCATED_RANGES, given, room)
        return 0

    def control(self, call: Control) -> int:
        given = information.CONTROL_INPUT.get(call.function, b"")
        self._control(self._files[call.handle], call.function, given, self._room(call.output_length))
        return 0

    def _control(self, file_id: bytes, function: int, given: bytes, room: int) -> bytes:
        return wire.ioctl_output(check(self._link.exchange(wire.ioctl(file_id, function, given, room))))

    def _done(self, request: wire.Message) -> int:
        return outcome_of(self._link.exchange(request).status)

    def _room(self, wanted: int) -> int:
        """For an answer: as much as was captured, and as the server gives."""
        most = int(self._link.here.max_transact_size)
        if wanted > most:
            self._link.count(ANSWERS_CUT)
        return min(wanted, most)
