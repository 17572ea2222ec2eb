"""Removing what lies beneath a target, by descriptors: of each directory its own, opened without a link.

What somebody exchanges meanwhile is looked at once more before it goes: names are removed only in a directory
that was looked at itself. Mounts are never entered.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from dataclasses import dataclass

from smbench.paths.beneath import Beneath
from smbench.prepare.attributes import make_writable
from smbench.prepare.filesystem import EXCHANGED, NAME_ERRORS, FileSystem
from smbench.prepare.ours import NotOursError, Ours
from smbench.prepare.statx import made_at

_DEEPEST = 300
"""Levels of directories: each one takes a descriptor, and no capture names as many."""
_DIRECTORY = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_CLOEXEC", 0)
_NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)


def remove(beneath: Beneath, path: str, system: FileSystem, ours: Ours) -> int:
    """Remove a file, or a directory with all in it, as far as it is `ours`; how many names went. Raises
    OSError where something stays, NotOursError where that is not ours.

    A name that is not there, or cannot be, is none.
    """
    try:
        beneath.stat(path)
    except OSError as error:
        if error.errno in NAME_ERRORS:
            return 0
        raise
    removal = _Removal(beneath.stat("").st_dev, system, ours)
    beneath.call(path, lambda fd, name: removal.one(fd, name, path))
    beneath.forget(path)
    if removal.left is not None:
        raise removal.left
    return removal.gone


@dataclass(slots=True)
class _Removal:
    device: int
    system: FileSystem
    ours: Ours
    gone: int = 0
    left: OSError | None = None
    """Why the first of those stays that do."""

    def one(self, directory: int, name: str, path: str, depth: int = 0) -> None:
        """A name in a directory, with all beneath it."""
        try:
            status = os.stat(name, dir_fd=directory, follow_symlinks=False)
            if status.st_dev != self.device:
                raise OSError(errno.EXDEV, "another file system is mounted there", path)
            if self.system.local and not self.ours.has(made_at(directory, name), status.st_uid):
                raise NotOursError(path)
            if stat.S_ISDIR(status.st_mode):
                self.beneath(directory, name, path, status, depth)
                self.removed(directory, name, lambda: os.rmdir(name, dir_fd=directory))
            else:
                self.removed(directory, name, lambda: os.unlink(name, dir_fd=directory))
        except FileNotFoundError:
            return
        except OSError as error:
            # In a directory that something stays in, that is why it stays itself.
            self.left = self.left or error

    def beneath(self, directory: int, name: str, path: str, status: os.stat_result, depth: int) -> None:
        if depth >= _DEEPEST:
            raise OSError(errno.ENAMETOOLONG, f"it holds more than {_DEEPEST} levels of folders", path)
        inside = os.open(name, _DIRECTORY | _NO_FOLLOW, dir_fd=directory)
        try:
            now = os.fstat(inside)
            if self.system.local and (now.st_dev, now.st_ino) != (status.st_dev, status.st_ino):
                raise OSError(errno.ESTALE, EXCHANGED, path)
            for each in sorted(os.listdir(inside)):  # noqa: PTH208 (a descriptor)
                self.one(inside, each, f"{path}/{each}", depth + 1)
        finally:
            os.close(inside)

    def removed(self, directory: int, name: str, how: Callable[[], None]) -> None:
        try:
            how()
        except PermissionError:
            if self.system.local:
                raise
            # READONLY forbids removal on SMB ([MS-FSA] 2.1.5.1.2.1).
            make_writable(directory, name)
            how()
        self.gone += 1
