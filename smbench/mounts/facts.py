"""What a workload's operations tell about the mount that it needs, beyond what the trace says."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from smbench.smb2.constants import OPLOCK_LEVEL_LEASE, OPLOCK_LEVEL_NONE
from smbench.workload.calls import Close, Flush, Lock, Open, PunchHole, Read, Truncate, Write
from smbench.workload.model import Kind, NamespaceEntry, Operation

# SFM's and cifs.ko's stand-ins for what NTFS forbids (fs/smb/client/cifs_unicode.h).
_MAPPED = re.compile("[\uf001-\uf029]")
_FORBIDDEN = re.compile(r'[*?<>|"\x01-\x1f]')


@dataclass(frozen=True, slots=True)
class CaptureFacts:
    """Sizes are bytes, 0 where no workload tells; each flag is what the captured clients did.

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
    sparse: bool = False
    """Some call marked a file sparse (FSCTL_SET_SPARSE)."""
    reserved_characters: bool = False
    """Names hold characters that Windows forbids (an SMB3 POSIX capture)."""
    mapped_characters: bool = False
    """Names hold the private-use stand-ins U+F001–F029, as mapping clients send them."""
    case_variants: bool = False
    """One path was written in several cases, and only one of them exists."""


def gather_facts(operations: Iterable[Operation], namespace: Iterable[NamespaceEntry]) -> CaptureFacts:
    """One pass over each; memory grows with the number of distinct paths and of opens at once."""
    largest_read = largest_write = 0
    opens = caching = locks = 0
    flushes = sparse = False
    cached: set[tuple[int, int]] = set()
    paths: set[str] = set()
    for operation in operations:
        call = operation.call
        paths.add(operation.path)
        if isinstance(call, Truncate | PunchHole):
            sparse = sparse or call.sparse
        elif isinstance(call, Read):
            largest_read = max(largest_read, _piece(operation, call.length))
        elif isinstance(call, Write):
            largest_write = max(largest_write, _piece(operation, call.length))
        elif isinstance(call, Flush):
            flushes = True
        elif isinstance(call, Open):
            opens += 1
            create = call.create
            if create.lease_state or create.oplock not in (OPLOCK_LEVEL_NONE, OPLOCK_LEVEL_LEASE):
                caching += 1
                cached.add((operation.user, call.handle))
        elif isinstance(call, Close):
            cached.discard((operation.user, call.handle))
        elif isinstance(call, Lock):
            locks += (operation.user, call.handle) not in cached
    present: set[str] = set()
    streams = False
    for entry in namespace:
        paths.add(entry.path)
        streams = streams or entry.kind is Kind.STREAM
        if entry.present:
            present.add(entry.path)
    folded_present = {path.casefold() for path in present}
    return CaptureFacts(
        largest_read=largest_read,
        largest_write=largest_write,
        asked_for_caching=caching > locks or not opens,
        streams=streams or any(":" in path for path in paths),
        flushes=flushes,
        sparse=sparse,
        reserved_characters=any(_FORBIDDEN.search(path) for path in paths),
        mapped_characters=any(_MAPPED.search(path) for path in paths),
        # Two names that differ in case and both exist tell of a server that minds the case.
        case_variants=len({path.casefold() for path in paths}) < len(paths)
        and len(folded_present) == len(present),
    )


def _piece(operation: Operation, length: int) -> int:
    """What one request of a read or write moved: clients cut large ones by their rsize or wsize, which is a
    power of two unless somebody set it."""
    pieces = len(operation.exchanges)
    if pieces < 2:
        return length
    piece = 1 << (-(-length // pieces) - 1).bit_length()
    return piece if piece * (pieces - 1) < length else -(-length // pieces)
