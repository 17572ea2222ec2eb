"""What a directory holds, and how much room there is, as POSIX tells it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from smbench.paths.beneath import Beneath


def entries(beneath: Beneath, folder: str) -> Iterator[tuple[str, os.stat_result | None]]:
    """The names in a directory, each with what lstat says; None where it went, or cannot be asked for."""
    descriptor = beneath.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        # Sorted, so that one tree is always walked in one order.
        with os.scandir(descriptor) as found:
            names = sorted(entry.name for entry in found)
        statuses = [(name, _lstat(descriptor, name)) for name in names]
    finally:
        os.close(descriptor)
    yield from statuses


def _lstat(directory: int, name: str) -> os.stat_result | None:
    try:
        return os.stat(name, dir_fd=directory, follow_symlinks=False)
    except OSError:
        return None


def free_bytes(root: Path) -> int | None:
    """Room for an ordinary user; None where the server does not know (some tell 0 of 0 blocks)."""
    space = os.statvfs(root)
    return space.f_bavail * space.f_frsize if space.f_blocks else None
