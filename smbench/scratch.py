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
from smbench.stored import read_document

PREFIX = "smbench-"
"""How the names of all of them begin."""
OWNER = "owner.json"
_MEMORY = Path("/dev/shm")
_REMEDY = "remove the folder"
_KIND = "smbench"


class _Owned(Owner, frozen=True, kw_only=True):
    """owner.json: a file of that name which others made says nothing of ours."""

    kind: str


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
    """Say that a folder is this process's. FileExistsError where something in it says whose it is, or a link
    would lead elsewhere."""
    with (folder / OWNER).open("xb") as file:
        file.write(msgspec.json.encode({"kind": _KIND, **msgspec.to_builtins(this_process())}) + b"\n")


def owner_of(folder: Path) -> Owner | None:
    """Whose a folder is; None where nothing says it, or not to us, and for what only a link leads to."""
    try:
        found = None if folder.is_symlink() else read_document(folder / OWNER, _Owned, _REMEDY)
    except (FileNotFoundError, NotADirectoryError, UsageError, SetupError):
        return None
    return None if found is None or found.kind != _KIND else found


def orphans() -> list[Path]:
    """This user's folders whose processes are dead, where this machine has scratch."""
    places = dict.fromkeys((_MEMORY, Path(tempfile.gettempdir()), Path("/var/tmp")))
    found = []
    for place in places:
        for folder in sorted(place.glob(f"{PREFIX}*")):
            owner = owner_of(folder)
            if owner is not None and not owner.lives and _ours(folder):
                found.append(folder)
    return found


def _ours(folder: Path) -> bool:
    """Nobody else's; root has folders that it gave to the user whom tshark runs as, and reads no stranger's
    run, who could lead it astray by what is in there."""
    if not hasattr(os, "geteuid"):
        return True
    of_a_run = folder.name.startswith(f"{PREFIX}run-")
    return os.geteuid() == folder.lstat().st_uid or (os.geteuid() == 0 and not of_a_run)
