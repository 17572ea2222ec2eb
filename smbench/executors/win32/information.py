"""Information classes, file system controls and the layouts of what they carry ([MS-FSCC] 2.3 to 2.5). Pure.

The numbers of SMB2's QUERY_INFO, SET_INFO and QUERY_DIRECTORY are those of NT's own calls.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

FILE_INFORMATION, FILE_SYSTEM_INFORMATION, SECURITY_INFORMATION, QUOTA_INFORMATION = 1, 2, 3, 4
"""The kinds of information that a QUERY_INFO asks for ([MS-SMB2] 2.2.37)."""

FILE_BASIC = 4
FILE_FULL_EA = 15
FILE_ALLOCATION = 19
FILE_END_OF_FILE = 20
_WITH_FLAGS = frozenset((64, 65, 72))
"""FileDispositionInformationEx, FileRenameInformationEx, FileLinkInformationEx: 32 bits of flags come first,
of which the lowest means what the boolean of the older class does."""

FSCTL_SET_SPARSE = 0x000900C4
FSCTL_SET_ZERO_DATA = 0x000980C8
FSCTL_QUERY_ALLOCATED_RANGES = 0x000940CF
FSCTL_SRV_REQUEST_RESUME_KEY = 0x00140078
FSCTL_SRV_COPYCHUNK = 0x001440F2
FSCTL_SRV_COPYCHUNK_WRITE = 0x001480F2

RESUME_KEY_BYTES = 32
"""SRV_REQUEST_RESUME_KEY: the key itself is its first 24."""
COPY_RESPONSE_BYTES = 12
LARGEST_CHUNK_BYTES = 1 << 20
CHUNKS_A_CALL = 16
"""What every server takes ([MS-SMB2] 3.3.3, ServerSideCopyMax…)."""
RANGE_BYTES = 16

SECURITY_PARTS = 0x7
"""Owner, group and DACL: what a query asks for that names no parts ([MS-DTYP] 2.4.7)."""

# FILETIME counts 100 ns since 1601 ([MS-DTYP] 2.3.3).
_FILETIME_OF_1970 = 116444736000000000
_LARGEST_FILETIME = (1 << 63) - 1


def filetime(nanoseconds: int | None) -> int:
    """A time since 1970 as FILETIME; 0, which leaves a time as it is, for None and for what has none."""
    if nanoseconds is None:
        return 0
    return min(max(nanoseconds // 100 + _FILETIME_OF_1970, 0), _LARGEST_FILETIME)


def basic_information(
    created_ns: int | None = None,
    accessed_ns: int | None = None,
    written_ns: int | None = None,
    changed_ns: int | None = None,
    attributes: int = 0,
) -> bytes:
    """FILE_BASIC_INFORMATION; what is None or 0 stays as it is ([MS-FSCC] 2.4.7)."""
    times = [filetime(time) for time in (created_ns, accessed_ns, written_ns, changed_ns)]
    return struct.pack("<4QI4x", *times, attributes)


def takes_flags(level: int) -> bool:
    """Whether a class has flags where an older one has a boolean."""
    return level in _WITH_FLAGS


def rename_information(replace: bool, root: int, name: str, level: int = 10) -> bytes:
    """FILE_RENAME_INFORMATION and FILE_LINK_INFORMATION (ntifs.h), for a name relative to `root`'s handle."""
    encoded = name.encode("utf-16-le", "surrogatepass")
    head = struct.pack("@IPI" if level in _WITH_FLAGS else "@BPI", replace, root, len(encoded))
    # A name of one letter is shorter than the structure's own end, and the I/O manager wants all of that.
    return (head + encoded).ljust(struct.calcsize("@BPIH0P"), b"\0")


def disposition_information(delete: bool, level: int = 13) -> bytes:
    """FILE_DISPOSITION_INFORMATION and FILE_DISPOSITION_INFORMATION_EX."""
    return struct.pack("<I" if level in _WITH_FLAGS else "<B", delete)


def size_information(size: int) -> bytes:
    """FILE_END_OF_FILE_INFORMATION and FILE_ALLOCATION_INFORMATION. OverflowError beyond 2^63."""
    if size >= 1 << 63:
        raise OverflowError(size)
    return struct.pack("<q", size)


def zero_data(offset: int, length: int) -> bytes:
    """FILE_ZERO_DATA_INFORMATION: from, and the first byte beyond."""
    return struct.pack("<QQ", offset, offset + length)


def byte_range(offset: int, length: int) -> bytes:
    """FILE_ALLOCATED_RANGE_BUFFER."""
    return struct.pack("<QQ", offset, length)


def copy_chunks(key: bytes, source_offset: int, offset: int, length: int) -> Iterator[bytes]:
    """SRV_COPYCHUNK_COPYs that together copy one range ([MS-SMB2] 2.2.31.1)."""
    chunks = []
    for start in range(0, length, LARGEST_CHUNK_BYTES):
        size = min(LARGEST_CHUNK_BYTES, length - start)
        chunks.append(struct.pack("<QQI4x", source_offset + start, offset + start, size))
    for first in range(0, len(chunks), CHUNKS_A_CALL):
        some = chunks[first : first + CHUNKS_A_CALL]
        yield struct.pack("<24sI4x", key[:24], len(some)) + b"".join(some)


def count_entries(buffer: memoryview, used: int) -> int:
    """How many entries a directory query wrote: each begins with the distance to the next ([MS-FSCC] 2.4)."""
    count, place = 0, 0
    while place + 4 <= used:
        count += 1
        (distance,) = struct.unpack_from("<I", buffer, place)
        if not distance:
            break
        place += distance
    return count
