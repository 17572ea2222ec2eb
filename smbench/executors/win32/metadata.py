"""Attributes, names and directories on Windows: the handlers that ask or change metadata."""

from __future__ import annotations

from ctypes import byref, c_uint32
from dataclasses import replace

from smbench.executors.base import NOBODY, Armed, ea_value
from smbench.executors.win32.api import Name
from smbench.executors.win32.files import NAME_INVALID, OpenFiles, check
from smbench.executors.win32.rename import rename_information
from smbench.paths.nt_names import NameRefusedError, relative_name
from smbench.smb2 import information
from smbench.smb2.constants import (
    ALLOCATION,
    BASIC,
    DIRECTORY_FILE,
    END_OF_FILE,
    FILE_WRITE_EA,
    FULL_EA,
    INFO_FILE,
    INFO_SECURITY,
    REOPEN,
    RETURN_SINGLE_ENTRY,
)
from smbench.smb2.ntstatus import Status, outcome_of
from smbench.workload.calls import (
    Create,
    Link,
    List,
    MakeDirectory,
    Notify,
    Open,
    RemoveDirectory,
    Rename,
    SetAllocation,
    SetAttributes,
    SetDelete,
    SetEa,
    SetSecurity,
    SetTimes,
    Stat,
    StatFs,
    StatHandle,
    Truncate,
    Unlink,
)
from smbench.workload.parameters import brought_eas, removal

_ANSWER_BYTES = 4096
"""Room for an answer where the capture does not tell: fixed parts and the longest name."""
_LISTING_BYTES = 1 << 16
_NOTIFY_BYTES = 1 << 15
_NO_MORE_FILES = outcome_of(Status.NO_MORE_FILES)
_CANCELLED = outcome_of(Status.CANCELLED)
_HANDLES_CLOSED = 0x8000000A
_CLEANED_UP = (Status.NOTIFY_CLEANUP, outcome_of(_HANDLES_CLOSED))
"""How a wait ends whose handle is closed: by a success code, or in Wine by HANDLES_CLOSED."""


class MetadataCalls:
    """Handlers by name beneath the root, and by open file. CallFailedError carries an outcome too."""

    def __init__(self, files: OpenFiles) -> None:
        self._files = files
        self._nt = files.nt
        self._scratch = files.scratch
        self._patterns: dict[int, tuple[int, str]] = {}
        """For a capture handle that was scanned: its NT handle, and the pattern that this keeps."""

    def stat(self, call: Stat) -> int:
        with self._files.transient(Open(-1, call.path, call.create)) as handle:
            for level in call.levels:
                if level == FULL_EA:
                    check(self._query_extended_attributes(handle, _ANSWER_BYTES))
                else:
                    check(self._query(handle, level, _ANSWER_BYTES))
        return 0

    def stat_handle(self, call: StatHandle) -> int:
        handle, length = self._files[call.handle], call.output_length or _ANSWER_BYTES
        if call.info_type == INFO_SECURITY:
            return self._query_security(handle, length)
        if call.info_type == INFO_FILE and call.level == FULL_EA:
            return self._query_extended_attributes(handle, length)
        if call.info_type != INFO_FILE:
            return outcome_of(Status.NOT_SUPPORTED)
        return _success(self._query(handle, call.level, length))

    def stat_fs(self, call: StatFs) -> int:
        handle, length = self._files[call.handle], call.output_length or _ANSWER_BYTES
        buffer = self._scratch.at_least(length)
        return _success(
            self._nt.query_volume(handle, self._scratch.block_reference, buffer.address, length, call.level)
        )

    def list_directory(self, call: List) -> int:
        """Entries of one query, or of all until the end where the call stands for a whole scan."""
        handle = self._files[call.handle]
        flags = call.flags or 0
        known, pattern = self._patterns.get(call.handle, (0, ""))
        if known == handle and (flags & REOPEN or (call.restart and pattern != call.pattern)):
            # NT keeps the first pattern of an open; SMB2 takes another with each restart.
            handle = self._files.reopen(call.handle)
        self._patterns[call.handle] = handle, call.pattern
        name = Name(call.pattern or "*")
        entries = self._scan(handle, call, name, call.restart, bool(flags & RETURN_SINGLE_ENTRY))
        while call.calls > 1 and entries >= 0:
            more = self._scan(handle, call, name)
            if more < 0:
                return entries if more == _NO_MORE_FILES else more
            entries += more
        return entries

    def _scan(self, handle: int, call: List, name: Name, restart: bool = False, single: bool = False) -> int:
        scratch = self._scratch
        length = call.output_length or _LISTING_BYTES
        buffer = scratch.at_least(length)
        status = self._nt.query_directory(
            handle, scratch.event, None, None, scratch.block_reference, buffer.address, length, call.level,
            single, byref(name.string), restart,
        )  # fmt: skip
        status = self._nt.finish(status, scratch)
        if status < 0:
            return status
        with memoryview(buffer.memory) as view:
            return information.count_entries(view, int(scratch.block.information), call.level)

    def notify(self, call: Notify, armed: Armed = NOBODY) -> int:
        """Wait for a change; closing the handle, or the executor, ends the wait. What changes between two on
        one handle is kept by the system."""
        handle, scratch = self._files[call.handle], self._scratch
        length = call.output_length or _NOTIFY_BYTES
        with self._files.waiting_on(handle):
            status = self._nt.notify_directory(
                handle, scratch.event, None, None, scratch.block_reference, scratch.at_least(length).address,
                length, call.filter, call.watch_tree,
            )  # fmt: skip
            armed.tell()
            status = self._nt.finish(status, scratch)
        return _CANCELLED if status in _CLEANED_UP else _success(status)

    def rename(self, call: Rename) -> int:
        return self._name(call)

    def link(self, call: Link) -> int:
        return self._name(call)

    def _name(self, call: Rename | Link) -> int:
        handle = self._files[call.handle]
        base, _, stream = call.target.partition(":")
        try:
            target = relative_name(call.target)
        except NameRefusedError:
            return NAME_INVALID
        root = self._files.root
        if stream and base == call.path.partition(":")[0]:
            # A stream's new name is relative to its file ([MS-FSCC] 2.4.43).
            root, target = 0, f":{stream}"
        content = rename_information(call.replace, root, target, call.level)
        return self._set(handle, call.level, content)

    def set_delete(self, call: SetDelete) -> int:
        content = information.disposition_information(call.delete, call.level)
        return self._set(self._files[call.handle], call.level, content)

    def remove(self, call: Unlink | RemoveDirectory) -> int:
        with self._files.transient(Open(-1, call.path, removal(call))) as handle:
            if not call.on_close:
                check(self._set(handle, call.level, information.disposition_information(True, call.level)))
        return 0

    def make_directory(self, call: MakeDirectory) -> int:
        asked = replace(call.create, options=call.create.options | DIRECTORY_FILE)
        with self._files.transient(Open(-1, call.path, asked)):
            return 0

    def truncate(self, call: Truncate) -> int:
        content = information.size_information(call.size)
        return self._set(self._files[call.handle], END_OF_FILE, content)

    def set_allocation(self, call: SetAllocation) -> int:
        content = information.size_information(call.size)
        return self._set(self._files[call.handle], ALLOCATION, content)

    def set_times(self, call: SetTimes) -> int:
        content = information.basic_information(
            call.created_ns, call.accessed_ns, call.written_ns, call.changed_ns
        )
        return self._set(self._files[call.handle], BASIC, content)

    def set_attributes(self, call: SetAttributes) -> int:
        content = information.basic_information(attributes=call.attributes)
        return self._set(self._files[call.handle], BASIC, content)

    def _set(self, handle: int, level: int, content: bytes) -> int:
        return _success(
            self._nt.set_information(handle, self._scratch.block_reference, content, len(content), level)
        )

    def _query(self, handle: int, level: int, length: int) -> int:
        buffer = self._scratch.at_least(length)
        return self._nt.query_information(
            handle, self._scratch.block_reference, buffer.address, length, level
        )

    def set_security(self, call: SetSecurity) -> int:
        """What is there, set again."""
        handle, parts = self._files[call.handle], call.additional or information.SECURITY_PARTS
        buffer, needed = self._scratch.at_least(_ANSWER_BYTES), c_uint32()
        status = self._nt.query_security(handle, parts, buffer.address, _ANSWER_BYTES, byref(needed))
        return status if status < 0 else _success(self._nt.set_security(handle, parts, buffer.address))

    def set_ea(self, call: SetEa) -> int:
        """On the handle, or what its CREATE brought by an open of its own."""
        content = information.full_ea_information(call.ea_name, ea_value(call.length))
        handle, opened = self._files[call.handle], self._files.opened[call.handle]
        if not brought_eas(opened.create):
            return self._set_ea(handle, content)
        with self._files.transient(Open(-1, opened.path, Create(FILE_WRITE_EA))) as own:
            return self._set_ea(own, content)

    def _set_ea(self, handle: int, content: bytes) -> int:
        return _success(self._nt.set_ea(handle, self._scratch.block_reference, content, len(content)))

    def _query_security(self, handle: int, length: int) -> int:
        buffer, needed = self._scratch.at_least(length), c_uint32()
        return _success(
            self._nt.query_security(handle, information.SECURITY_PARTS, buffer.address, length, byref(needed))
        )

    def _query_extended_attributes(self, handle: int, length: int) -> int:
        buffer = self._scratch.at_least(length)
        return _success(
            self._nt.query_ea(
                handle, self._scratch.block_reference, buffer.address, length, False, None, 0, None, True
            )
        )


def _success(status: int) -> int:
    """0 for success and information: an outcome above it would be a number of bytes."""
    return min(status, 0)
