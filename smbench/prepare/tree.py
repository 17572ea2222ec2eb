"""Walking and removing what lies beneath a target; links are never followed, mounts never entered."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from smbench.prepare.system import Beneath, entries, make_writable

NAME_ERRORS = frozenset(
    {
        errno.ENOENT,
        errno.ENOTDIR,
        errno.ENAMETOOLONG,
        errno.EINVAL,
        errno.EILSEQ,
        errno.ELOOP,
        errno.EXDEV,
    }
)
"""How a file system, or `Beneath`, says that no file has such a name."""


@dataclass(frozen=True, slots=True)
class Found:
    """One name that is there."""

    path: str
    status: os.stat_result

    @property
    def is_directory(self) -> bool:
        return stat.S_ISDIR(self.status.st_mode)

    @property
    def is_file(self) -> bool:
        return stat.S_ISREG(self.status.st_mode)


def walk(beneath: Beneath, descend: Callable[[str], bool], folder: str = "") -> Iterator[Found]:
    """Everything in `folder`, parents first, and what is in those directories that `descend` agrees to."""
    device = beneath.stat("").st_dev
    waiting = [folder]
    while waiting:
        inside = waiting.pop()
        for name, status in entries(beneath, inside):
            if status is None:
                continue
            found = Found(f"{inside}/{name}" if inside else name, status)
            yield found
            if found.is_directory and status.st_dev == device and "\\" not in name and descend(found.path):
                waiting.append(found.path)


def names(beneath: Beneath, folder: str) -> list[str]:
    """What a directory lists, without `.` and `..`."""
    return [name for name, _ in entries(beneath, folder)]


def remove(beneath: Beneath, path: str) -> int:
    """Remove a file, or a directory with all in it; how many names went. Raises OSError.

    A name that is not there, or cannot be, is none.
    """
    try:
        status = beneath.stat(path)
    except OSError as error:
        if error.errno in NAME_ERRORS:
            return 0
        raise
    if not stat.S_ISDIR(status.st_mode):
        return _unlink(beneath, path)
    if status.st_dev != beneath.stat("").st_dev:
        raise OSError(errno.EXDEV, "another file system is mounted there", path)
    found = list(walk(beneath, lambda _: True, path))
    gone = 0
    for item in reversed(found):
        gone += _rmdir(beneath, item.path) if item.is_directory else _unlink(beneath, item.path)
    return gone + _rmdir(beneath, path)


def _unlink(beneath: Beneath, path: str) -> int:
    return _removed(beneath, path, beneath.unlink)


def _rmdir(beneath: Beneath, path: str) -> int:
    return _removed(beneath, path, beneath.rmdir)


def _removed(beneath: Beneath, path: str, how: Callable[[str], None]) -> int:
    try:
        how(path)
    except FileNotFoundError:
        return 0
    except PermissionError:
        # READONLY forbids removal on SMB ([MS-FSA] 2.1.5.1.2.1).
        make_writable(beneath, path)
        how(path)
    return 1
