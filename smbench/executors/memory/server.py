"""An SMB server's semantics in memory: the oracle that knows the exact NTSTATUS of every call.

One server is shared by all users of a run; it serialises calls. After [MS-FSA] 2.1.5 (and [MS-SMB2]
3.3.5 where a check is the protocol's), with Samba's choice where the text leaves one.
"""

from __future__ import annotations

from collections.abc import Iterable
from threading import Condition
from typing import ClassVar

from smbench.executors.memory import info
from smbench.executors.memory.opens import READS, WRITES
from smbench.executors.memory.tree import Handle, Node, RefusedError, Stream, Tree, parse
from smbench.executors.memory.tree import Lock as ByteLock
from smbench.executors.memory.watching import Watching
from smbench.smb2.constants import (
    ATTRIBUTE_ARCHIVE,
    ATTRIBUTE_DIRECTORY,
    ATTRIBUTE_READONLY,
    DELETE,
    FILE_READ_ATTRIBUTES,
    FILE_READ_DATA,
    FILE_READ_EA,
    FILE_WRITE_ATTRIBUTES,
    FILE_WRITE_DATA,
    FILE_WRITE_EA,
    FULL_EA,
    INFO_FILE,
    INFO_SECURITY,
    READ_CONTROL,
    WRITE_TO_END_OF_FILE,
)
from smbench.smb2.information import DOTS
from smbench.smb2.ntstatus import Status
from smbench.smb2.patterns import compiled
from smbench.workload import calls
from smbench.workload.model import Kind, NamespaceEntry

_LARGEST_OFFSET = 1 << 63
_LARGEST_LOCK_END = 1 << 64


class MemoryServer:
    """The share. Methods take a call's values and either return a count or raise RefusedError.

    `MemoryServer.at(root)` is the one server of a root path in this process: how executors of several
    users, and who prepares, meet.
    """

    _servers: ClassVar[dict[str, MemoryServer]] = {}

    def __init__(self) -> None:
        self.tree = Tree()
        self.changed = Condition()
        """Held by whoever calls; a waiting lock or notification waits on it."""
        self.watching = Watching(self.tree, self.changed)
        self.not_made: list[str] = []
        """Paths of `prepare` that no server has."""

    @classmethod
    def at(cls, root: object) -> MemoryServer:
        return cls._servers.setdefault(str(root), cls())

    @classmethod
    def forget(cls, root: object) -> None:
        cls._servers.pop(str(root), None)

    def prepare(self, entries: Iterable[NamespaceEntry]) -> None:
        """Make what a workload presumes; parents that no entry names are made too. What the server would
        refuse is left out, and kept in `not_made`."""
        with self.changed:
            for entry in sorted(entries, key=lambda entry: entry.path):
                if not entry.present:
                    continue
                try:
                    self._put(entry)
                except RefusedError:
                    self.not_made.append(entry.path)

    def _put(self, entry: NamespaceEntry) -> None:
        components, stream = parse(entry.path)
        for depth in range(1, len(components) + 1):
            if self.tree.find(components[:depth]) is None:
                directory = depth < len(components) or entry.kind is Kind.DIRECTORY
                node = Node(directory, ATTRIBUTE_DIRECTORY if directory else ATTRIBUTE_ARCHIVE)
                self.tree.add(self.tree.parent_of(components[:depth]), components[depth - 1], node)
        link = self.tree.find(components)
        if link is None:
            return
        if entry.attributes and not stream:
            link.node.attributes = _as_kind(entry.attributes, link.node)
        link.node.eas.update(
            zip(map(str.casefold, entry.ea_names or ()), entry.ea_lengths or (), strict=True)
        )
        link.node.streams.setdefault(stream.casefold(), Stream(stream)).size = entry.size

    # ── data ──

    def read(self, handle: Handle, offset: int, length: int) -> int:
        self._need_data(handle, READS)
        if offset >= _LARGEST_OFFSET:
            raise RefusedError(Status.INVALID_PARAMETER)
        if not length:
            return 0
        self._check_locks(handle, offset, length, writing=False)
        left = handle.stream.size - offset
        if left <= 0:
            raise RefusedError(Status.END_OF_FILE)
        return min(length, left)

    def write(self, handle: Handle, offset: int, length: int) -> int:
        self._need_data(handle, WRITES)
        if offset == WRITE_TO_END_OF_FILE:
            offset = handle.stream.size
        if offset + length >= _LARGEST_OFFSET:
            raise RefusedError(Status.INVALID_PARAMETER)
        if length:
            self._check_locks(handle, offset, length, writing=True)
            handle.stream.size = max(handle.stream.size, offset + length)
        return length

    def flush(self, handle: Handle) -> int:
        self._need(handle, WRITES)
        return 0

    def truncate(self, handle: Handle, size: int) -> int:
        self._need(handle, FILE_WRITE_DATA)
        if handle.node.directory or size >= _LARGEST_OFFSET:
            raise RefusedError(Status.INVALID_PARAMETER)
        handle.stream.size = size
        return 0

    def allocate(self, handle: Handle, size: int) -> int:
        self._need(handle, FILE_WRITE_DATA)
        if handle.node.directory or size >= _LARGEST_OFFSET:
            raise RefusedError(Status.INVALID_PARAMETER)
        handle.stream.size = min(handle.stream.size, size)
        return 0

    def copy_range(self, source: Handle, target: Handle, call: calls.CopyRange) -> int:
        self._need_data(source, FILE_READ_DATA)
        self._need_data(target, WRITES)
        if call.source_offset + call.length > source.stream.size:
            raise RefusedError(Status.INVALID_VIEW_SIZE)
        self._check_locks(source, call.source_offset, call.length, writing=False)
        return self.write(target, call.offset, call.length)

    def punch_hole(self, handle: Handle, offset: int, length: int) -> int:
        self._need_data(handle, FILE_WRITE_DATA)
        if offset + length >= _LARGEST_OFFSET:
            raise RefusedError(Status.INVALID_PARAMETER)
        if length:
            self._check_locks(handle, offset, length, writing=True)
        return 0

    def allocated_ranges(self, handle: Handle, offset: int, length: int) -> int:
        self._need_data(handle, FILE_READ_DATA)
        return int(bool(length) and offset < handle.stream.size)

    # ── byte-range locks ──

    def lock(self, handle: Handle, call: calls.Lock) -> bool:
        """Whether it was granted: False is the caller's to wait for, or to refuse."""
        end = call.offset + call.length
        self._check_lockable(handle, end)
        wanted = ByteLock(handle, call.offset, end, call.exclusive)
        if any(lock.refuses(wanted) for lock in handle.stream.locks):
            return False
        handle.stream.locks.append(wanted)
        return True

    def unlock(self, handle: Handle, offset: int, length: int) -> int:
        self._check_lockable(handle, offset + length)
        for lock in handle.stream.locks:
            if lock.owner is handle and (lock.start, lock.end) == (offset, offset + length):
                handle.stream.locks.remove(lock)
                self.changed.notify_all()
                return 0
        raise RefusedError(Status.RANGE_NOT_LOCKED)

    def _check_lockable(self, handle: Handle, end: int) -> None:
        if handle.node.directory and not handle.stream.name:
            raise RefusedError(Status.INVALID_PARAMETER)
        if end > _LARGEST_LOCK_END:
            raise RefusedError(Status.INVALID_LOCK_RANGE)
        self._need(handle, READS | WRITES)

    def _check_locks(self, handle: Handle, offset: int, length: int, *, writing: bool) -> None:
        """Locks are mandatory: another's exclusive lock forbids all, anyone's shared lock all writing."""
        for lock in handle.stream.locks:
            overlap = lock.start < offset + length and offset < lock.end
            if overlap and (
                (lock.exclusive and lock.owner is not handle) or (writing and not lock.exclusive)
            ):
                raise RefusedError(Status.FILE_LOCK_CONFLICT)

    # ── metadata ──

    def information(self, handle: Handle, call: calls.StatHandle) -> int:
        if call.info_type == INFO_SECURITY:
            self._need(handle, READ_CONTROL)
            return 0
        if call.info_type != INFO_FILE:
            raise RefusedError(Status.INVALID_PARAMETER)
        if call.level in info.NEEDS_READ_ATTRIBUTES:
            self._need(handle, FILE_READ_ATTRIBUTES)
        if call.level == FULL_EA:
            self._need(handle, FILE_READ_EA)
            if not handle.node.eas:
                raise RefusedError(Status.NO_EAS_ON_FILE)
        status = info.file_information(call.level, call.output_length, self._path(handle))
        if status:
            raise RefusedError(status)
        return 0

    def file_system_information(self, call: calls.StatFs) -> int:
        status = info.file_system_information(call.level)
        if status:
            raise RefusedError(status)
        return 0

    def set_times(self, handle: Handle) -> int:
        self._need(handle, FILE_WRITE_ATTRIBUTES)
        return 0

    def set_attributes(self, handle: Handle, attributes: int) -> int:
        self._need(handle, FILE_WRITE_ATTRIBUTES)
        if attributes & ATTRIBUTE_DIRECTORY and not handle.node.directory:
            raise RefusedError(Status.INVALID_PARAMETER)
        if attributes:
            handle.node.attributes = _as_kind(attributes, handle.node)
        return 0

    def set_ea(self, handle: Handle, name: str, length: int) -> int:
        """[MS-FSA] 2.1.5.15.5, with Samba's choice that what is not there may be removed."""
        if not handle.brought_eas:
            self._need(handle, FILE_WRITE_EA)
        if not info.is_ea_name(name):
            raise RefusedError(Status.INVALID_EA_NAME)
        if length:
            handle.node.eas[name.casefold()] = length
        else:
            handle.node.eas.pop(name.casefold(), None)
        return 0

    def list_directory(self, handle: Handle, call: calls.List) -> int:
        """Entries of one QUERY_DIRECTORY, or of all until the end where the call stands for a whole scan."""
        if not handle.node.directory or handle.stream.name:
            raise RefusedError(Status.INVALID_PARAMETER)
        self._need(handle, FILE_READ_DATA)
        if call.level not in info.DIRECTORY_CLASSES:
            raise RefusedError(Status.INVALID_INFO_CLASS)
        if call.restart or handle.listing is None:
            names = [*DOTS, *(link.name for link in handle.node.children.values() if link.name)]
            handle.listing = list(filter(compiled(call.pattern).fullmatch, names))
            if not handle.listing:
                raise RefusedError(Status.NO_SUCH_FILE)
        if not handle.listing:
            raise RefusedError(Status.NO_MORE_FILES)
        returned = 0
        while handle.listing:
            fit = info.entries_that_fit(handle.listing, call.level, call.output_length)
            if not fit:
                raise RefusedError(Status.INFO_LENGTH_MISMATCH)
            returned += sum(name not in DOTS for name in handle.listing[:fit])
            del handle.listing[:fit]
            if call.calls == 1:
                break
        return returned

    # ── names ──

    def rename(self, handle: Handle, target: str, replace: bool) -> int:
        self._need(handle, DELETE)
        link, node = handle.link, handle.node
        if handle.stream.name:
            raise RefusedError(Status.NOT_SUPPORTED)
        components = self._target(target)
        parent = self.tree.parent_of(components)
        if node.directory:
            if parent.beneath(link):
                raise RefusedError(Status.SHARING_VIOLATION)
            if self.tree.open_beneath(link):
                raise RefusedError(Status.ACCESS_DENIED)
        self._clear_target(components, replace, besides=link)
        self.tree.move(link, parent, components[-1])
        return 0

    def link(self, handle: Handle, target: str, replace: bool) -> int:
        if handle.node.directory:
            raise RefusedError(Status.FILE_IS_A_DIRECTORY)
        components = self._target(target)
        self._clear_target(components, replace, besides=handle.link)
        self.tree.add(self.tree.parent_of(components), components[-1], handle.node)
        return 0

    def set_delete(self, handle: Handle, delete: bool) -> int:
        self._need(handle, DELETE)
        if delete:
            if handle.node.attributes & ATTRIBUTE_READONLY or handle.link is self.tree.root:
                raise RefusedError(Status.CANNOT_DELETE)
            if handle.node.children and not handle.stream.name:
                raise RefusedError(Status.DIRECTORY_NOT_EMPTY)
        if handle.stream.name:
            handle.stream.delete_pending = delete
        else:
            handle.link.delete_pending = delete
        return 0

    def _target(self, target: str) -> tuple[str, ...]:
        components, stream = parse(target)
        if stream or not components:
            raise RefusedError(Status.OBJECT_NAME_INVALID)
        return components

    def _clear_target(self, components: tuple[str, ...], replace: bool, besides: object) -> None:
        existing = self.tree.find(components)
        if existing is None or existing is besides:
            return
        if not replace:
            raise RefusedError(Status.OBJECT_NAME_COLLISION)
        in_use = next(existing.node.handles(), None) is not None
        if existing.node.directory or existing.node.attributes & ATTRIBUTE_READONLY or in_use:
            raise RefusedError(Status.ACCESS_DENIED)
        self.tree.remove(existing)

    def _path(self, handle: Handle) -> str:
        names = []
        link = handle.link
        while link.parent is not None:
            names.append(link.name)
            link = link.parent
        return "/" + "/".join(reversed(names))

    def _need(self, handle: Handle, access: int) -> None:
        """One of the rights at least."""
        if not handle.access & access:
            raise RefusedError(Status.ACCESS_DENIED)

    def _need_data(self, handle: Handle, access: int) -> None:
        if handle.node.directory and not handle.stream.name:
            raise RefusedError(Status.INVALID_DEVICE_REQUEST)
        self._need(handle, access)


def _as_kind(attributes: int, node: Node) -> int:
    """Attributes for a node, which stays the file or directory that it is."""
    return attributes & ~ATTRIBUTE_DIRECTORY | node.attributes & ATTRIBUTE_DIRECTORY
