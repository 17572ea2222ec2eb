"""What a change from outside is carried out by: calls that every executor has."""

from __future__ import annotations

from collections.abc import Iterator

from smbench.lift.names import LATEST_NS
from smbench.lift.outside import Change, What
from smbench.smb2.constants import (
    FILE_READ_ATTRIBUTES,
    FILE_READ_DATA,
    FILE_WRITE_ATTRIBUTES,
    FILE_WRITE_DATA,
    NON_DIRECTORY_FILE,
    OPEN,
    OVERWRITE_IF,
)
from smbench.workload.calls import (
    Call,
    Close,
    Create,
    Lock,
    MakeDirectory,
    Open,
    RemoveDirectory,
    Truncate,
    Unlink,
    Write,
)

_FIRST_HANDLE = 1 << 48
"""Handles of changes from outside are numbered from here on: a trace numbers its own from 0."""
_FIRST_HOLDER = 1 << 49
_PIECE = 1 << 20
_WRITTEN = 64 << 20
"""So many bytes of what a file grew by are written; beyond them it has a hole."""
_ACCESS = FILE_WRITE_DATA | FILE_READ_ATTRIBUTES | FILE_WRITE_ATTRIBUTES


def calls_of(change: Change, number: int) -> tuple[Call, ...]:
    """The calls of change number so and so of its workload."""
    path = change.path
    if change.what is What.RELEASED:
        return (Close(_FIRST_HOLDER + change.holder),)
    if change.what is What.LOCKED:
        holder = _FIRST_HOLDER + change.holder
        create = Create(FILE_READ_DATA | FILE_WRITE_DATA)
        lock = Lock(holder, change.before, change.size, exclusive=True, wait=False)
        return (Open(holder, path, create), lock)
    if change.what is What.HELD:
        access = FILE_READ_DATA if change.directory else FILE_READ_DATA | FILE_WRITE_DATA
        create = Create(access, share_access=change.share_access)
        return (Open(_FIRST_HOLDER + change.holder, path, create, change.directory),)
    if change.what is What.GONE:
        return (RemoveDirectory(path) if change.directory else Unlink(path),)
    if change.directory:
        return (MakeDirectory(path),)
    handle = _FIRST_HANDLE + number
    disposition = OVERWRITE_IF if change.what is What.APPEARED else OPEN
    create = Create(_ACCESS, disposition=disposition, options=NON_DIRECTORY_FILE)
    return (Open(handle, path, create), *_sizing(handle, change.before, change.size), Close(handle))


def _sizing(handle: int, before: int, size: int) -> Iterator[Call]:
    before, size = min(before, LATEST_NS), min(size, LATEST_NS)  # as much as a file can have
    end = min(size, before + _WRITTEN)
    for offset in range(before, end, _PIECE):
        yield Write(handle, offset, min(_PIECE, end - offset))
    if size < before or size > end:
        yield Truncate(handle, size)
