"""Sizes of information classes ([MS-FSCC] 2.4, 2.5): what an answer needs, and whether it fits."""

from __future__ import annotations

from smbench.smb2.ntstatus import Status

# Class: the fixed part's size in bytes, and whether a name follows that may be cut.
_FILE_CLASSES = {
    4: (40, False), 5: (24, False), 6: (8, False), 7: (4, False), 8: (4, False), 9: (4, True),
    14: (8, False), 15: (0, False), 16: (4, False), 17: (4, False), 18: (100, True), 21: (4, True),
    22: (0, False), 23: (8, False), 24: (40, False), 25: (16, False), 28: (16, False), 34: (56, False),
    35: (8, False), 48: (4, True), 59: (24, False),
}  # fmt: skip
_FILE_SYSTEM_CLASSES = frozenset([1, 3, 4, 5, 6, 7, 8, 11])
NEEDS_READ_ATTRIBUTES = frozenset([4, 18, 28, 34, 35])

# Directory classes: the fixed part of an entry, before its name ([MS-FSCC] 2.4.8–2.4.32).
DIRECTORY_CLASSES = {1: 64, 2: 68, 3: 94, 12: 12, 37: 104, 38: 80, 60: 88, 63: 114}

_FORBIDDEN_IN_EA = frozenset('"*+,/:;<=>?[\\]|') | {chr(code) for code in range(32)}


def is_ea_name(name: str) -> bool:
    """Whether an extended attribute may have that name ([MS-FSCC] 2.4.16)."""
    return bool(name) and _FORBIDDEN_IN_EA.isdisjoint(name)


def file_information(level: int, output_length: int, name: str) -> Status:
    """How QUERY_INFO of a file's class ends; an `output_length` of 0 is not known."""
    known = _FILE_CLASSES.get(level)
    if known is None:
        return Status.INVALID_INFO_CLASS
    fixed, named = known
    if not output_length:
        return Status.SUCCESS
    if output_length < fixed:
        return Status.INFO_LENGTH_MISMATCH
    if named and output_length < fixed + 2 * len(name):
        return Status.BUFFER_OVERFLOW
    return Status.SUCCESS


def file_system_information(level: int) -> Status:
    return Status.SUCCESS if level in _FILE_SYSTEM_CLASSES else Status.INVALID_INFO_CLASS


def entries_that_fit(names: list[str], level: int, output_length: int) -> int:
    """How many directory entries one answer holds: each starts on 8 bytes; 0 of `output_length`: all."""
    if not output_length:
        return len(names)
    used = 0
    for count, name in enumerate(names):
        used = (used + 7 & ~7) + DIRECTORY_CLASSES[level] + 2 * len(name)
        if used > output_length:
            return count
    return len(names)
