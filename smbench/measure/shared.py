"""Memory that all processes of a run see: a mapped file, or on Windows a named section without a file."""

from __future__ import annotations

import mmap
import os
import stat
import sys
from pathlib import Path

from smbench.errors import UsageError

_SECTION = "Local\\smbench:"
"""In the session's own name space; the rest of a section's name has no backslash."""

_TO_READ = ("O_RDONLY", "O_BINARY", "O_CLOEXEC", "O_NOFOLLOW", "O_NONBLOCK")
"""Those of them that a system has."""


def share(path: Path, size: int) -> mmap.mmap:
    """`size` bytes, zero at first, the same for all who ask for the same path; made when they are not there.

    Raises OSError where there is no room. A section of Windows is gone with the last process that has
    it, a file stays for its folder's owner to remove: Windows removes none that is mapped.
    """
    if sys.platform == "win32":
        return mmap.mmap(-1, size, tagname=_SECTION + str(path).replace("\\", "/"))
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        # A hole that cannot be filled later would kill the worker that touches it.
        os.posix_fallocate(fd, 0, size)
        return mmap.mmap(fd, size)
    finally:
        os.close(fd)


def as_left(path: Path) -> mmap.mmap:
    """A file that `share` made, as it is, to be read alone: it is neither made nor changed, and no link is
    followed. UsageError where it is no ordinary file, or empty; OSError where it cannot be opened."""
    fd = os.open(path, sum(getattr(os, name, 0) for name in _TO_READ))
    try:
        found = os.fstat(fd)
        if not stat.S_ISREG(found.st_mode) or not found.st_size:
            raise UsageError(f"{path} is no file of a run")
        return mmap.mmap(fd, found.st_size, access=mmap.ACCESS_READ)
    finally:
        os.close(fd)
