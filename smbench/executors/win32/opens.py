"""From a CREATE's numbers to NtCreateFile's, which are the same but for a few bits. Pure.

In the `wire` profile on a share, opens that read or write data ask for no intermediate buffering, so
that each read and write goes to the server as it is, as cache=none does on Linux. The I/O manager
refuses that option together with a literal APPEND_DATA; a mask that holds all of FILE_GENERIC_WRITE
is therefore written as GENERIC_WRITE, which the I/O manager maps back before the request leaves. A
mask with APPEND_DATA but less than that stays buffered.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from smbench.smb2.constants import (
    CREATE_TREE_CONNECTION,
    DATA_ACCESS,
    DIRECTORY_FILE,
    FILE_APPEND_DATA,
    FILE_GENERIC_WRITE,
    GENERIC_WRITE,
    NO_INTERMEDIATE_BUFFERING,
    OPEN_BY_FILE_ID,
    OPEN_REQUIRING_OPLOCK,
    RESERVE_OPFILTER,
    SYNCHRONOUS_IO_ALERT,
    SYNCHRONOUS_IO_NONALERT,
)
from smbench.workload.calls import Open

_NEVER_ON_THE_WIRE = SYNCHRONOUS_IO_ALERT | SYNCHRONOUS_IO_NONALERT
"""How the opener waits is its own affair: servers ignore these two."""
_DROPPED = 0xFF000000 | CREATE_TREE_CONNECTION | OPEN_REQUIRING_OPLOCK | RESERVE_OPFILTER
"""What the I/O manager refuses of everybody, or keeps for oplocks that only a server's host can ask for."""


@dataclass(frozen=True, slots=True)
class OpenArguments:
    """What NtCreateFile is given."""

    access: int
    share_access: int
    disposition: int
    options: int
    attributes: int


@lru_cache(maxsize=4096)
def arguments(
    access: int, share_access: int, disposition: int, options: int, attributes: int, unbuffered: bool
) -> OpenArguments:
    """A CREATE's numbers for NtCreateFile; `unbuffered`: ask for no caching where that can be asked for."""
    options &= ~(_NEVER_ON_THE_WIRE | _DROPPED)
    if unbuffered and access & DATA_ACCESS and not options & DIRECTORY_FILE:
        if access & FILE_GENERIC_WRITE == FILE_GENERIC_WRITE:
            access = access & ~FILE_GENERIC_WRITE | GENERIC_WRITE
        if not access & FILE_APPEND_DATA:
            options |= NO_INTERMEDIATE_BUFFERING
    return OpenArguments(access, share_access, disposition, options, attributes)


def open_loss(call: Open) -> str | None:
    """What of a CREATE's parameters NtCreateFile cannot say to a server, or None."""
    asked = call.create
    lost = []
    if asked.options & OPEN_BY_FILE_ID:
        lost.append("an open by file number is not tried: the number is the captured server's")
    if dropped := asked.options & _DROPPED:
        lost.append(f"options 0x{dropped:08x} are dropped")
    if asked.oplock or asked.lease_state:
        lost.append("the redirector asks for the oplock or lease that it chooses")
    return "; ".join(lost) or None
