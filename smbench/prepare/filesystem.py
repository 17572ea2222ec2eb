"""What attributes and times there are to keep, whatever system keeps them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

READONLY = 0x1
HIDDEN = 0x2
NORMAL = 0x80
# [MS-FSCC] 2.6: what a client may set; the others (DIRECTORY, SPARSE, REPARSE, COMPRESSED, ENCRYPTED) are
# what a file is, not what it is told to be.
SETTABLE = READONLY | HIDDEN | 0x4 | 0x20 | 0x100 | 0x1000 | 0x2000
FIXED = 0x400 | 0x800 | 0x4000

EPOCH_FILETIME = 116_444_736_000_000_000
"""100 ns ticks from 1601 to 1970 ([MS-DTYP] 2.3.3)."""

Loss = Callable[[str], None]
"""Told, with a reason, of each thing that the file system cannot keep."""


@dataclass(frozen=True, slots=True)
class FileSystem:
    """What the target can keep; `cifs`: DOS attributes, creation times and streams."""

    cifs: bool


def filetime(time_ns: int | None) -> int:
    """A time since 1970 as FILETIME; 0 for None and for one that FILETIME has not."""
    ticks = 0 if time_ns is None else time_ns // 100 + EPOCH_FILETIME
    return ticks if 0 < ticks < 1 << 63 else 0
