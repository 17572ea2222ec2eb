"""Leases and oplocks as the same bits ([MS-SMB2] 2.2.13.2.8), and what takes them back ([MS-FSA] 2.1.5.1)."""

from __future__ import annotations

from typing import Final

from smbench.smb2.constants import (
    EMPTYING,
    FILE_READ_ATTRIBUTES,
    FILE_WRITE_ATTRIBUTES,
    LEASE_HANDLE_CACHING,
    LEASE_READ_CACHING,
    LEASE_WRITE_CACHING,
    OPLOCK_LEVEL_BATCH,
    OPLOCK_LEVEL_EXCLUSIVE,
    OPLOCK_LEVEL_II,
    OPLOCK_LEVEL_LEASE,
    READ_CONTROL,
    SYNCHRONIZE,
)

READ: Final = LEASE_READ_CACHING
HANDLE: Final = LEASE_HANDLE_CACHING
WRITE: Final = LEASE_WRITE_CACHING
ALL: Final = READ | HANDLE | WRITE

_OF_OPLOCK = {OPLOCK_LEVEL_II: READ, OPLOCK_LEVEL_EXCLUSIVE: READ | WRITE, OPLOCK_LEVEL_BATCH: ALL}
_BREAKS_NOTHING = FILE_READ_ATTRIBUTES | FILE_WRITE_ATTRIBUTES | SYNCHRONIZE | READ_CONTROL
"""An open for these alone leaves others their leases ([MS-FSA] 2.1.5.1.2; READ_CONTROL as Samba has it)."""


def lease_of(oplock: int | None, lease_state: int | None) -> int:
    """What an oplock level, or the state of a lease in its place, lets a client cache."""
    if oplock == OPLOCK_LEVEL_LEASE:
        return (lease_state or 0) & ALL
    return _OF_OPLOCK.get(oplock or 0, 0)


def broken_by_open(access: int, disposition: int) -> int:
    """What of others' leases an open takes back, where all that it does is shared."""
    if disposition in EMPTYING:
        return ALL
    return WRITE if access & ~_BREAKS_NOTHING else 0
