"""Data and metadata of open files as raw SMB2: one request a call, save where a call stands for several."""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator

from smbench.executors.base import NOBODY, Armed, ea_value
from smbench.executors.library import messages as wire
from smbench.executors.library.connection import check
from smbench.executors.library.files import OpenFiles
from smbench.executors.library.ranges import ANSWER_BYTES, IN_PIECES, RangeCalls
from smbench.smb2 import information
from smbench.smb2.constants import (
    ALL_INFORMATION,
    ALLOCATION,
    BASIC,
    END_OF_FILE,
    FILE_WRITE_ATTRIBUTES,
    FILE_WRITE_EA,
    FSCTL_SET_SPARSE,
    FULL_EA,
    INFO_FILE,
    INFO_FILESYSTEM,
    INFO_SECURITY,
    RESTART_SCANS,
    WRITEFLAG_WRITE_THROUGH,
)
from smbench.smb2.ntstatus import Status, failed, outcome_of
from smbench.workload.calls import (
    Flush,
    Link,
    List,
    Notify,
    Open,
    Read,
    Rename,
    SetAllocation,
    SetAttributes,
    SetDelete,
    SetEa,
    SetSecurity,
    SetTimes,
    StatFs,
    StatHandle,
    Truncate,
    Write,
)
from smbench.workload.parameters import brought_eas

_LISTING_BYTES = 1 << 16
_NOTIFY_BYTES = 1 << 15
_DATA_SLACK = 1 << 20
"""Writes start at different places of the data, so that a server that deduplicates finds little."""


class FileCalls(RangeCalls):
    """Handlers by open file. RefusedError carries what a server or a missing handle says."""

    def __init__(self, files: OpenFiles, *, max_io_bytes: int, seed: int) -> None:
        super().__init__(files)
        self._seed = seed
        self._data = memoryview(b"")
        self._grow(max_io_bytes)

    def _grow(self, length: int) -> None:
        self._data = memoryview(random.Random(self._seed).randbytes(length + _DATA_SLACK))

    def open(self, call: Open) -> int:
        """An open that empties the file does it in the steps that were captured."""
        outcome = self._files.open(call)
        if call.times is None or outcome < 0:
            return outcome
        return self._resize(call.handle, 0, call.times, by_name=call.times_by_name)

    # Data

    def read(self, call: Read) -> int:
        file_id = self._files[call.handle]
        return self._moved(
            [wire.read(file_id, at, length) for at, length in self._pieces(call.offset, call.length)]
        )

    def write(self, call: Write) -> int:
        file_id, flags = self._files[call.handle], WRITEFLAG_WRITE_THROUGH if call.through else 0
        if call.length + _DATA_SLACK > len(self._data):
            self._grow(call.length)
        data, start = self._data, (call.offset >> 9 & _DATA_SLACK - 1) - call.offset
        pieces = self._pieces(call.offset, call.length)
        if call.append:
            pieces = [(call.offset, length) for _, length in pieces]
        return self._moved(
            [wire.write(file_id, at, data[start + at : start + at + length], flags) for at, length in pieces]
        )

    def _pieces(self, offset: int, length: int) -> list[tuple[int, int]]:
        piece = self._link.here.largest_piece
        if length <= piece:
            return [(offset, length)]
        if not self._link.here.supports_multi_credit:
            self._link.count(IN_PIECES)
        return [(offset + at, min(piece, length - at)) for at in range(0, length, piece)]

    def _moved(self, requests: list[wire.Message]) -> int:
        """Bytes moved until the first piece that came short or was refused."""
        if len(requests) == 1:
            status, body = self._link.exchange(requests[0])
            return outcome_of(status) if failed(status) else wire.moved(body)
        total = 0
        for request, reply in zip(requests, self._link.pipeline(requests), strict=True):
            if failed(reply.status):
                return total or outcome_of(reply.status)
            count = wire.moved(reply.body)
            total += count
            if count < request.answer_bytes:
                break
        return total

    def flush(self, call: Flush) -> int:
        return self._done(wire.flush(self._files[call.handle]))

    # Metadata

    def stat_handle(self, call: StatHandle) -> int:
        parts = call.additional
        if call.info_type == INFO_SECURITY and not parts:
            parts = information.SECURITY_PARTS
        return self._done(
            wire.query_info(
                self._files[call.handle],
                call.info_type,
                call.level,
                self._room(call.output_length or ANSWER_BYTES),
                parts,
            )
        )

    def stat_fs(self, call: StatFs) -> int:
        return self._done(
            wire.query_info(
                self._files[call.handle],
                INFO_FILESYSTEM,
                call.level,
                self._room(call.output_length or ANSWER_BYTES),
            )
        )

    def list_directory(self, call: List) -> int:
        """Entries of one query, or of all until the end where the call stands for a whole scan."""
        return sum(
            information.count_entries(memoryview(answer), len(answer), call.level)
            for answer in self._listing(call)
        )

    def _listing(self, call: List) -> Iterator[bytes]:
        """The answers."""
        file_id, room = self._files[call.handle], self._room(call.output_length or _LISTING_BYTES)
        flags, answer = call.flags, None
        if flags is None:
            flags = RESTART_SCANS if call.restart else 0
        while True:
            asked = wire.query_directory(file_id, call.level, flags, call.pattern or "*", room)
            reply = self._link.exchange(asked)
            if answer is not None and reply.status == Status.NO_MORE_FILES:
                return
            last, answer = answer, wire.output(check(reply))
            if answer == last:
                return  # Samba 4.17 never gets on where a second entry has no room
            yield answer
            if call.calls <= 1:
                return
            flags = 0

    def notify(self, call: Notify, armed: Armed = NOBODY) -> int:
        """Wait for a change; closing the handle ends the wait. Other lanes go on meanwhile. The server keeps
        what changes between two."""
        room = self._room(call.output_length or _NOTIFY_BYTES)
        asked = wire.notify(self._files[call.handle], call.filter, call.watch_tree, room)
        status = self._link.exchange_waiting(asked, armed.tell).status
        # A success code, but nothing has changed: the wait was ended.
        return outcome_of(Status.CANCELLED if status == Status.NOTIFY_CLEANUP else status)

    def rename(self, call: Rename) -> int:
        outcome = self._name(call)
        if outcome >= 0:
            self._files.renamed(call.path, call.target)
        return outcome

    def link(self, call: Link) -> int:
        return self._name(call)

    def _name(self, call: Rename | Link) -> int:
        file_id = self._files[call.handle]
        base, _, stream = call.target.partition(":")
        if stream and base == call.path.partition(":")[0]:
            # A stream's new name is relative to its file ([MS-FSCC] 2.4.42).
            target = f":{stream}"
        else:
            target = self._files.names.name(call.target)
        return self._done(
            wire.set_info(file_id, call.level, information.name_information(call.replace, target))
        )

    def set_delete(self, call: SetDelete) -> int:
        content = information.disposition_information(call.delete, call.level)
        return self._done(wire.set_info(self._files[call.handle], call.level, content))

    def truncate(self, call: Truncate) -> int:
        if call.allocated:
            return self._allocate(call.handle, call.size)
        return self._resize(
            call.handle, call.size, call.times, sparse=call.sparse, by_name=call.times_by_name,
            flushed=call.flushed,
        )  # fmt: skip

    def _allocate(self, handle: int, size: int) -> int:
        """Allocation and end of file, and all attributes before and after, as Linux 7.2 grows a file."""
        file_id, content = self._files[handle], information.size_information(size)
        first, last = (wire.query_info(file_id, INFO_FILE, ALL_INFORMATION, ANSWER_BYTES) for _ in range(2))
        sets = [wire.set_info(file_id, level, content) for level in (ALLOCATION, END_OF_FILE)]
        return self._in_steps([first, *sets, last])

    def _resize(
        self, handle: int, size: int, times: tuple[int, ...] | None, *, sparse: bool = False, by_name: bool,
        flushed: bool = False,
    ) -> int:  # fmt: skip
        """The end of file, in the steps of the Linux client: FLUSH (`flushed`, or with `times`),
        FSCTL_SET_SPARSE, it, times."""
        file_id = self._files[handle]
        requests = [wire.set_info(file_id, END_OF_FILE, information.size_information(size))]
        if sparse:
            requests.insert(0, wire.ioctl(file_id, FSCTL_SET_SPARSE, b"\1", 0))
        if flushed or times is not None:
            requests.insert(0, wire.flush(file_id))
        if times is None:
            return self._in_steps(requests)
        created, accessed, written, changed = (None if time == -1 else time for time in times)
        content = information.basic_information(created, accessed, written, changed)
        return self._with_times(handle, requests, content, by_name=by_name)

    def _with_times(self, handle: int, requests: list[wire.Message], content: bytes, *, by_name: bool) -> int:
        """Requests, and then times on the open or on one of their own."""
        if not by_name:
            return self._in_steps([*requests, wire.set_info(self._files[handle], BASIC, content)])
        outcomes = [
            self._in_steps(requests), self._files.set_briefly(handle, FILE_WRITE_ATTRIBUTES, BASIC, content)
        ]  # fmt: skip
        return next((outcome for outcome in outcomes if outcome), 0)

    def set_allocation(self, call: SetAllocation) -> int:
        return self._set(call.handle, ALLOCATION, information.size_information(call.size))

    def set_times(self, call: SetTimes) -> int:
        content = information.basic_information(
            call.created_ns, call.accessed_ns, call.written_ns, call.changed_ns
        )
        flush = [wire.flush(self._files[call.handle])] if call.flushed else []
        return self._with_times(call.handle, flush, content, by_name=call.times_by_name)

    def _in_steps(self, requests: list[wire.Message]) -> int:
        """One after the other, whatever comes of them; the first refusal."""
        outcomes = [self._done(request) for request in requests]
        return next((outcome for outcome in outcomes if outcome < 0), outcomes[-1])

    def set_attributes(self, call: SetAttributes) -> int:
        content = information.basic_information(attributes=call.attributes)
        return self._set(call.handle, BASIC, content)

    def set_security(self, call: SetSecurity) -> int:
        """What is there, set again."""
        file_id, kind = self._files[call.handle], INFO_SECURITY
        parts = call.additional or information.SECURITY_PARTS
        reply = self._link.exchange(wire.query_info(file_id, kind, 0, ANSWER_BYTES, parts))
        if reply.status:
            return outcome_of(reply.status)
        return self._done(wire.set_info(file_id, 0, wire.answered(reply.body), kind, parts))

    def set_ea(self, call: SetEa) -> int:
        """On the handle, or what its CREATE brought by an open of its own."""
        content = information.full_ea_information(call.ea_name, ea_value(call.length))
        if brought_eas(self._files.file(call.handle).call.create):
            return self._files.set_briefly(call.handle, FILE_WRITE_EA, FULL_EA, content)
        return self._set(call.handle, FULL_EA, content)

    def _set(self, handle: int, level: int, content: bytes) -> int:
        return self._done(wire.set_info(self._files[handle], level, content))


NOT_ENCODABLE = (struct.error, OverflowError)
"""What a number raises that the wire has no room for."""
