"""Disks that are full: which one it is, in a sentence."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from smbench.errors import SetupError

_FULL = (errno.ENOSPC, errno.EDQUOT)


def cannot_write(
    folder: Path, what: str, number: int, said: str, instead: str = "choose another place with -o"
) -> SetupError:
    """Why `what` came to nothing in `folder`: an error of the system's, by its number and text; and what to
    do `instead`."""
    if number in _FULL:
        return SetupError(
            f"no room left on the disk at {_mounted(folder)} for {what} ({os.strerror(number)}): "
            f"make some, or {instead}"
        )
    return SetupError(f"cannot write {what} to the disk at {_mounted(folder)}: {said}")


def _mounted(path: Path) -> Path:
    """Where the disk is mounted that `path` is on."""
    path = path.resolve()
    return next((above for above in (path, *path.parents) if above.is_mount()), path)
