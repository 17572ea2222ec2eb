"""Renames that take no place which is taken, and two names that change places: renameat2(2)."""

from __future__ import annotations

import ctypes
import os
import sys
from errno import EEXIST, EINVAL, ENOSYS
from typing import TypeAlias

_Path: TypeAlias = str | os.PathLike[str]
_NOREPLACE, _EXCHANGE = 1, 2
_HERE = -100
"""AT_FDCWD (fcntl.h)."""
_LACKING = (EINVAL, ENOSYS)
"""What a file system, or a kernel, says that has none of it."""

if sys.platform == "linux":
    _renameat2 = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
else:
    _renameat2 = None


def rename_new(source: _Path, target: _Path, source_fd: int = _HERE, target_fd: int = _HERE) -> None:
    """Rename, in two directories perhaps. FileExistsError where there is any target; OSError."""
    number = _called(source_fd, source, target_fd, target, _NOREPLACE)
    if number not in _LACKING:
        if number:
            raise OSError(number, os.strerror(number), target)
        return
    # Without RENAME_NOREPLACE: look first, which another process may overtake.
    directories = None if source_fd == _HERE else source_fd, None if target_fd == _HERE else target_fd
    try:
        os.stat(target, dir_fd=directories[1], follow_symlinks=False)
    except FileNotFoundError:
        os.rename(source, target, src_dir_fd=directories[0], dst_dir_fd=directories[1])
    else:
        raise OSError(EEXIST, os.strerror(EEXIST), target)


def exchange(one: _Path, other: _Path) -> bool:
    """Both change places in one step; False where the file system cannot do it. OSError."""
    number = _called(_HERE, one, _HERE, other, _EXCHANGE)
    if number and number not in _LACKING:
        raise OSError(number, os.strerror(number), other)
    return not number


def _called(source_fd: int, source: _Path, target_fd: int, target: _Path, flags: int) -> int:
    """0, or the error's number."""
    if _renameat2 is None:
        return ENOSYS
    done = _renameat2(source_fd, os.fsencode(source), target_fd, os.fsencode(target), flags)
    return ctypes.get_errno() if done else 0
