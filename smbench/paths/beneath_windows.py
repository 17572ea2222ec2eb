r"""`beneath.Beneath` for Windows: the same methods, by Win32 calls on names that are taken literally.

A name behind `\\?\` is not translated: no `..`, no device, no trailing dot is lost. Directories that are
reparse points (junctions, symbolic links) are refused on the way, and the last component is not
followed. There is no call that does both at once, so that somebody who changes the target meanwhile may
be faster; the replay itself goes by NT calls that cannot be fooled (`executors.win32.files`).
"""

# ruff: noqa: PTH102, PTH106, PTH108, PTH116, PTH208 (a Path may change a name that is to be literal)

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from errno import EBUSY, EEXIST, EINVAL, ELOOP
from pathlib import Path

from smbench.paths.nt_names import NameRefusedError, extended_root, relative_name

_BINARY = getattr(os, "O_BINARY", 0) | getattr(os, "O_NOINHERIT", 0)
_REPARSE_POINT = stat.FILE_ATTRIBUTE_REPARSE_POINT


class Beneath:
    """Opens, makes, renames and removes names beneath `root`. OSError where the root is no directory."""

    def __init__(self, root: Path | str, *, captured: bool = True) -> None:
        self._captured = captured
        try:
            self._root = extended_root(str(Path(root).absolute())).rstrip("\\")
        except NameRefusedError as error:
            raise OSError(EINVAL, str(error)) from None
        if not stat.S_ISDIR(os.stat(self._root + "\\").st_mode):
            raise NotADirectoryError(EINVAL, "not a directory", str(root))
        self._safe = {""}
        """Directories that were looked at, and are no reparse points."""

    def inside(self, path: str) -> Beneath:
        """The names beneath a directory that is beneath this root itself, and no reparse point."""
        self._look(path)
        return Beneath(self.full(path), captured=self._captured)

    def full(self, path: str) -> str:
        """The name for Win32's calls. OSError for what no file beneath the root can be called."""
        try:
            name = relative_name(path, captured=self._captured)
        except NameRefusedError as error:
            raise OSError(EINVAL, str(error), path) from None
        self._look(path.rpartition("/")[0])
        return f"{self._root}\\{name}"

    def open(self, path: str, flags: int, mode: int = 0o666) -> int:
        """A descriptor of a file."""
        full = self.full(path)
        if not flags & os.O_EXCL:
            self._refuse_reparse_point(full, path)
        return os.open(full, flags | _BINARY, mode)

    def stat(self, path: str) -> os.stat_result:
        """What lstat says."""
        return os.lstat(self.full(path))

    def entries(self, folder: str) -> Iterator[tuple[str, os.stat_result | None]]:
        """What a directory lists, sorted, each with what lstat says; None where that cannot be asked."""
        full = self.full(folder)
        self._refuse_reparse_point(full, folder)
        below = full.rstrip("\\")  # the root's own name ends in one, and `\\?\` allows no two
        for name in sorted(os.listdir(full)):
            try:
                yield name, os.lstat(f"{below}\\{name}")
            except OSError:
                yield name, None

    def mkdir(self, path: str, mode: int = 0o777) -> None:
        os.mkdir(self.full(path), mode)

    def unlink(self, path: str) -> None:
        os.unlink(self.full(path))

    def rmdir(self, path: str) -> None:
        os.rmdir(self.full(path))
        self.forget(path)

    def rename(self, source: str, target: str, *, replace: bool = True) -> None:
        """Rename; with `replace` False an existing target is EEXIST."""
        if not source or not target:
            raise OSError(EBUSY, "the root of a target cannot be renamed")
        (os.replace if replace else os.rename)(self.full(source), self.full(target))
        self.forget(source)
        self.forget(target)

    def link(self, source: str, target: str) -> None:
        """A hard link; an existing target is EEXIST."""
        if os.path.lexists(self.full(target)):
            raise FileExistsError(EEXIST, os.strerror(EEXIST), target)
        os.link(self.full(source), self.full(target), follow_symlinks=False)

    def forget(self, path: str) -> None:
        """A directory, and all beneath it, is to be looked at again."""
        below = f"{path}/"
        self._safe = {known for known in self._safe if known != path and not known.startswith(below)}

    def close(self) -> None:
        """Nothing is held open."""

    def _look(self, folder: str) -> None:
        if folder in self._safe:
            return
        self._look(folder.rpartition("/")[0])
        self._refuse_reparse_point(f"{self._root}\\{relative_name(folder, captured=self._captured)}", folder)
        self._safe.add(folder)

    def _refuse_reparse_point(self, full: str, path: str) -> None:
        try:
            attributes = getattr(os.lstat(full), "st_file_attributes", 0)
        except OSError:
            return  # whoever needs it will be told
        if attributes & _REPARSE_POINT:
            raise OSError(ELOOP, "it is a link, and might lead out of the target", path)
