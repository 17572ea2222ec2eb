"""Names, directories and room on Windows, where nothing has to be made to forget what it knew."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from smbench.paths.beneath_windows import Beneath


def beneath_roots(root: Path, _streams: Path | None) -> Beneath:
    """The names beneath a root, streams among them."""
    return Beneath(root)


def lstat(beneath: Beneath, path: str) -> os.stat_result:
    """What is so now, as far as the redirector's caches (`mounts.windows_caches`) let it be seen."""
    return beneath.stat(path)


def forget_if_gone(_beneath: Beneath, _path: str) -> bool:
    """False: a name that is there is there, the server is asked."""
    return False


def entries(beneath: Beneath, folder: str) -> Iterator[tuple[str, os.stat_result | None]]:
    """The names in a directory, each with what lstat says; None where it went, or cannot be asked for."""
    return beneath.entries(folder)


def free_bytes(root: Path) -> int | None:
    """Room for whoever runs this; None where the server does not know."""
    space = shutil.disk_usage(root)
    return space.free if space.total else None
