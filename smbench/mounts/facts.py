"""What a workload's operations tell about the mount that it needs, beyond what the trace says."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from smbench.paths.stream_names import has_stream
from smbench.smb2.constants import (
    DIRECTORY_INFORMATION,
    FULL_DIRECTORY,
    OPLOCK_LEVEL_LEASE,
    OPLOCK_LEVEL_NONE,
)
from smbench.workload.calls import (
    Call,
    Close,
    Flush,
    List,
    Lock,
    Open,
    PunchHole,
    Read,
    SetTimes,
    ShiftRange,
    Truncate,
    Write,
)
from smbench.workload.model import NamespaceEntry, Operation

# SFM's and cifs.ko's stand-ins for what NTFS forbids (fs/smb/client/cifs_unicode.h).
_MAPPED = re.compile("[\uf001-\uf029]")
# readdir's classes where the mount has no inode numbers of the server (fs/smb/client/readdir.c).
_WITHOUT_IDS = (DIRECTORY_INFORMATION, FULL_DIRECTORY)
_FORBIDDEN = re.compile(r'[*?<>|"\x01-\x1f]')


@dataclass(frozen=True, slots=True)
class CaptureFacts:
    """Of one user. Sizes are bytes, 0 where no workload tells; each flag is what the captured client did.

    The defaults are those of a mount without a workload: nothing is presumed that would take something away.
    """

    largest_read: int = 0
    largest_write: int = 0
    asked_for_caching: bool = True
    """Some open asked for an oplock or a lease, and fewer locks were sent without one than opens asked: a
    client that caches keeps its locks to itself."""
    streams: bool = False
    """Some path names an alternate data stream."""
    flushes: bool = True
    """Some FLUSH was sent, by itself or with a truncation or a change of times."""
    keeps_directories: bool = False
    """The client kept directories open under leases of theirs, and answered from memory."""
    sparse: bool = False
    """Some call marked a file sparse (FSCTL_SET_SPARSE), or put a range in, which newer clients refuse where
    they may not do so first."""
    reserved_characters: bool = False
    """Names hold characters that Windows forbids (an SMB3 POSIX capture)."""
    mapped_characters: bool = False
    """Names hold the private-use stand-ins U+F001–F029, as mapping clients send them."""
    lists_without_ids: bool = False
    """Most listings asked for no inode numbers: a client of Linux that was mounted with noserverino."""
    case_variants: bool = False
    """One path was written in several cases, and only one of them exists."""


def gather_facts(
    operations: Iterable[Operation], namespace: Iterable[NamespaceEntry], users: int
) -> list[CaptureFacts]:
    """Of each of so many users, by what it did itself: one's streams or locks are no reason to mount for
    another differently. One pass over each; memory grows with distinct paths and opens at once.

    Of what clients did by themselves, where the operations have it, only flushes and kept directories count.
    """
    seen = [_Seen() for _ in range(users)]
    for operation in operations:
        if operation.user < users:
            seen[operation.user].add(operation)
    present = {entry.path for entry in namespace if entry.present}
    # Two names that differ in case and both exist tell of a server that minds the case.
    cases_count = len({path.casefold() for path in present}) < len(present)
    return [one.facts(cases_count) for one in seen]


@dataclass(slots=True)
class _Seen:
    """What one user was seen to do."""

    largest_read: int = 0
    largest_write: int = 0
    opens: int = 0
    caching: int = 0
    locks: int = 0
    flushes: bool = False
    keeps_directories: bool = False
    sparse: bool = False
    lists: int = 0
    lists_without_ids: int = 0
    cached: set[int] = field(default_factory=set)
    """Handles that an oplock or lease was asked for with."""
    paths: set[str] = field(default_factory=set)

    def add(self, operation: Operation) -> None:
        call = operation.call
        self.flushes = self.flushes or _flushed(call)
        if operation.by_client:
            self.keeps_directories = self.keeps_directories or _keeps(call)
            return
        self.paths.add(operation.path)
        if isinstance(call, Truncate | PunchHole):
            self.sparse = self.sparse or call.sparse
        elif isinstance(call, ShiftRange):
            self.sparse = self.sparse or call.insert
        elif isinstance(call, Read):
            self.largest_read = max(self.largest_read, _piece(operation, call.length))
        elif isinstance(call, Write):
            self.largest_write = max(self.largest_write, _piece(operation, call.length))
        elif isinstance(call, Open):
            self.opens += 1
            create = call.create
            if create.lease_state or create.oplock not in (OPLOCK_LEVEL_NONE, OPLOCK_LEVEL_LEASE):
                self.caching += 1
                self.cached.add(call.handle)
        elif isinstance(call, Close):
            self.cached.discard(call.handle)
        elif isinstance(call, Lock):
            self.locks += call.handle not in self.cached
        elif isinstance(call, List):
            self.lists += 1
            self.lists_without_ids += call.level in _WITHOUT_IDS

    def facts(self, cases_count: bool) -> CaptureFacts:
        paths = self.paths
        variants = len({path.casefold() for path in paths}) < len(paths)
        return CaptureFacts(
            largest_read=self.largest_read,
            largest_write=self.largest_write,
            asked_for_caching=self.keeps_directories or self.caching > self.locks or not self.opens,
            streams=any(map(has_stream, paths)),
            flushes=self.flushes,
            keeps_directories=self.keeps_directories,
            sparse=self.sparse,
            reserved_characters=any(_FORBIDDEN.search(path) for path in paths),
            mapped_characters=any(_MAPPED.search(path) for path in paths),
            lists_without_ids=2 * self.lists_without_ids > self.lists,
            case_variants=variants and not cases_count,
        )


def _keeps(call: Call) -> bool:
    return isinstance(call, Open) and call.directory and bool(call.create.lease_state)


def _flushed(call: Call) -> bool:
    """Whether a FLUSH was sent for it: by itself, or by the Linux client before it sets sizes and times."""
    if isinstance(call, (SetTimes, Truncate)) and call.flushed:
        return True
    return isinstance(call, Flush) or (isinstance(call, (Open, Truncate)) and call.times is not None)


def _piece(operation: Operation, length: int) -> int:
    """What one request of a read or write moved: clients cut large ones by their rsize or wsize, which is a
    power of two unless somebody set it."""
    pieces = len(operation.exchanges)
    if pieces < 2:
        return length
    piece = 1 << (-(-length // pieces) - 1).bit_length()
    return piece if piece * (pieces - 1) < length else -(-length // pieces)
