"""Directories that the steps write: never over something else, never half."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from smbench.errors import SetupError, UsageError
from smbench.identity import hand_over
from smbench.renaming import exchange, rename_new
from smbench.scratch import OWNER, forget_folder, make_scratch, own
from smbench.units import format_size

_THERE = (errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR, errno.EISDIR)
"""What rename(2) says where something appeared at its target."""


_CAPTURE = ".pcapng"


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
    if path.is_symlink():
        raise UsageError(f"{path} is a link: name the place itself with -o")
    if not path.exists():
        return
    if not (path / marker).is_file():
        raise UsageError(f"{path} exists and is no {suffix} directory: choose another name with -o")
    if not force:
        raise UsageError(f"{path} exists: choose another name with -o, or replace it with --force")


@contextlib.contextmanager
def whole(path: Path, suffix: str, marker: str, force: bool) -> Iterator[Path]:
    """A folder to write into that becomes `path` only when all of it is there."""
    before = identity_of(path)  # first: what is claimed then is what may be replaced
    claim(path, suffix, marker, force)
    try:
        draft = make_scratch(f".{path.name}.", path.parent)
    except OSError as error:
        _refuse_full(path, error)
        raise
    try:
        yield draft
        as_the_umask_has_it(draft)
        hand_over(draft)
        place = put(draft, path, before)
        remove_in(place, OWNER)
    except BaseException as error:
        shutil.rmtree(draft, ignore_errors=True)
        if isinstance(error, OSError):
            _refuse_full(path, error)
        raise
    if place != path:
        raise UsageError(f"{path} was made by somebody else meanwhile: the result is {place}")


def identity_of(path: Path) -> tuple[int, int] | None:
    """Which file or folder it is; None where there is none."""
    try:
        found = path.lstat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def put(draft: Path, output: Path, before: tuple[int, int] | None) -> Path:
    """Put a result into its place, where what was there `before` may be replaced; where somebody else put
    something there meanwhile, beside it. Where it is now comes back."""
    if before is not None and identity_of(output) == before and _replace(draft, output, before):
        return output
    for place in _free(output):
        if identity_of(place) is None:
            try:
                rename_new(draft, place)
            except OSError as error:
                if error.errno not in _THERE:
                    raise
            else:
                return place
    raise AssertionError("unreachable: names do not end")


def _replace(draft: Path, output: Path, before: tuple[int, int]) -> bool:
    """In one step, if the file system can: whoever ends us then finds the old one or the new one there. False
    where it was not what was there before, which then has its place again."""
    earlier = draft
    if not exchange(draft, output):
        earlier = output.parent / f".{output.name}.{os.getpid()}.replaced"
        output.rename(earlier)
        if identity_of(earlier) != before:
            rename_new(earlier, output)
            return False
        draft.rename(output)
    elif identity_of(draft) != before:
        exchange(draft, output)
        return False
    with contextlib.suppress(OSError):
        own(earlier)  # what is left of it, `smbench-mount clean` takes
    forget_folder(earlier)
    return True


def _free(output: Path) -> Iterator[Path]:
    yield output
    number = 1
    while True:
        number += 1
        yield output.with_name(f"{output.stem}-{number}{output.suffix}")


def _refuse_full(path: Path, error: OSError) -> None:
    """SetupError where a disk, or what its user may have of it, is full."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        raise SetupError(
            f"no room left to write {path} ({os.strerror(error.errno)}): make some, or choose another place "
            "with -o"
        ) from error


@contextlib.contextmanager
def for_caller(*paths: Path) -> Iterator[None]:
    """What is made at these paths, folders above them too, belongs to who called sudo; what was there
    keeps its owner."""
    made = {first for path in paths if (first := _first_missing(path)) is not None}
    yield
    for path in made:
        if path.exists():
            hand_over(path)


def _first_missing(path: Path) -> Path | None:
    """`path` or the highest folder above it that is not there; None where all is."""
    missing = [each for each in (path, *path.parents) if not each.exists()]
    return missing[-1] if missing else None


def check_room(folder: Path, needed_bytes: int) -> None:
    """SetupError where what is to be written there would not fit: better known before it is measured."""
    free = shutil.disk_usage(folder).free
    if free < needed_bytes:
        raise SetupError(
            f"no room for the result: it may take {format_size(needed_bytes)}, and {folder} has "
            f"{format_size(free)} left: make some, or choose another place with -o"
        )


def remove_in(folder: Path, *names: str) -> None:
    """Remove files of a folder, and of none that only a link leads to."""
    if sys.platform == "win32":
        for name in names:
            (folder / name).unlink()
        return
    with _opened(folder) as descriptor:
        for name in names:
            os.unlink(name, dir_fd=descriptor)


@contextlib.contextmanager
def _opened(folder: Path) -> Iterator[int]:
    """A folder's descriptor: its name may be another's by now."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def as_the_umask_has_it(folder: Path) -> None:
    """A folder that was the process's alone becomes as others that it makes; but what holds a capture of the
    wire, with names and data of everybody there, stays its owner's alone."""
    mask = os.umask(0o022)
    os.umask(mask)
    if sys.platform == "win32":
        return  # who may read it there is said by the folder that it is in
    with _opened(folder) as descriptor:
        names = os.listdir(descriptor)  # noqa: PTH208 (a descriptor)
        captures = [name for name in names if name.endswith(_CAPTURE)]
        for name in captures:
            os.chmod(name, 0o600, dir_fd=descriptor)
        os.fchmod(descriptor, 0o700 if captures else 0o777 & ~mask)
