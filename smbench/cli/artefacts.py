"""Directories that commands write: never over something else, never half."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from smbench.errors import SetupError, UsageError
from smbench.units import format_size

CAPACITY = "capacity.json"
"""The document of a search for the capacity; the folder that it stands in is whole, and has a run in each
of its folders."""


def default_output(source: Path, suffix: str) -> Path:
    """`capture.pcap` → `capture.workload` in the current folder."""
    return Path(source.name.split(".")[0] + suffix)


def claim(path: Path, suffix: str, marker: str, force: bool) -> None:
    """Check that `path` may be written: not there, or an earlier artefact that `force` allows to replace.

    `marker` is the file that tells an artefact of ours from a folder that somebody needs.
    """
    if not path.parent.is_dir():
        raise UsageError(f"cannot write {path}: the folder {path.parent} does not exist")
    if not os.access(path.parent, os.W_OK):
        raise UsageError(f"cannot write {path}: you may not write in {path.parent}; choose another with -o")
    if not path.exists() and not path.is_symlink():
        return
    if not (path / marker).is_file():
        raise UsageError(f"{path} exists and is no {suffix} directory: choose another name with -o")
    if not force:
        raise UsageError(f"{path} exists: choose another name with -o, or replace it with --force")


@contextlib.contextmanager
def whole(path: Path, suffix: str, marker: str, force: bool) -> Iterator[Path]:
    """A folder to write into that becomes `path` only when all of it is there."""
    claim(path, suffix, marker, force)
    draft = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
    try:
        yield draft
        draft.chmod(0o777 & ~_umask())
        if path.exists():
            shutil.rmtree(path)
        draft.rename(path)
    except BaseException as error:
        shutil.rmtree(draft, ignore_errors=True)
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise SetupError(
                f"no room left to write {path} ({os.strerror(error.errno)}): make some, or choose another "
                "place with -o"
            ) from error
        raise


def check_room(folder: Path, needed_bytes: int) -> None:
    """SetupError where what is to be written there would not fit: better known before it is measured."""
    free = shutil.disk_usage(folder).free
    if free < needed_bytes:
        raise SetupError(
            f"no room for the result: it may take {format_size(needed_bytes)}, and {folder} has "
            f"{format_size(free)} left: make some, or choose another place with -o"
        )


def _umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask
