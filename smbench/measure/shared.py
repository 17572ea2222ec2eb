"""Memory that all processes of a run see: a mapped file, or on Windows a named section without a file."""

from __future__ import annotations

import mmap
import os
import sys
from pathlib import Path

from smbench.errors import UsageError
from smbench.stored import open_stored, size_of

_SECTION = "Local\\smbench:"
"""In the session's own name space; the rest of a section's name has no backslash."""
_REMEDY = "what was recorded there cannot be read any more"


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
    followed. UsageError where it is no ordinary file, or empty; FileNotFoundError where there is none."""
    with open_stored(path, _REMEDY) as file:
        if not size_of(file):
            raise UsageError(f"{path} is empty: {_REMEDY}")
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
