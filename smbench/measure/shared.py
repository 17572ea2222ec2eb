"""Memory that all processes of a run see: a mapped file, or on Windows a named section without a file."""

from __future__ import annotations

import mmap
import os
import sys
from pathlib import Path

_SECTION = "Local\\smbench:"
"""In the session's own name space; the rest of a section's name has no backslash."""


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
