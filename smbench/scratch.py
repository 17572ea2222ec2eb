"""Folders of this process alone, for as long as it lives, that say whose they are: a dead one's are found."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from smbench.errors import SetupError, UsageError
from smbench.owner import Owner, this_process
from smbench.stored import read_document, write_document

PREFIX = "smbench-"
"""How the names of all of them begin."""
OWNER = "owner.json"
_MEMORY = Path("/dev/shm")
_REMEDY = "remove the folder"


def make_scratch(prefix: str = PREFIX, folder: Path | None = None) -> Path:
    """A new folder in `folder` (None: where temporary files are); whoever makes it removes it."""
    made = Path(tempfile.mkdtemp(prefix=prefix, dir=folder))
    try:
        own(made)
    except BaseException:
        shutil.rmtree(made, ignore_errors=True)
        raise
    return made


@contextmanager
def scratch(prefix: str = PREFIX, folder: Path | None = None) -> Iterator[Path]:
    """A folder that is gone afterwards."""
    made = make_scratch(prefix, folder)
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


def own(folder: Path) -> None:
    """Say that a folder is this process's."""
    write_document(folder / OWNER, msgspec.to_builtins(this_process()))


def owner_of(folder: Path) -> Owner | None:
    """Whose a folder is; None where nothing says it, or not to us."""
    try:
        return read_document(folder / OWNER, Owner, _REMEDY)
    except (FileNotFoundError, NotADirectoryError, UsageError, SetupError):
        return None


def orphans() -> list[Path]:
    """The folders whose processes are dead, where this machine has scratch; of ours alone where we are not
    root."""
    places = dict.fromkeys((_MEMORY, Path(tempfile.gettempdir()), Path("/var/tmp")))
    found = []
    for place in places:
        for folder in sorted(place.glob(f"{PREFIX}*")):
            owner = owner_of(folder)
            if owner is not None and not owner.lives and _ours(folder):
                found.append(folder)
    return found


def _ours(folder: Path) -> bool:
    return not hasattr(os, "geteuid") or os.geteuid() in (0, folder.lstat().st_uid)
