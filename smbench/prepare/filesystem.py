"""What attributes and times there are to keep, whatever system keeps them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

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

Loss = Callable[[str], None]
"""Told, with a reason, of each thing that the file system cannot keep."""


@dataclass(frozen=True, slots=True)
class FileSystem:
    """What the target can keep; `cifs`: DOS attributes, creation times and streams."""

    cifs: bool
