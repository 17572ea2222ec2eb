"""From a CREATE's numbers to open(2)'s flags, and what of them is lost on the way. Pure.

What the Linux client makes of flags stands in fs/smb/client/file.c and dir.c: an open asks for generic
access and ShareAccess 7; the disposition follows from O_CREAT, O_EXCL and O_TRUNC, save SUPERSEDE.

An open for attributes, DELETE or security only has no like in POSIX. In the `wire` profile it is
O_RDONLY, because that is the least that makes the client send a CREATE and a CLOSE; in `application`
it is O_PATH, which sends nothing, because an application that wants attributes opens nothing. A
directory's open sends nothing before its first use in either profile: the client opens it lazily.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from errno import EINVAL, EOPNOTSUPP
from functools import lru_cache

from smbench.executors.posix.client import Client
from smbench.paths.stream_names import is_stream
from smbench.smb2.constants import (
    ATTRIBUTE_ARCHIVE,
    ATTRIBUTE_DIRECTORY,
    ATTRIBUTE_NORMAL,
    ATTRIBUTE_READONLY,
    CREATE,
    DATA_ACCESS,
    DELETE,
    DELETE_ON_CLOSE,
    DIRECTORY_FILE,
    FILE_READ_ATTRIBUTES,
    FILE_READ_EA,
    FILE_WRITE_EA,
    GENERIC_READ,
    GENERIC_WRITE,
    LOOK_ONLY,
    MAXIMUM_ALLOWED,
    NO_INTERMEDIATE_BUFFERING,
    NON_DIRECTORY_FILE,
    OPEN,
    OPEN_BY_FILE_ID,
    OPEN_IF,
    OVERWRITE,
    OVERWRITE_IF,
    RANDOM_ACCESS,
    READS_DATA,
    SEQUENTIAL_ONLY,
    SHARE_ALL,
    SUPERSEDE,
    SYNCHRONOUS_IO_NONALERT,
    WRITE_THROUGH,
    WRITES_DATA,
)
from smbench.workload.calls import Open

# Where only these are asked for, nothing is done through the descriptor that O_PATH forbids.
_NAMES_ONLY = LOOK_ONLY | DELETE | FILE_READ_EA | FILE_WRITE_EA
_DISPOSITION_FLAGS = {
    SUPERSEDE: os.O_CREAT | os.O_TRUNC,
    OPEN: 0,
    CREATE: os.O_CREAT | os.O_EXCL,
    OPEN_IF: os.O_CREAT,
    OVERWRITE: os.O_TRUNC,
    OVERWRITE_IF: os.O_CREAT | os.O_TRUNC,
}
# What cifs.ko asks for, by O_RDONLY, O_WRONLY, O_RDWR (cifs_convert_flags, READ_ATTRIBUTES added).
_ACCESS_ON_THE_WIRE = {
    os.O_RDONLY: GENERIC_READ | FILE_READ_ATTRIBUTES,
    os.O_WRONLY: GENERIC_WRITE | FILE_READ_ATTRIBUTES,
    os.O_RDWR: GENERIC_READ | GENERIC_WRITE | FILE_READ_ATTRIBUTES,
}
_OPTIONS_KEPT = (
    DIRECTORY_FILE | WRITE_THROUGH | NO_INTERMEDIATE_BUFFERING | NON_DIRECTORY_FILE | DELETE_ON_CLOSE
    | SEQUENTIAL_ONLY | SYNCHRONOUS_IO_NONALERT | RANDOM_ACCESS  # hints to the opener's own system
)  # fmt: skip
_ATTRIBUTES_KEPT = ATTRIBUTE_READONLY | ATTRIBUTE_DIRECTORY | ATTRIBUTE_ARCHIVE | ATTRIBUTE_NORMAL


@dataclass(frozen=True, slots=True)
class OpenPlan:
    """How an open is carried out."""

    flags: int = 0
    mode: int = 0o666
    retry_flags: int | None = None
    """Flags for a second try where the first is refused (MAXIMUM_ALLOWED: what one gets)."""
    make_directory: bool = False
    must_be_new: bool = False
    refuse_directory: bool = False
    """open(2) would open a directory too, which NON_DIRECTORY_FILE forbids: look at what it was."""
    may_be_directory: bool = False
    """Whatever the capture knew of it: it would be opened all the same, and the client opens it late."""
    writable: bool = False
    delete_on_close: bool = False
    refused: int = 0
    """An errno: the combination cannot be asked for at all."""


@lru_cache(maxsize=4096)
def plan_open(
    access: int, disposition: int, options: int, attributes: int, directory: bool, client: Client,
    compound: bool = False,
) -> OpenPlan:  # fmt: skip
    """The plan for a CREATE's numbers; `directory`: what the capture says that it turned out to be,
    `compound`: it opened the file for one question or change, which the client sends with an open of its
    own."""
    if options & OPEN_BY_FILE_ID:
        return OpenPlan(refused=EOPNOTSUPP)
    both = DIRECTORY_FILE | NON_DIRECTORY_FILE
    if disposition not in _DISPOSITION_FLAGS or options & both == both:
        return OpenPlan(refused=EINVAL)
    delete_on_close = bool(options & DELETE_ON_CLOSE)
    if options & DIRECTORY_FILE:
        if disposition not in (OPEN, CREATE, OPEN_IF):
            return OpenPlan(refused=EINVAL)
        return OpenPlan(
            flags=os.O_RDONLY | os.O_DIRECTORY,
            make_directory=disposition != OPEN,
            must_be_new=disposition == CREATE,
            delete_on_close=delete_on_close,
        )
    if directory and disposition in (OPEN, OPEN_IF) and not options & NON_DIRECTORY_FILE:
        return OpenPlan(flags=os.O_RDONLY | os.O_DIRECTORY, delete_on_close=delete_on_close)
    mode, retry = _access_mode(access)
    flags = mode | _DISPOSITION_FLAGS[disposition]
    by_name = (client.compounds_by_name and compound and not access & DATA_ACCESS) or (
        client.names_without_opens and not access & ~_NAMES_ONLY
    )
    if disposition == OPEN and by_name:
        flags = os.O_PATH
    if client.keeps_open_options:
        flags |= os.O_SYNC if options & WRITE_THROUGH else 0
        flags |= os.O_DIRECT if options & NO_INTERMEDIATE_BUFFERING else 0
    return OpenPlan(
        flags=flags,
        mode=0o444 if attributes & ATTRIBUTE_READONLY else 0o666,
        retry_flags=None if retry is None else flags & ~os.O_ACCMODE | retry,
        refuse_directory=bool(options & NON_DIRECTORY_FILE) and not flags & (os.O_CREAT | os.O_ACCMODE),
        may_be_directory=client.opens_late
        and not (options & NON_DIRECTORY_FILE or flags & (os.O_CREAT | os.O_ACCMODE | os.O_PATH)),
        writable=mode != os.O_RDONLY,
        delete_on_close=delete_on_close,
    )


def _access_mode(access: int) -> tuple[int, int | None]:
    reads, writes = access & READS_DATA, access & WRITES_DATA
    if access & MAXIMUM_ALLOWED:
        # One bit asks for whatever the file allows; reading is the least that is of use.
        return os.O_RDWR, None if writes & ~MAXIMUM_ALLOWED else os.O_RDONLY
    if writes:
        return (os.O_RDWR if reads else os.O_WRONLY), None
    return os.O_RDONLY, None


def variants(flags: Sequence[int], creating: bool) -> list[int]:
    """All that can be put together of flags that keep an open from sharing another's SMB handle
    (`Client.own_handle_flags`), those of few first. O_EXCL is of that kind only without O_CREAT."""
    bits = [flag for flag in flags if not (creating and flag == os.O_EXCL)]
    return [
        sum(bit for place, bit in enumerate(bits) if number >> place & 1) for number in range(1 << len(bits))
    ]


def open_loss(call: Open) -> str | None:
    """What of a CREATE's parameters open(2) cannot say, or None."""
    asked = call.create
    return _open_loss(
        asked.access, asked.share_access, asked.disposition, asked.options, asked.attributes,
        is_stream(call.path), bool(asked.oplock or asked.lease_state),
    )  # fmt: skip


@lru_cache(maxsize=4096)
def _open_loss(
    access: int, share_access: int, disposition: int, options: int, attributes: int, stream: bool,
    oplock: bool,
) -> str | None:  # fmt: skip
    lost = []
    if share_access != SHARE_ALL:
        lost.append(f"share access {share_access} becomes 7 (the kernel's client shares everything)")
    if not options & DIRECTORY_FILE:
        asked = _ACCESS_ON_THE_WIRE[_access_mode(access)[0]]
        if access != asked:
            lost.append(f"access 0x{access:08x} becomes 0x{asked:08x}")
    if disposition == SUPERSEDE:
        lost.append("SUPERSEDE becomes OVERWRITE_IF")
    if attributes & ATTRIBUTE_READONLY and disposition in (SUPERSEDE, OVERWRITE, OVERWRITE_IF):
        lost.append("read-only holds for a new file, not for one that is emptied")
    if options & DELETE_ON_CLOSE:
        lost.append("delete on close becomes a removal just before the close")
    if dropped := options & ~_OPTIONS_KEPT:
        lost.append(f"options 0x{dropped:08x} are dropped")
    if dropped := attributes & ~_ATTRIBUTES_KEPT:
        lost.append(f"attributes 0x{dropped:08x} are dropped")
    if oplock:
        lost.append("the client asks for the oplock or lease that it chooses")
    if stream:
        lost.append("a stream needs a mount that does not map `:`, elsewhere it is a file of that name")
    return "; ".join(lost) or None
