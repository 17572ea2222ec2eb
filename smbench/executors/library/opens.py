"""What an open asks for in the dialect at hand: the first time, and to have it again.

A client asks a server for what the dialect has ([MS-SMB2] 3.2.4.3): a lease is an oplock in 2.0.2 and where
the server has no leases, and of version 1 in 2.1; a durable handle is of version 1 before 3.0.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import blake2b
from threading import Lock
from typing import Protocol
from uuid import uuid4

from smbench.executors.library import messages as wire
from smbench.executors.library.connection import LibraryConnection
from smbench.smb2.constants import (
    DIALECT_3_0,
    LEASE_HANDLE_CACHING,
    LEASE_READ_CACHING,
    LEASE_WRITE_CACHING,
    OPLOCK_LEVEL_BATCH,
    OPLOCK_LEVEL_EXCLUSIVE,
    OPLOCK_LEVEL_II,
    OPLOCK_LEVEL_LEASE,
    OPLOCK_LEVEL_NONE,
)
from smbench.workload.calls import Create, Open

KEPT_CONTEXTS = frozenset(("RqLs", "MxAc", "QFid", "DHnQ", "DH2Q"))

LEASE_AS_OPLOCK = "lease_as_oplock"
LEASE_V2_AS_V1 = "lease_v2_as_v1"
DURABLE_V2_AS_V1 = "durable_v2_as_v1"
"""What is counted where a dialect, or a server, lacks what was captured."""


class Negotiated(Protocol):
    """What `Contexts` depends on: the dialect of a connection, and who counts."""

    @property
    def here(self) -> LibraryConnection: ...

    def count(self, what: str) -> None: ...


@dataclass(slots=True)
class OpenFile:
    """An open of the capture's as the server knows it, and what it takes to have it again."""

    call: Open
    """With the name that the file has now, as far as its user has renamed it."""
    guid: bytes
    """Of a durable request of version 2."""
    file_id: bytes
    connection: LibraryConnection
    """Over which the file id means this open."""
    durable: bool
    """The server keeps it when the connection is lost."""
    locks: dict[tuple[int, int], int] = field(default_factory=dict)
    """By offset and length: the flags that it was locked with."""
    again: Lock = field(default_factory=Lock)
    """Held while it is had again."""


class Contexts:
    """Oplock level and CREATE contexts of opens, over the connection of the calling thread."""

    def __init__(self, negotiated: Negotiated) -> None:
        self._negotiated = negotiated

    def of(self, path: str, asked: Create, guid: bytes = b"", claimed: bytes = b"") -> tuple[int, bytes]:
        """The level, and the contexts that can be made again, in the capture's order; a lease in any case.

        With `claimed`, the file id of an open that was lost, its durable handle is asked for, and nothing but
        that and its lease (3.2.4.4): servers refuse a claim with more (cifs.ko's QFid at Samba's)."""
        if not asked.contexts and asked.oplock != OPLOCK_LEVEL_LEASE:
            return asked.oplock, b""
        wanted = asked.contexts.split(",") if asked.contexts else []
        if asked.oplock == OPLOCK_LEVEL_LEASE and "RqLs" not in wanted:
            wanted.append("RqLs")
        oplock, data = asked.oplock, dict.fromkeys(("MxAc", "QFid"), b"")
        if "RqLs" in wanted:
            oplock, lease = self._lease(path, asked)
            if lease:
                data["RqLs"] = lease
        dialect = self._negotiated.here.dialect
        if "DH2Q" in wanted and dialect < DIALECT_3_0:
            self._negotiated.count(DURABLE_V2_AS_V1)
            wanted[wanted.index("DH2Q")] = "DHnQ"
        if claimed:
            wanted = [_CLAIM.get(tag, tag) for tag in wanted if tag in ("RqLs", *_CLAIM)]
        data["DHnQ"] = wire.durable(1, b"")
        data["DHnC"] = claimed
        data["DH2Q"] = wire.durable(2, guid or uuid4().bytes) if "DH2Q" in wanted else b""
        data["DH2C"] = wire.durable_again(claimed, guid)
        return oplock, wire.create_contexts([(tag.encode(), data[tag]) for tag in wanted if tag in data])

    def _lease(self, path: str, asked: Create) -> tuple[int, bytes]:
        """The level to ask for, and the data of the lease's context, where it is one."""
        here = self._negotiated.here
        if asked.oplock == OPLOCK_LEVEL_LEASE and not here.supports_file_leasing:
            self._negotiated.count(LEASE_AS_OPLOCK)
            return oplock_like(asked.lease_state), b""
        version, parent = asked.lease_version, bytes.fromhex(asked.parent_lease_key)
        if version == 2 and here.dialect < DIALECT_3_0:
            self._negotiated.count(LEASE_V2_AS_V1)
            version, parent = 1, b""
        return asked.oplock, wire.lease(lease_key(path, asked), asked.lease_state, version, parent)


_CLAIM = {"DHnQ": "DHnC", "DH2Q": "DH2C"}


def is_durable(body: bytes) -> bool:
    """Whether a CREATE response grants a durable handle (2.2.14.2.3, 2.2.14.2.12)."""
    return not wire.granted_contexts(body).isdisjoint(_CLAIM)


def oplock_like(lease_state: int) -> int:
    """The oplock level that lets a client cache what the lease would."""
    if not lease_state & LEASE_READ_CACHING:
        return OPLOCK_LEVEL_NONE
    if lease_state & LEASE_WRITE_CACHING:
        return OPLOCK_LEVEL_BATCH if lease_state & LEASE_HANDLE_CACHING else OPLOCK_LEVEL_EXCLUSIVE
    return OPLOCK_LEVEL_II


def lost_contexts(tags: str) -> list[str]:
    """The CREATE contexts among these whose payload the workload does not have."""
    return sorted(set(tags.split(",")) - KEPT_CONTEXTS - {""})


def lease_key(path: str, asked: Create) -> bytes:
    """The captured key; where the capture tells none, one a file and client, as clients have it."""
    if asked.lease_key:
        return bytes.fromhex(asked.lease_key)
    return blake2b(path.casefold().encode("utf-8", "surrogatepass"), digest_size=16).digest()
