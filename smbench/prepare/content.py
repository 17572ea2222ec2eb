"""The bytes of prepared files: holes, or data that is seeded and does not compress."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterable
from enum import StrEnum
from hashlib import blake2b

import numpy

from smbench.units import format_size

CHUNK = 4 << 20
BLOCK = 64 << 10
"""Data is made in blocks of so many bytes, each by itself: a range has the bytes that the whole file would
have there."""
DEFAULT_MAX_BYTES = 10 << 30


class Content(StrEnum):
    AUTO = "auto"
    """Where the workload reads; the rest is holes."""
    FULL = "full"
    SPARSE = "sparse"


def fill(
    descriptor: int,
    path: str,
    size: int,
    ranges: Iterable[tuple[int, int]],
    seed: int,
    written: Callable[[int], None],
) -> None:
    """Give an empty file `size` bytes, data in the `ranges` (first byte, byte after the last; in order) and
    holes elsewhere; `written` hears of each chunk. Raises OSError, EFBIG where no file there can be so large.

    The data follows from the path, the seed and where it lies, so that no two files hold the same.
    """
    ranges = [(begin, end) for begin, end in ranges]
    if ranges != [(0, size)]:
        # First of all: that no file there can be so large is told here, and not by a place in it.
        _set_size(descriptor, size)
    seed_bytes = seed.to_bytes(8, "little", signed=True)
    key = int.from_bytes(blake2b(os.fsencode(path), digest_size=16, key=seed_bytes).digest(), "little")
    at = 0
    for begin, end in ranges:
        if begin != at:
            os.lseek(descriptor, begin, os.SEEK_SET)
        for place in range(begin, end, CHUNK):
            data = memoryview(_data(key, place, min(CHUNK, end - place)))
            while data:
                count = os.write(descriptor, data)
                data = data[count:]
                written(count)
        at = end


def _set_size(descriptor: int, size: int) -> None:
    try:
        os.ftruncate(descriptor, size)
    except (OSError, OverflowError) as error:
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            # Samba 4.17's answer (DISK_FULL) to a size that its file system has no files of, too.
            why = f"no room for a file of {format_size(size)}, or no file there can be as large"
            raise OSError(errno.ENOSPC, why) from error
        # A server may have another word for it ([MS-FSA] 2.1.5.15.5: INVALID_PARAMETER).
        if isinstance(error, OSError) and error.errno not in (errno.EINVAL, errno.EFBIG):
            raise
        raise OSError(errno.EFBIG, format_size(size)) from error


def _data(key: int, begin: int, length: int) -> bytes:
    """The data from `begin` on."""
    first, end = begin // BLOCK, begin + length
    # A key has 128 bits, and no file so many blocks that two keys would meet.
    blocks = (
        numpy.random.Generator(numpy.random.SFC64(key + at // BLOCK)).bytes(min(BLOCK, end - at))
        for at in range(first * BLOCK, end, BLOCK)
    )
    return b"".join(blocks)[begin - first * BLOCK :]
