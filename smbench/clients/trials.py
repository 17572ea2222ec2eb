"""The calls that an executor of Linux can choose from, each alone: what a calibration lets the client do.

A trial is a generator over a folder of its own: it prepares, yields the call, and tidies up. The file `a`
(8 KiB) is there, known to the client and closed.
"""

from __future__ import annotations

import fcntl
import os
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from smbench.executors.posix import linux_calls
from smbench.smb2.constants import FSCTL_SET_COMPRESSION, FSCTL_SRV_ENUMERATE_SNAPSHOTS

Called = Iterator[Callable[[], object]]
Trial = Callable[[Path], Called]

A_BYTES = 8192
_WHEN_NS = 1_600_000_000 * 10**9
_DOS_HIDDEN = (0x22).to_bytes(4, "little")
TRIALS: dict[str, Trial] = {}
"""By what a client profile calls them, in the order in which they are made."""


def _trial(name: str) -> Callable[[Trial], Trial]:
    def add(trial: Trial) -> Trial:
        TRIALS[name] = trial
        return trial

    return add


@contextmanager
def _opened(path: Path, flags: int = os.O_RDWR) -> Iterator[int]:
    fd = os.open(path, flags, 0o644)
    try:
        yield fd
    finally:
        os.close(fd)


def _opens(name: str, flags: int, file: str = "a") -> None:
    @_trial(name)
    def opens(folder: Path) -> Called:
        opened: list[int] = []
        yield lambda: opened.append(os.open(folder / file, flags, 0o644))
        for fd in opened:
            os.close(fd)


def _opens_again(name: str, flags: int) -> None:
    @_trial(f"open again {name}")
    def opens_again(folder: Path) -> Called:
        with _opened(folder / "a", os.O_RDONLY):
            opened: list[int] = []
            yield lambda: opened.append(os.open(folder / "a", os.O_RDONLY | flags))
            for fd in opened:
                os.close(fd)


def _on_open(name: str, call: Callable[[int], object]) -> None:
    """A call on a file that is open to read and write."""

    @_trial(name)
    def on_open(folder: Path) -> Called:
        with _opened(folder / "a") as fd:
            yield lambda: call(fd)


def _by_name(name: str, call: Callable[[Path], object]) -> None:
    """A call by the name of a file that nobody has open."""

    @_trial(name)
    def by_name(folder: Path) -> Called:
        yield lambda: call(folder / "a")


def _range_lock(kind: int) -> Callable[[int], object]:
    # struct flock of 64 bits: l_type, l_whence, l_start, l_len, l_pid.
    return lambda fd: fcntl.fcntl(fd, fcntl.F_OFD_SETLK, struct.pack("hhqqi4x", kind, os.SEEK_SET, 0, 10, 0))


_opens("open to read", os.O_RDONLY)
_opens("open to write", os.O_WRONLY)
_opens("open to read and write", os.O_RDWR)
_opens("open with O_TRUNC", os.O_RDWR | os.O_TRUNC)
_opens("open with O_CREAT what is there", os.O_RDWR | os.O_CREAT)
_opens("open with O_CREAT and O_EXCL what is not there", os.O_RDWR | os.O_CREAT | os.O_EXCL, "new")
_opens("open with O_CREAT and O_EXCL what is there", os.O_RDWR | os.O_CREAT | os.O_EXCL)
_opens("open what is not there", os.O_RDONLY, "nothing")
_opens("open with O_DIRECT", os.O_RDONLY | os.O_DIRECT)
_opens("open a folder", os.O_RDONLY | os.O_DIRECTORY, ".")
for _name in ("O_NONBLOCK", "O_NOCTTY", "O_ASYNC", "O_EXCL", "O_NOATIME", "O_SYNC", "O_DIRECT"):
    _opens_again(f"with {_name}", getattr(os, _name))
_opens_again("with the same flags", 0)


@_trial("close")
def _close(folder: Path) -> Called:
    fd = os.open(folder / "a", os.O_RDONLY)
    yield lambda: os.close(fd)


_by_name("stat", os.stat)
_by_name("statx, forced", lambda path: linux_calls.statx_forced(-100, str(path)))
_by_name("statvfs", os.statvfs)
_by_name("truncate to less", lambda path: os.truncate(path, 100))
_by_name("truncate to more", lambda path: os.truncate(path, 2 * A_BYTES))
_by_name("utimensat", lambda path: os.utime(path, ns=(_WHEN_NS, _WHEN_NS)))
_by_name("chmod to read only", lambda path: path.chmod(0o444))
_by_name("setxattr", lambda path: os.setxattr(path, "user.x", b"1"))
_by_name("getxattr", lambda path: os.getxattr(path, "user.x"))
_by_name("listxattr", os.listxattr)
_by_name("getxattr system.cifs_acl", lambda path: os.getxattr(path, "system.cifs_acl"))
_by_name("setxattr user.cifs.dosattrib", lambda path: os.setxattr(path, "user.cifs.dosattrib", _DOS_HIDDEN))
_by_name("link", lambda path: os.link(path, path.with_name("linked")))
_by_name("symlink", lambda path: path.with_name("soft").symlink_to("a"))
_by_name("rename", lambda path: path.rename(path.with_name("b")))
_by_name("unlink", os.unlink)
_by_name("mkdir", lambda path: path.with_name("folder").mkdir())

_on_open("fstat", os.fstat)
_on_open("fstat, forced", linux_calls.fstatx_forced)
_on_open("pread", lambda fd: os.pread(fd, 1000, 33))
_on_open("pread beyond the end", lambda fd: os.pread(fd, 1000, 2 * A_BYTES))
_on_open("pwrite", lambda fd: os.pwrite(fd, b"x" * 100, 33))
_on_open("fsync, nothing written", os.fsync)
_on_open("ftruncate to less", lambda fd: os.ftruncate(fd, 100))
_on_open("ftruncate to more", lambda fd: os.ftruncate(fd, 2 * A_BYTES))
_on_open("futimens", lambda fd: os.utime(fd, ns=(_WHEN_NS, _WHEN_NS)))
_on_open("fallocate to more", lambda fd: linux_calls.fallocate(fd, 0, 0, 2 * A_BYTES))
_on_open(
    "fallocate a hole",
    lambda fd: linux_calls.fallocate(
        fd, linux_calls.FALLOC_PUNCH_HOLE | linux_calls.FALLOC_KEEP_SIZE, 0, A_BYTES // 2
    ),
)
_on_open(
    "fallocate zeros",
    lambda fd: linux_calls.fallocate(
        fd, linux_calls.FALLOC_ZERO_RANGE | linux_calls.FALLOC_KEEP_SIZE, 0, A_BYTES // 2
    ),
)
_on_open(
    "fallocate, a range taken out",
    lambda fd: linux_calls.fallocate(fd, linux_calls.FALLOC_COLLAPSE_RANGE, 0, A_BYTES // 2),
)
_on_open(
    "fallocate, a range put in",
    lambda fd: linux_calls.fallocate(fd, linux_calls.FALLOC_INSERT_RANGE, 0, A_BYTES // 2),
)
_on_open("lseek to data", lambda fd: os.lseek(fd, 0, os.SEEK_DATA))
_on_open("lock a range", _range_lock(fcntl.F_WRLCK))
_on_open("lock the file", lambda fd: fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB))
_on_open("ask for snapshots", lambda fd: linux_calls.control(fd, FSCTL_SRV_ENUMERATE_SNAPSHOTS, 0))
_on_open("set compression", lambda fd: linux_calls.control(fd, FSCTL_SET_COMPRESSION, 0))


@_trial("fsync after a write")
def _fsync(folder: Path) -> Called:
    with _opened(folder / "a") as fd:
        os.pwrite(fd, b"x", 0)
        yield lambda: os.fsync(fd)


@_trial("unlock a range")
def _unlock(folder: Path) -> Called:
    with _opened(folder / "a") as fd:
        _range_lock(fcntl.F_WRLCK)(fd)
        yield lambda: _range_lock(fcntl.F_UNLCK)(fd)


@_trial("rename over what is there")
def _rename_over(folder: Path) -> Called:
    (folder / "b").write_bytes(b"b")
    yield lambda: (folder / "a").replace(folder / "b")


@_trial("rename what is open")
def _rename_open(folder: Path) -> Called:
    with _opened(folder / "a"):
        yield lambda: (folder / "a").rename(folder / "b")


@_trial("unlink what is open")
def _unlink_open(folder: Path) -> Called:
    with _opened(folder / "a"):
        yield lambda: (folder / "a").unlink()


@_trial("unlink what a descriptor names")
def _unlink_named(folder: Path) -> Called:
    with _opened(folder / "a", os.O_PATH):
        yield lambda: (folder / "a").unlink()


@_trial("rmdir")
def _rmdir(folder: Path) -> Called:
    (folder / "folder").mkdir()
    yield lambda: (folder / "folder").rmdir()


@_trial("list a folder")
def _list(folder: Path) -> Called:
    yield lambda: list(folder.iterdir())


@_trial("list a folder again")
def _list_again(folder: Path) -> Called:
    list(folder.iterdir())
    yield lambda: list(folder.iterdir())


@_trial("copy_file_range")
def _copy(folder: Path) -> Called:
    (folder / "b").touch()
    with _opened(folder / "a", os.O_RDONLY) as source, _opened(folder / "b") as target:
        yield lambda: os.copy_file_range(source, target, A_BYTES)
