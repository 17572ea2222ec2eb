"""How the in-memory server opens and closes: [MS-FSA] 2.1.5.1 and 2.1.5.5, with Samba's order of checks."""

from __future__ import annotations

from smbench.executors.memory.tree import Handle, Link, Node, RefusedError, Stream, Tree, parse
from smbench.smb2.constants import (
    ATTRIBUTE_ARCHIVE,
    ATTRIBUTE_DIRECTORY,
    ATTRIBUTE_HIDDEN,
    ATTRIBUTE_READONLY,
    ATTRIBUTE_SYSTEM,
    CREATE,
    CREATING,
    DELETE,
    DELETE_ON_CLOSE,
    DIRECTORY_FILE,
    EMPTYING,
    FILE_ALL_ACCESS,
    FILE_APPEND_DATA,
    FILE_EXECUTE,
    FILE_GENERIC_EXECUTE,
    FILE_GENERIC_READ,
    FILE_GENERIC_WRITE,
    FILE_READ_DATA,
    FILE_WRITE_DATA,
    GENERIC_ALL,
    GENERIC_EXECUTE,
    GENERIC_READ,
    GENERIC_WRITE,
    MAXIMUM_ALLOWED,
    NON_DIRECTORY_FILE,
    OPEN_BY_FILE_ID,
    OVERWRITE_IF,
    SHARE_DELETE,
    SHARE_READ,
    SHARE_WRITE,
)
from smbench.smb2.ntstatus import Status
from smbench.workload.calls import Create
from smbench.workload.parameters import brought_eas

_GENERIC = {
    GENERIC_READ: FILE_GENERIC_READ,
    GENERIC_WRITE: FILE_GENERIC_WRITE,
    GENERIC_EXECUTE: FILE_GENERIC_EXECUTE,
    GENERIC_ALL: FILE_ALL_ACCESS,
}
WRITES = FILE_WRITE_DATA | FILE_APPEND_DATA
READS = FILE_READ_DATA | FILE_EXECUTE
"""What is granted, generic rights spelled out."""
_SHARED_BY = (
    (READS, SHARE_READ),
    (WRITES, SHARE_WRITE),
    (DELETE, SHARE_DELETE),
)
"""Access, and the share bit that admits it."""
_HIDDEN = ATTRIBUTE_HIDDEN | ATTRIBUTE_SYSTEM
_KEPT = ATTRIBUTE_READONLY | _HIDDEN
"""Attributes that an open gives to the file that it makes."""


def open_file(tree: Tree, path: str, asked: Create) -> Handle:
    """The open that a CREATE makes, or RefusedError."""
    components, stream_name = parse(path)
    access = _granted(asked.access)
    _check_parameters(asked, access, bool(stream_name))
    link = tree.find(components)
    made = link is None
    if link is None:
        link = _make(tree, components, asked, bool(stream_name))
    else:
        _check_existing(link, asked, access, bool(stream_name))
    stream = _stream(link.node, stream_name, asked)
    if not made:
        _check_sharing(link, stream, asked, access)
        if asked.disposition in EMPTYING:
            _empty(link.node, stream, asked)
    if asked.access & MAXIMUM_ALLOWED and link.node.attributes & ATTRIBUTE_READONLY and not made:
        access &= ~WRITES
    handle = Handle(
        link, stream, access, asked.share_access, bool(asked.options & DELETE_ON_CLOSE), brought_eas(asked)
    )
    stream.handles.append(handle)
    return handle


def close_file(tree: Tree, handle: Handle) -> None:
    """Close; what is to be deleted goes with the last handle."""
    link, stream, node = handle.link, handle.stream, handle.node
    stream.handles.remove(handle)
    stream.locks = [lock for lock in stream.locks if lock.owner is not handle]
    if handle.delete_on_close:
        if stream.name:
            stream.delete_pending = True
        elif not node.children:
            link.delete_pending = True
    if stream.delete_pending and not stream.handles:
        node.streams.pop(stream.name.casefold(), None)
    # A name goes with the last open that was made by it; other names of the file keep it alive.
    in_use = any(other.link is link for other in node.handles())
    if link.delete_pending and not in_use and not node.children:
        tree.remove(link)


def _granted(access: int) -> int:
    granted = access & FILE_ALL_ACCESS
    for generic, specific in _GENERIC.items():
        if access & generic:
            granted |= specific
    return FILE_ALL_ACCESS if access & MAXIMUM_ALLOWED else granted


def _check_parameters(asked: Create, access: int, stream: bool) -> None:
    directory, no_directory = asked.options & DIRECTORY_FILE, asked.options & NON_DIRECTORY_FILE
    if asked.options & OPEN_BY_FILE_ID:
        raise RefusedError(Status.NOT_SUPPORTED)
    if asked.disposition > OVERWRITE_IF or (directory and no_directory):
        raise RefusedError(Status.INVALID_PARAMETER)
    if directory and stream:
        raise RefusedError(Status.NOT_A_DIRECTORY)
    if directory and asked.disposition in EMPTYING:
        raise RefusedError(Status.INVALID_PARAMETER)
    if asked.options & DELETE_ON_CLOSE and not access & DELETE:
        raise RefusedError(Status.INVALID_PARAMETER)
    if not access:
        raise RefusedError(Status.ACCESS_DENIED)


def _make(tree: Tree, components: tuple[str, ...], asked: Create, stream: bool) -> Link:
    if asked.disposition not in CREATING:
        raise RefusedError(Status.OBJECT_NAME_NOT_FOUND)
    parent = tree.parent_of(components)
    if parent.delete_pending:
        raise RefusedError(Status.DELETE_PENDING)
    if asked.options & DELETE_ON_CLOSE and asked.attributes & ATTRIBUTE_READONLY:
        raise RefusedError(Status.CANNOT_DELETE)
    directory = bool(asked.options & DIRECTORY_FILE) and not stream
    attributes = asked.attributes & _KEPT | (ATTRIBUTE_DIRECTORY if directory else ATTRIBUTE_ARCHIVE)
    return tree.add(parent, components[-1], Node(directory, attributes))


def _check_existing(link: Link, asked: Create, access: int, stream: bool) -> None:
    node = link.node
    if link.delete_pending:
        raise RefusedError(Status.DELETE_PENDING)
    if asked.disposition == CREATE and not stream:
        raise RefusedError(Status.OBJECT_NAME_COLLISION)
    if node.directory and not stream:
        if asked.options & NON_DIRECTORY_FILE:
            raise RefusedError(Status.FILE_IS_A_DIRECTORY)
        if asked.disposition in EMPTYING:
            raise RefusedError(Status.INVALID_PARAMETER)
    if not node.directory and asked.options & DIRECTORY_FILE:
        raise RefusedError(Status.NOT_A_DIRECTORY)
    if node.attributes & ATTRIBUTE_READONLY:
        written = access & WRITES if not asked.access & MAXIMUM_ALLOWED else 0
        if not node.directory and (written or asked.disposition in EMPTYING):
            raise RefusedError(Status.ACCESS_DENIED)
        if asked.options & DELETE_ON_CLOSE:
            raise RefusedError(Status.CANNOT_DELETE)
    if asked.disposition in EMPTYING and node.attributes & ~asked.attributes & (_HIDDEN):
        raise RefusedError(Status.ACCESS_DENIED)


def _stream(node: Node, name: str, asked: Create) -> Stream:
    stream = node.streams.get(name.casefold())
    if stream is None:
        if asked.disposition not in CREATING:
            raise RefusedError(Status.OBJECT_NAME_NOT_FOUND)
        stream = node.streams[name.casefold()] = Stream(name)
    elif name:
        if stream.delete_pending:
            raise RefusedError(Status.DELETE_PENDING)
        if asked.disposition == CREATE:
            raise RefusedError(Status.OBJECT_NAME_COLLISION)
    return stream


def _check_sharing(link: Link, stream: Stream, asked: Create, access: int) -> None:
    """[MS-FSA] 2.1.5.1.2.2: every open must admit what the others are granted, and the other way round.

    Emptying counts as writing; the right to delete is the whole file's, whatever the stream.
    """
    if asked.disposition in EMPTYING:
        access |= FILE_WRITE_DATA
    for other in list(link.node.handles()):
        for right, share in _SHARED_BY:
            if other.stream is not stream and right != DELETE:
                continue
            if (access & right and not other.share & share and _counts(other.access)) or (
                other.access & right and not asked.share_access & share and _counts(access)
            ):
                raise RefusedError(Status.SHARING_VIOLATION)


def _counts(access: int) -> bool:
    """An open for attributes only neither shares nor is shared with."""
    return bool(access & (READS | WRITES | DELETE))


def _empty(node: Node, stream: Stream, asked: Create) -> None:
    stream.size = 0
    if not stream.name:
        node.attributes = asked.attributes & _KEPT | ATTRIBUTE_ARCHIVE
        for key in [key for key, other in node.streams.items() if key and not other.handles]:
            del node.streams[key]
