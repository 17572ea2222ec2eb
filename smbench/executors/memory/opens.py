"""How the in-memory server opens and closes: [MS-FSA] 2.1.5.1 and 2.1.5.5, with Samba's order of checks."""

from __future__ import annotations

from smbench.executors.memory.tree import (
    ARCHIVE,
    DIRECTORY,
    HIDDEN,
    READONLY,
    SYSTEM,
    Handle,
    Link,
    Node,
    RefusedError,
    Stream,
    Tree,
    parse,
)
from smbench.smb2.ntstatus import Status
from smbench.workload.calls import Create

# Access masks ([MS-SMB2] 2.2.13.1).
READ_DATA, WRITE_DATA, APPEND_DATA, EXECUTE = 0x1, 0x2, 0x4, 0x20
READ_ATTRIBUTES, WRITE_ATTRIBUTES = 0x80, 0x100
DELETE, READ_CONTROL = 0x10000, 0x20000
_MAXIMUM_ALLOWED = 0x02000000
_GENERIC = {
    0x80000000: 0x00120089,
    0x40000000: 0x00120116,
    0x20000000: 0x001200A0,
    0x10000000: 0x001F01FF,
}
_ALL = 0x001F01FF
_WRITES = WRITE_DATA | APPEND_DATA
_READS = READ_DATA | EXECUTE
_SHARED_BY = ((_READS, 1), (_WRITES, 2), (DELETE, 4))  # access, and the share bit that admits it

_SUPERSEDE, _OPEN, _CREATE, _OPEN_IF, _OVERWRITE, _OVERWRITE_IF = range(6)
_CREATING = (_SUPERSEDE, _CREATE, _OPEN_IF, _OVERWRITE_IF)
_EMPTYING = (_SUPERSEDE, _OVERWRITE, _OVERWRITE_IF)
_DIRECTORY_FILE, _NON_DIRECTORY_FILE = 0x1, 0x40
_DELETE_ON_CLOSE, _OPEN_BY_FILE_ID = 0x1000, 0x2000


def open_file(tree: Tree, path: str, wish: Create) -> Handle:
    """The open that a CREATE makes, or RefusedError."""
    components, stream_name = parse(path)
    access = _granted(wish.access)
    _check_parameters(wish, access, bool(stream_name))
    link = tree.find(components)
    made = link is None
    if link is None:
        link = _make(tree, components, wish, bool(stream_name))
    else:
        _check_existing(link, wish, access, bool(stream_name))
    stream = _stream(link.node, stream_name, wish)
    if not made:
        _check_sharing(link, stream, wish, access)
        if wish.disposition in _EMPTYING:
            _empty(link.node, stream, wish)
    if wish.access & _MAXIMUM_ALLOWED and link.node.attributes & READONLY and not made:
        access &= ~_WRITES
    handle = Handle(link, stream, access, wish.share_access, bool(wish.options & _DELETE_ON_CLOSE))
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
    granted = access & _ALL
    for generic, specific in _GENERIC.items():
        if access & generic:
            granted |= specific
    return _ALL if access & _MAXIMUM_ALLOWED else granted


def _check_parameters(wish: Create, access: int, stream: bool) -> None:
    directory, no_directory = wish.options & _DIRECTORY_FILE, wish.options & _NON_DIRECTORY_FILE
    if wish.options & _OPEN_BY_FILE_ID:
        raise RefusedError(Status.NOT_SUPPORTED)
    if wish.disposition > _OVERWRITE_IF or (directory and no_directory):
        raise RefusedError(Status.INVALID_PARAMETER)
    if directory and stream:
        raise RefusedError(Status.NOT_A_DIRECTORY)
    if directory and wish.disposition in _EMPTYING:
        raise RefusedError(Status.INVALID_PARAMETER)
    if wish.options & _DELETE_ON_CLOSE and not access & DELETE:
        raise RefusedError(Status.INVALID_PARAMETER)
    if not access:
        raise RefusedError(Status.ACCESS_DENIED)


def _make(tree: Tree, components: tuple[str, ...], wish: Create, stream: bool) -> Link:
    if wish.disposition not in _CREATING:
        raise RefusedError(Status.OBJECT_NAME_NOT_FOUND)
    parent = tree.parent_of(components)
    if parent.delete_pending:
        raise RefusedError(Status.DELETE_PENDING)
    if wish.options & _DELETE_ON_CLOSE and wish.attributes & READONLY:
        raise RefusedError(Status.CANNOT_DELETE)
    directory = bool(wish.options & _DIRECTORY_FILE) and not stream
    attributes = wish.attributes & (READONLY | HIDDEN | SYSTEM) | (DIRECTORY if directory else ARCHIVE)
    return tree.add(parent, components[-1], Node(directory, attributes))


def _check_existing(link: Link, wish: Create, access: int, stream: bool) -> None:
    node = link.node
    if link.delete_pending:
        raise RefusedError(Status.DELETE_PENDING)
    if wish.disposition == _CREATE and not stream:
        raise RefusedError(Status.OBJECT_NAME_COLLISION)
    if node.directory and not stream:
        if wish.options & _NON_DIRECTORY_FILE:
            raise RefusedError(Status.FILE_IS_A_DIRECTORY)
        if wish.disposition in _EMPTYING:
            raise RefusedError(Status.INVALID_PARAMETER)
    if not node.directory and wish.options & _DIRECTORY_FILE:
        raise RefusedError(Status.NOT_A_DIRECTORY)
    if node.attributes & READONLY:
        asked = access & _WRITES if not wish.access & _MAXIMUM_ALLOWED else 0
        if not node.directory and (asked or wish.disposition in _EMPTYING):
            raise RefusedError(Status.ACCESS_DENIED)
        if wish.options & _DELETE_ON_CLOSE:
            raise RefusedError(Status.CANNOT_DELETE)
    if wish.disposition in _EMPTYING and node.attributes & ~wish.attributes & (HIDDEN | SYSTEM):
        raise RefusedError(Status.ACCESS_DENIED)


def _stream(node: Node, name: str, wish: Create) -> Stream:
    stream = node.streams.get(name.casefold())
    if stream is None:
        if wish.disposition not in _CREATING:
            raise RefusedError(Status.OBJECT_NAME_NOT_FOUND)
        stream = node.streams[name.casefold()] = Stream(name)
    elif name:
        if stream.delete_pending:
            raise RefusedError(Status.DELETE_PENDING)
        if wish.disposition == _CREATE:
            raise RefusedError(Status.OBJECT_NAME_COLLISION)
    return stream


def _check_sharing(link: Link, stream: Stream, wish: Create, access: int) -> None:
    """[MS-FSA] 2.1.5.1.2.2: every open must admit what the others are granted, and the other way round.

    Emptying counts as writing; the right to delete is the whole file's, whatever the stream.
    """
    if wish.disposition in _EMPTYING:
        access |= WRITE_DATA
    for other in list(link.node.handles()):
        for right, share in _SHARED_BY:
            if other.stream is not stream and right != DELETE:
                continue
            if (access & right and not other.share & share and _counts(other.access)) or (
                other.access & right and not wish.share_access & share and _counts(access)
            ):
                raise RefusedError(Status.SHARING_VIOLATION)


def _counts(access: int) -> bool:
    """An open for attributes only neither shares nor is shared with."""
    return bool(access & (_READS | _WRITES | DELETE))


def _empty(node: Node, stream: Stream, wish: Create) -> None:
    stream.size = 0
    if not stream.name:
        node.attributes = wish.attributes & (READONLY | HIDDEN | SYSTEM) | ARCHIVE
        for key in [key for key, other in node.streams.items() if key and not other.handles]:
            del node.streams[key]
