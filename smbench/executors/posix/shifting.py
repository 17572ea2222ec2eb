"""Moving what is in a file, where the file system does it in whole blocks only, or not at all."""

from __future__ import annotations

import os
from errno import EINVAL

_PIECE = 1 << 20


def shift_data(fd: int, offset: int, length: int, *, insert: bool) -> None:
    """Take `length` bytes at `offset` out of an open file, or put as many zeros in. Only what lies within the
    file can be taken out, and only there can something be put in (fallocate(2)); else OSError, EINVAL."""
    size = os.fstat(fd).st_size
    if length <= 0 or offset + (0 if insert else length) >= size:
        raise OSError(EINVAL, os.strerror(EINVAL))
    if insert:
        os.ftruncate(fd, size + length)
        for at in reversed(range(offset, size, _PIECE)):
            _move(fd, at, at + length, min(_PIECE, size - at))
        for at in range(offset, offset + length, _PIECE):
            os.pwrite(fd, bytes(min(_PIECE, offset + length - at)), at)
        return
    for at in range(offset + length, size, _PIECE):
        _move(fd, at, at - length, min(_PIECE, size - at))
    os.ftruncate(fd, size - length)


def _move(fd: int, source: int, target: int, length: int) -> None:
    os.pwrite(fd, os.pread(fd, length, source), target)
