"""Information classes that no call of POSIX reaches: by an ioctl of the kernel's client.

It opens the file by the name of a descriptor, asks, and closes, as one compound. A directory's descriptor
costs nothing: the client opens a directory when it is first read. A file must be open for it, so that a
question about one that is not costs an open and a close more; it is left out where the workload holds the
file open already.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from errno import EACCES, EBADF, EBUSY, ENOTTY, EPERM

from smbench.executors.posix import linux_calls
from smbench.executors.posix.client import Client
from smbench.executors.posix.files import OpenFile, OpenFiles
from smbench.executors.posix.lookups import Lookups
from smbench.paths.beneath import Beneath
from smbench.smb2.constants import ALL_INFORMATION, INFO_FILE

_NOT_OURS = (EBADF, ENOTTY)
"""No file system of the kernel's client: it was not asked."""
_KEPT_OUT = (EACCES, EPERM, EBUSY)


class Questions:
    """Questions beneath a root, where its client asks for classes."""

    def __init__(self, names: Beneath, files: OpenFiles, lookups: Lookups, client: Client) -> None:
        self._names = names
        self._files = files
        self._lookups = lookups
        self._client = client

    def about_file(self, file: OpenFile, info_type: int, level: int, additional: int, length: int) -> bool:
        """Ask for a class of an open file's information; False where there is nobody to ask."""
        if not self._client.asks_classes:
            return False
        with self._descriptor(file) as fd:
            return _ask(fd, info_type, level, additional, length)

    def about_path(self, path: str, levels: Sequence[int]) -> bool | None:
        """Ask for classes of the information about a name, and say whether it is a directory's; None where a
        stat asks for as much."""
        if not self._client.asks_classes:
            return None
        only_all = all(level == ALL_INFORMATION for level in levels)
        with self._files.borrow(path) as borrowed:
            if borrowed is not None:
                self._lookups.revalidate_missing(path)
                _ask_all(borrowed[0], levels)
                return borrowed[1]
        if only_all:
            return None
        self._lookups.revalidate_missing(path)
        try:
            fd, directory = self._opened(path)
        except FileNotFoundError:
            self._lookups.missed(path)
            raise
        except OSError as error:
            if error.errno in _KEPT_OUT:
                return None
            raise
        try:
            _ask_all(fd, levels, by_statx=True)
        finally:
            os.close(fd)
        return directory

    def _opened(self, path: str) -> tuple[int, bool]:
        try:
            return self._names.open(path, os.O_RDONLY | os.O_DIRECTORY), True
        except NotADirectoryError:
            return self._files.open_by_name(path, os.O_RDONLY), False

    @contextmanager
    def _descriptor(self, file: OpenFile) -> Iterator[int]:
        """One that the ioctl takes: not by name alone, and of a directory that was not read through it."""
        if file.by_name:
            fd = os.open(f"/proc/self/fd/{file.fd}", os.O_RDONLY | os.O_CLOEXEC)
        elif file.directory and file.listed:
            fd = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=file.fd)
        else:
            yield file.fd
            return
        try:
            yield fd
        finally:
            os.close(fd)


def _ask_all(fd: int, levels: Sequence[int], *, by_statx: bool = False) -> None:
    """Ask for all of the classes, the one that statx asks for by statx where that is told."""
    for level in levels or (ALL_INFORMATION,):
        if by_statx and level == ALL_INFORMATION:
            linux_calls.fstatx_forced(fd)
        else:
            _ask(fd, INFO_FILE, level)


def _ask(fd: int, info_type: int, level: int, additional: int = 0, length: int = 0) -> bool:
    try:
        linux_calls.query_info(fd, info_type, level, additional, length)
    except OSError as error:
        if error.errno in _NOT_OURS:
            return False
        raise
    return True
