"""Names from a capture are hostile: every path resolves beneath one directory, or not at all.

A `Beneath` holds a root directory and resolves parents with openat2(RESOLVE_BENEATH |
RESOLVE_NO_MAGICLINKS) where the kernel has it (Linux 5.6), else component by component with
O_NOFOLLOW. Two differences remain, both on the safe side: without openat2 a directory that is a
symbolic link is refused even if it points inside; and the last component is never followed, by
either way. What leaves the root raises OSError with EXDEV or ELOOP (openat2), ENOTDIR (without it).

The root itself is opened through no link at all: whoever names one has resolved it once, and what stands
there later in its place is somebody else's. A directory in it that is to be a root of its own is opened
from its descriptor (`inside`).

Links beneath the root are part of what a workload works on, and followed where they stay beneath it; names
that are this program's own (`own_names`) are none of a workload's. For this program's own work (`captured`
False) it is the other way round: it follows no link, and may name what is its own.

Parents are cached as O_PATH descriptors, so that a call costs one look-up and one system call. A
parent that this object renames or removes is dropped; one that another process replaced is noticed
when a name below it is not found, and resolved anew. (A directory that another process renamed and
that still answers stays known by its old name until then, as it does to a mount's own name cache.)
"""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Callable
from errno import EBUSY, EILSEQ, EINVAL, ENOSYS, EPERM, EXDEV
from pathlib import Path
from threading import Lock
from typing import TypeVar

from smbench.paths import openat2 as kernels
from smbench.paths.openat2 import BENEATH, DIRECTORY, NO_MAGICLINKS, NO_SYMLINKS, O_PATH
from smbench.paths.own_names import REFUSED, WHY, is_own
from smbench.quoting import quoted
from smbench.renaming import rename_new

_HERE = -100  # AT_FDCWD (fcntl.h)
_LAST_FLAGS = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)

Result = TypeVar("Result")


class UnsafePathError(OSError):
    """A path that no file beneath a root can have.

    `errno` is EINVAL (`..`, `.`, an absolute path, an empty component, NUL, a backslash: what a
    server calls OBJECT_NAME_INVALID), EILSEQ (a name that the file system's encoding cannot spell), or
    ENOTNAM (`own_names`).
    """

    def __init__(self, path: str, why: str, number: int = EINVAL) -> None:
        super().__init__(number, f"the path {quoted(path)} is refused: {why}")


def split(path: str, *, captured: bool = True) -> tuple[str, ...]:
    """A path's components (`""`: none, the root itself), or UnsafePathError."""
    if not path:
        return ()
    components = tuple(path.split("/"))
    for component in components:
        _check(path, component, captured)
    return components


def _check(path: str, component: str, captured: bool) -> None:
    if component in ("", ".", ".."):
        raise UnsafePathError(path, f"it has the component {quoted(component)}")
    if "\0" in component or "\\" in component:
        raise UnsafePathError(path, "a component holds NUL or a backslash")
    if captured and is_own(component):
        raise UnsafePathError(path, WHY, REFUSED)
    if not component.isascii():
        try:
            os.fsencode(component)
        except UnicodeEncodeError as error:
            raise UnsafePathError(path, "its characters cannot be encoded", EILSEQ) from error


class Directory:
    """An open O_PATH descriptor of a directory, closed when the last one who uses it lets go.

    Keep the object, not the number: a number alone may be closed, and mean another file, between
    two threads.
    """

    __slots__ = ("fd",)

    def __init__(self, fd: int) -> None:
        self.fd = fd

    def __del__(self) -> None:
        os.close(self.fd)


class Beneath:
    """Opens, makes, renames and removes names beneath `root`. Safe to use from several threads.

    `captured`: its names are a capture's; `directories` bounds the cached parents; `openat2` False takes the
    component-wise way even where the kernel has the system call. Raises OSError where the root is no
    directory, or one that only a link leads to (ELOOP, ENOTDIR).
    """

    def __init__(
        self,
        root: Path | str | Directory,
        *,
        captured: bool = True,
        directories: int = 1024,
        openat2: bool | None = None,
    ) -> None:
        self.root = root if isinstance(root, Directory) else _opened(root)
        self.uses_openat2 = kernels.is_there(self.root.fd) if openat2 is None else openat2
        self.captured = captured
        self._resolve_by = BENEATH | NO_MAGICLINKS | (0 if captured else NO_SYMLINKS)
        self._link = _name_of(self.root.fd).rstrip("/")
        self._limit = max(1, directories)
        self._parents: OrderedDict[str, Directory] = OrderedDict()
        self._pinned: OrderedDict[str, Directory] = OrderedDict()
        self._lock = Lock()

    def inside(self, path: str) -> Beneath:
        """The names beneath a directory that is beneath this root itself. OSError where there is none, or a
        link stands in its place."""
        root = Directory(self.open(path, DIRECTORY))
        return Beneath(root, captured=self.captured, directories=self._limit, openat2=self.uses_openat2)

    def locate(self, path: str) -> tuple[Directory, str]:
        """The directory that holds a path's last component, and that component (`.` for the root)."""
        parent, _, name = path.rpartition("/")
        if parent:
            try:
                directory = self._parents[parent]
                self._parents.move_to_end(parent)
            except KeyError:
                directory = self._resolve(parent)
        elif not path:
            return self.root, "."
        elif path[0] == "/":
            raise UnsafePathError(path, "it is absolute")
        else:
            directory = self.root
        _check(path, name, self.captured)
        return directory, name

    def open(self, path: str, flags: int, mode: int = 0o666) -> int:
        """A descriptor of a file or directory; O_NOFOLLOW and O_CLOEXEC are always set."""
        return self.call(path, lambda fd, name: os.open(name, flags | _LAST_FLAGS, mode, dir_fd=fd))

    def stat(self, path: str) -> os.stat_result:
        """What lstat says."""
        return self.call(path, lambda fd, name: os.stat(name, dir_fd=fd, follow_symlinks=False))

    def mkdir(self, path: str, mode: int = 0o777) -> None:
        self.call(path, lambda fd, name: os.mkdir(name, mode, dir_fd=fd))

    def unlink(self, path: str) -> None:
        self.call(path, lambda fd, name: os.unlink(name, dir_fd=fd))

    def rmdir(self, path: str) -> None:
        self.call(path, lambda fd, name: os.rmdir(name, dir_fd=fd))
        self.forget(path)

    def rename(self, source: str, target: str, *, replace: bool = True) -> None:
        """Rename; with `replace` False an existing target is EEXIST."""
        if not source or not target:
            raise OSError(EBUSY, "the root of a target cannot be renamed")

        def to_target(source_fd: int, source_name: str) -> None:
            self.call(target, lambda fd, name: _rename(source_fd, source_name, fd, name, replace))

        self.call(source, to_target)
        self.forget(source)
        self.forget(target)

    def link(self, source: str, target: str) -> None:
        """A hard link; an existing target is EEXIST."""

        def to_target(source_fd: int, source_name: str) -> None:
            self.call(
                target,
                lambda fd, name: os.link(
                    source_name, name, src_dir_fd=source_fd, dst_dir_fd=fd, follow_symlinks=False
                ),
            )

        self.call(source, to_target)

    def pin(self, path: str, fd: int | None = None) -> None:
        """Keep what a path names, so that `pinned` finds it; `fd`: it is open there already."""
        if path in self._pinned or path in self._parents:
            return
        if fd is None:
            held = self.open(path, O_PATH)
        else:
            held = os.open(f"/proc/self/fd/{fd}", O_PATH | os.O_CLOEXEC)
        with self._lock:
            self._pinned[path] = Directory(held)
            if len(self._pinned) > self._limit:
                self._pinned.popitem(last=False)

    def pinned(self, path: str) -> Directory | None:
        """What was pinned at a path, or cached as a parent, where it still has that name here; asks nothing
        of the file system. Calls on its descriptor walk no path."""
        held = self._pinned.get(path) or self._parents.get(path)
        if held is None or _name_of(held.fd) == f"{self._link}/{path}":
            return held
        self.unpin(path)
        return None

    def unpin(self, path: str) -> None:
        """Let go of what was pinned at a path."""
        with self._lock:
            self._pinned.pop(path, None)

    def forget(self, path: str) -> None:
        """Drop a directory, and all beneath it, from the cached parents."""
        below = f"{path}/"
        with self._lock:
            # A copy made at once: other threads look up, and so reorder, without the lock.
            for parent in list(self._parents):
                if parent == path or parent.startswith(below):
                    del self._parents[parent]

    def close(self) -> None:
        """Let go of the cached parents; descriptors close as soon as no call uses them."""
        with self._lock:
            self._parents.clear()
            self._pinned.clear()

    def call(self, path: str, action: Callable[[int, str], Result]) -> Result:
        """`action(directory descriptor, last component)`, once more where a cached parent was stale."""
        directory, name = self.locate(path)
        try:
            return action(directory.fd, name)
        except FileNotFoundError:
            parent = path.rpartition("/")[0]
            if not parent or not self._stale(parent, directory):
                raise
        directory, name = self.locate(path)
        return action(directory.fd, name)

    def _stale(self, parent: str, directory: Directory) -> bool:
        """Whether a cached directory is no longer what its path names; it is then dropped.

        The kernel's own name for a descriptor is read, which asks nothing of the file system.
        """
        if _name_of(directory.fd) == f"{self._link}/{parent}":
            return False
        self.forget(parent)
        return True

    def _resolve(self, parent: str) -> Directory:
        split(parent, captured=self.captured)
        # From the nearest directory that is known: what lies above it is not walked, nor asked about.
        above, rest, known = parent, "", None
        while above and known is None:
            above, _, name = above.rpartition("/")
            rest = f"{name}/{rest}" if rest else name
            known = self._parents.get(above)
        try:
            fd = self._descend(self.root if known is None else known, rest)
        except OSError as error:
            # It may have been renamed meanwhile; a link may lead to above it, and still beneath the root.
            if known is None or not (error.errno == EXDEV or self._stale(above, known)):
                raise
            fd = self._descend(self.root, parent)
        directory = Directory(fd)
        with self._lock:
            self._parents[parent] = directory
            if len(self._parents) > self._limit:
                self._parents.popitem(last=False)
        return directory

    def _descend(self, start: Directory, path: str) -> int:
        if self.uses_openat2:
            return kernels.open_directory(start.fd, path, self._resolve_by)
        return kernels.walk(start.fd, path)


def _opened(root: Path | str) -> Directory:
    """A root by its name, which leads through no link."""
    name = os.fspath(root)
    try:
        return Directory(kernels.open_directory(_HERE, name, NO_SYMLINKS))
    except OSError as error:
        if error.errno not in (ENOSYS, EPERM):
            raise
    return Directory(kernels.walk(None, name))


def _name_of(fd: int) -> str:
    """The path that the kernel has for a descriptor; none where /proc is not mounted."""
    try:
        return os.readlink(f"/proc/self/fd/{fd}")  # noqa: PTH115 (Path costs ten times as much)
    except OSError:
        return ""


def _rename(source_fd: int, source: str, target_fd: int, target: str, replace: bool) -> None:
    if replace:
        os.rename(source, target, src_dir_fd=source_fd, dst_dir_fd=target_fd)
    else:
        rename_new(source, target, source_fd, target_fd)
