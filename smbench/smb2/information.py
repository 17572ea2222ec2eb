"""Layouts of what information classes and file system controls carry ([MS-FSCC] 2.3, 2.4). Pure.

The numbers of SMB2's QUERY_INFO, SET_INFO, QUERY_DIRECTORY and IOCTL are those of NT's own calls, and so are
these layouts, but for names, which NT's calls take relative to a handle (`executors.win32.rename`).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Final

from smbench.smb2.constants import (
    BOTH_DIRECTORY,
    DACL_SECURITY_INFORMATION,
    DIRECTORY_INFORMATION,
    DISPOSITION_EX,
    FSCTL_SET_COMPRESSION,
    FSCTL_SET_INTEGRITY_INFORMATION,
    FULL_DIRECTORY,
    GROUP_SECURITY_INFORMATION,
    ID_BOTH_DIRECTORY,
    ID_EXTD_DIRECTORY,
    ID_FULL_DIRECTORY,
    LINK_EX,
    NAMES,
    OWNER_SECURITY_INFORMATION,
    RENAME_EX,
    RESUME_KEY_BYTES,
)
from smbench.smb2.filetime import filetime

_WITH_FLAGS: Final = frozenset((DISPOSITION_EX, RENAME_EX, LINK_EX))
COPY_RESPONSE_BYTES: Final = 12
LARGEST_CHUNK_BYTES: Final = 1 << 20
CHUNKS_A_CALL: Final = 16
"""What every server takes ([MS-SMB2] 3.3.3, ServerSideCopyMax…)."""
MOST_CHUNKS_A_CALL: Final = 256
MOST_BYTES_A_CALL: Final = 16 << 20
"""What Windows and Samba take, and the Linux client presumes (fs/smb/client/smb2ops.c)."""
RANGE_BYTES: Final = 16
CONTROL_INPUT: Final = {
    FSCTL_SET_INTEGRITY_INFORMATION: struct.pack("<HHI", 0xFFFF, 0, 0),
    FSCTL_SET_COMPRESSION: struct.pack("<H", 1),
}
"""What the Linux client sends with them: the checksums stay as they are, the default compression (2.3)."""
NAME_AT: Final[Mapping[int, int]] = {
    DIRECTORY_INFORMATION: 64, FULL_DIRECTORY: 68, BOTH_DIRECTORY: 94, NAMES: 12, ID_BOTH_DIRECTORY: 104,
    ID_FULL_DIRECTORY: 80, ID_EXTD_DIRECTORY: 88,
}  # fmt: skip
"""Where an entry's name begins, by directory information class ([MS-FSCC] 2.4)."""
DOTS: Final = (".", "..")
"""What most listings have of the directory itself and its parent: no entries of it."""
_DOTS = tuple(name.encode("utf-16-le") for name in DOTS)
SECURITY_PARTS: Final = OWNER_SECURITY_INFORMATION | GROUP_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION
"""What a query asks for that names no parts."""


def takes_flags(level: int) -> bool:
    """Whether a class has 32 bits of flags where an older one has a boolean, which the lowest bit is."""
    return level in _WITH_FLAGS


def basic_information(
    created_ns: int | None = None,
    accessed_ns: int | None = None,
    written_ns: int | None = None,
    changed_ns: int | None = None,
    attributes: int = 0,
) -> bytes:
    """FileBasicInformation; what is None or 0 stays as it is (2.4.7)."""
    times = [filetime(time) for time in (created_ns, accessed_ns, written_ns, changed_ns)]
    return struct.pack("<4QI4x", *times, attributes)


def name_information(replace: bool, name: str) -> bytes:
    """FileRenameInformation and FileLinkInformation (2.4.42, 2.4.27), and those with flags (Ex): a byte of
    its own or bit 0 of four bytes, replacing looks the same."""
    encoded = name.encode("utf-16-le", "surrogatepass")
    return struct.pack("<IIQI", replace, 0, 0, len(encoded)) + encoded


def disposition_information(delete: bool, level: int) -> bytes:
    """FileDispositionInformation, or with flags (2.4.11, 2.4.12: bit 0 is DELETE)."""
    return struct.pack("<I" if takes_flags(level) else "<B", delete)


def size_information(size: int) -> bytes:
    """FileEndOfFileInformation and FileAllocationInformation. OverflowError beyond 2^63."""
    if size >= 1 << 63:
        raise OverflowError(size)
    return struct.pack("<q", size)


def full_ea_information(name: str, value: bytes) -> bytes:
    """FILE_FULL_EA_INFORMATION with one entry (2.4.16); a name is bytes, read as Latin-1."""
    encoded = name.encode("latin-1")
    return struct.pack("<IBBH", 0, 0, len(encoded), len(value)) + encoded + b"\0" + value


def zero_data(offset: int, length: int) -> bytes:
    """FILE_ZERO_DATA_INFORMATION: from, and the first byte beyond."""
    return struct.pack("<QQ", offset, offset + length)


def byte_range(offset: int, length: int) -> bytes:
    """FILE_ALLOCATED_RANGE_BUFFER."""
    return struct.pack("<QQ", offset, length)


def copy_chunks(
    key: bytes, source_offset: int, offset: int, length: int, most: int = CHUNKS_A_CALL
) -> Iterator[bytes]:
    """SRV_COPYCHUNK_COPYs that together copy one range ([MS-SMB2] 2.2.31.1), of `most` chunks each."""
    return _chunk_lists(key, source_offset, offset, _pieces(length), most)


def chunks_of_shift(key: bytes, source: int, target: int, length: int) -> Iterator[bytes]:
    """SRV_COPYCHUNK_COPYs that move what comes after a range of a file, `length` bytes, as the Linux client
    lists them: upwards in pieces that do not overlap, the last one first."""
    if target < source:
        piece, some = LARGEST_CHUNK_BYTES, _pieces(length)
    else:
        piece = min(target - source, LARGEST_CHUNK_BYTES)
        some = ((max(end - piece, 0), min(piece, end)) for end in range(length, 0, -piece))
    most = min(MOST_BYTES_A_CALL // min(piece, length or 1), MOST_CHUNKS_A_CALL)
    return _chunk_lists(key, source, target, some, most)


def _pieces(length: int) -> Iterator[tuple[int, int]]:
    """Offset and length of each piece of a range that one chunk can copy."""
    return (
        (start, min(LARGEST_CHUNK_BYTES, length - start)) for start in range(0, length, LARGEST_CHUNK_BYTES)
    )


def _chunk_lists(
    key: bytes, source_offset: int, offset: int, some: Iterator[tuple[int, int]], most: int
) -> Iterator[bytes]:
    while listed := list(islice(some, most)):
        yield struct.pack("<24sI4x", key[:RESUME_KEY_BYTES], len(listed)) + b"".join(
            struct.pack("<QQI4x", source_offset + start, offset + start, size) for start, size in listed
        )


def count_entries(buffer: memoryview, used: int, level: int) -> int:
    """How many entries a directory query of a class wrote, without `.` and `..`: each begins with the
    distance to the next (2.4). Those of a class that is not known here are all counted."""
    count, place = 0, 0
    name_at = NAME_AT.get(level)
    while place + 4 <= used:
        (distance,) = struct.unpack_from("<I", buffer, place)
        count += name_at is None or not _is_dots(buffer, place, name_at, used)
        if not distance:
            break
        place += distance
    return count


def _is_dots(buffer: memoryview, place: int, name_at: int, used: int) -> bool:
    at = place + name_at
    length_at = place + (8 if name_at == NAME_AT[NAMES] else 60)
    if at > used:
        return False
    (length,) = struct.unpack_from("<I", buffer, length_at)
    return length <= 4 and bytes(buffer[at : min(at + length, used)]) in _DOTS
