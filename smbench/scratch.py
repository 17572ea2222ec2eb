"""Folders of this process alone, for as long as it lives, that say whose they are: a dead one's are found."""

from __future__ import annotations

import errno
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec

from smbench.errors import SetupError, UsageError
from smbench.identity import sudo_caller
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


def remove_folder(folder: Path) -> None:
    """Remove a folder of ours whose process is dead, with all in it. OSError where its name leads to another
    one by now, or something stays."""
    if sys.platform == "win32":
        shutil.rmtree(folder)
        return
    above = os.open(folder.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        held = Path(f"/proc/self/fd/{above}" if sys.platform == "linux" else folder.parent, folder.name)
        owner = owner_of(held)
        if owner is None or owner.lives:
            raise OSError(errno.ESTALE, "it is another folder by now", str(folder))
        shutil.rmtree(folder.name, dir_fd=above)
    except RecursionError:
        raise OSError(errno.ELOOP, "it is nested too deep: remove it by hand", str(folder)) from None
    finally:
        os.close(above)


def forget_folder(folder: Path) -> None:
    """Remove what can be removed of a folder whose result is elsewhere."""
    with suppress(RecursionError):
        shutil.rmtree(folder, ignore_errors=True)


def ours(folder: Path) -> bool:
    """Whether a folder is there and this user's, or, of root, who called sudo's. No link is followed."""
    if not hasattr(os, "geteuid"):
        return True
    caller = sudo_caller()
    try:
        return folder.lstat().st_uid in (os.geteuid(), os.geteuid() if caller is None else caller.uid)
    except OSError:
        return False


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
    of_a_run = folder.name.startswith(f"{PREFIX}run-")
    return ours(folder) or (os.geteuid() == 0 and not of_a_run)
