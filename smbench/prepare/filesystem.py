"""What attributes and times there are to keep, whatever system keeps them."""

from __future__ import annotations

import errno
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from smbench.smb2.constants import (
    ATTRIBUTE_ARCHIVE,
    ATTRIBUTE_COMPRESSED,
    ATTRIBUTE_ENCRYPTED,
    ATTRIBUTE_HIDDEN,
    ATTRIBUTE_NOT_CONTENT_INDEXED,
    ATTRIBUTE_OFFLINE,
    ATTRIBUTE_READONLY,
    ATTRIBUTE_REPARSE_POINT,
    ATTRIBUTE_SYSTEM,
    ATTRIBUTE_TEMPORARY,
)

# What a client may set; the others are what a file is, not what it is told to be.
SETTABLE = (
    ATTRIBUTE_READONLY
    | ATTRIBUTE_HIDDEN
    | ATTRIBUTE_SYSTEM
    | ATTRIBUTE_ARCHIVE
    | ATTRIBUTE_TEMPORARY
    | ATTRIBUTE_OFFLINE
    | ATTRIBUTE_NOT_CONTENT_INDEXED
)
FIXED = ATTRIBUTE_REPARSE_POINT | ATTRIBUTE_COMPRESSED | ATTRIBUTE_ENCRYPTED

NAME_ERRORS = frozenset(
    {
        errno.ENOENT,
        errno.ENOTDIR,
        errno.ENAMETOOLONG,
        errno.EINVAL,
        errno.EILSEQ,
        errno.ELOOP,
        errno.EXDEV,
    }
)
"""How a file system, or `Beneath`, says that no file has such a name."""

EXCHANGED = "somebody exchanged it meanwhile"

Loss = Callable[[str], None]
"""Told, with a reason, of each thing that the file system cannot keep."""


class Made(NamedTuple):
    """Which file it is among all that its file system ever had: inodes are used again, times of birth are
    not. (A time of change moves with every write of a replay.)"""

    inode: int
    born_ns: int
    """0: the file system keeps none."""


@dataclass(frozen=True, slots=True)
class FileSystem:
    """What the target can keep; `cifs`: DOS attributes, creation times and streams; `local`: it tells its
    files apart for good (`Made`), and not as long as a mount lasts."""

    cifs: bool
    local: bool = False
