"""Names, directories and room on Windows, where nothing has to be made to forget what it knew."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from smbench.paths.beneath_windows import Beneath
from smbench.prepare.filesystem import Made


def beneath_roots(root: Path, _streams: Path | None, *, captured: bool = True) -> Beneath:
    """The names beneath a root, streams among them."""
    return Beneath(root, captured=captured)


def lstat(beneath: Beneath, path: str) -> os.stat_result:
    """What is so now, as far as the redirector's caches (`mounts.windows_caches`) let it be seen."""
    return beneath.stat(path)


def made_of(_beneath: Beneath, _path: str) -> Made:
    """Nobody asks where no file system is called local."""
    return Made(0, 0)


def made_by(_descriptor: int) -> Made:
    """As `made_of`."""
    return Made(0, 0)


def fresh_folder(_beneath: Beneath, _path: str, _began_ns: int) -> Made:
    """As `made_of`."""
    return Made(0, 0)


def make_folder(target: Beneath, name: str, _owner: tuple[int, int] | None) -> Beneath:
    """What is beneath a folder in the target, which is made where it is not there."""
    with suppress(FileExistsError):
        target.mkdir(name)
    return target.inside(name)


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
