"""Attributes, names and directories of a POSIX file system: the handlers that ask or change metadata."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from errno import EACCES, EINVAL, EISDIR, ENODATA, ENOENT, ENOSYS, ENOTDIR, EOPNOTSUPP
from stat import S_IMODE, S_ISDIR

from smbench.executors.posix import linux_calls
from smbench.executors.posix.files import OpenFile, OpenFiles
from smbench.executors.posix.looks import Looks
from smbench.executors.posix.opens import DIRECTORY_FILE, NON_DIRECTORY_FILE, READONLY
from smbench.executors.posix.questions import ALL_CLASS, FILE_INFORMATION, Questions
from smbench.paths.beneath import Beneath
from smbench.smb2 import patterns
from smbench.workload.calls import (
    Link,
    List,
    MakeDirectory,
    RemoveDirectory,
    Rename,
    SetAttributes,
    SetDelete,
    SetSecurity,
    SetTimes,
    Stat,
    StatFs,
    StatHandle,
    Truncate,
    Unlink,
)

FILESYSTEM_INFORMATION, SECURITY_INFORMATION = 2, 3
FULL_EA_CLASS = 15
SIZE_CLASS = 7
"""What statvfs asks of a file system."""
_SECURITY = "system.cifs_acl"
_WRITE_BITS = 0o222
# FILETIME counts 100 ns since 1601 ([MS-DTYP] 2.3.3).
_FILETIME_OF_1970 = 116444736000000000


class MetadataCalls:
    """Handlers by name beneath the root, and by open file. They raise OSError; the executor translates."""

    def __init__(self, names: Beneath, files: OpenFiles, looks: Looks, *, wire: bool, cifs: bool) -> None:
        self._names = names
        self._files = files
        self._looks = looks
        self._questions = Questions(names, files, looks, asks=wire and cifs)
        self._cifs = cifs
        self._wire = wire

    def stat(self, call: Stat) -> int:
        directory: bool | None = None
        if self._wire:
            directory = self._questions.about_path(call.path, call.levels)
            if directory is None:
                self._looks.look(call.path)
            if not call.options & (DIRECTORY_FILE | NON_DIRECTORY_FILE):
                return 0
        if directory is None:
            # What a look has asked for just now is not asked for again: this sends nothing.
            directory = S_ISDIR(self._names.stat(call.path).st_mode)
        if directory and call.options & NON_DIRECTORY_FILE:
            return -EISDIR
        return -ENOTDIR if not directory and call.options & DIRECTORY_FILE else 0

    def stat_handle(self, call: StatHandle) -> int:
        file = self._files[call.handle]
        if call.info_type == SECURITY_INFORMATION and self._cifs:
            os.getxattr(file.name, _SECURITY)
        elif call.info_type == FILE_INFORMATION and call.level == FULL_EA_CLASS:
            if not os.listxattr(file.name):
                raise OSError(ENODATA, os.strerror(ENODATA))
        elif call.level != ALL_CLASS and self._questions.about_file(
            file, call.info_type, call.level, call.additional, call.output_length
        ):
            return 0
        elif self._wire:
            linux_calls.fstatx_forced(file.fd)
        else:
            os.fstat(file.fd)
        return 0

    def stat_fs(self, call: StatFs) -> int:
        file = self._files[call.handle]
        if call.level == SIZE_CLASS or not self._questions.about_file(
            file, FILESYSTEM_INFORMATION, call.level, 0, call.output_length
        ):
            os.fstatvfs(file.fd)
        return 0

    def list_directory(self, call: List) -> int:
        """Entries read: the whole directory at once, so that going on finds nothing more."""
        file = self._files[call.handle]
        if file.listed and not call.restart:
            return 0
        if not patterns.has_wildcard(call.pattern):
            return self._find(file, call.pattern)
        entries = self._entries(file)
        file.listed = True
        if call.pattern in ("", "*"):
            return len(entries)
        matches = patterns.compiled(call.pattern).fullmatch
        return sum(1 for entry in entries if matches(entry))

    def _find(self, file: OpenFile, name: str) -> int:
        """A search for one name: the client sends no pattern. In the wire profile the directory is read up to
        the name, as the capture's client had it opened, searched and closed; an application looks it up."""
        if not (self._wire and self._cifs):
            file.listed = True
            self.stat(Stat(f"{file.path}/{name}".lstrip("/")))
            return 1
        sought = name.lower()
        with self._scan(file) as fd, os.scandir(fd) as entries:
            file.listed = True
            if not any(entry.name.lower() == sought for entry in entries):
                raise FileNotFoundError(ENOENT, os.strerror(ENOENT), name)
        return 1

    def _entries(self, file: OpenFile) -> list[str]:
        with self._scan(file) as fd:
            return os.listdir(fd)  # noqa: PTH208 (a descriptor)

    @contextmanager
    def _scan(self, file: OpenFile) -> Iterator[int]:
        """The client answers a second scan of one descriptor from its buffer: scan by another one."""
        if not file.listed:
            yield file.fd
            return
        again = os.open(".", os.O_RDONLY | os.O_DIRECTORY, dir_fd=file.fd)
        try:
            yield again
        finally:
            os.close(again)

    def rename(self, call: Rename) -> int:
        file = self._files[call.handle]
        # A change of case, or no change, finds the file itself at the target: nothing is replaced.
        itself = file.path.lower() == call.target.lower()
        if not itself and self._files.is_open(call.target, besides=file):
            # A server denies it; the kernel's client then *unlinks the target* and fails (6.1).
            return -EACCES
        self._names.rename(file.path, call.target, replace=call.replace or itself)
        self._files.renamed(file.path, call.target)
        self._looks.appeared(call.target)
        return 0

    def link(self, call: Link) -> int:
        file = self._files[call.handle]
        if call.replace and self._files.is_open(call.target, besides=file):
            # As with a rename: a server denies it, and the target would be gone.
            return -EACCES
        try:
            self._names.link(file.path, call.target)
        except FileExistsError:
            if not call.replace:
                raise
            self._names.unlink(call.target)
            self._names.link(file.path, call.target)
        return 0

    def set_delete(self, call: SetDelete) -> int:
        """A file loses its name when it is closed. A directory does so at once: only removing it tells
        whether it is empty, which a server checks here ([MS-FSA] 2.1.5.14.3)."""
        file = self._files[call.handle]
        if call.delete and file.directory:
            self._names.rmdir(file.path)
        file.delete_at_close = call.delete
        return 0

    def unlink(self, call: Unlink) -> int:
        self._remove(call.path, self._names.unlink)
        return 0

    def remove_directory(self, call: RemoveDirectory) -> int:
        self._remove(call.path, self._names.rmdir)
        return 0

    def _remove(self, path: str, remove: Callable[[str], None]) -> None:
        if not (self._wire and self._cifs):
            remove(path)
            return
        self._looks.look_again(path)
        try:
            remove(path)
        except FileNotFoundError:
            self._looks.missed(path)
            raise

    def make_directory(self, call: MakeDirectory) -> int:
        self._names.mkdir(call.path)
        self._looks.appeared(call.path)
        return 0

    def truncate(self, call: Truncate) -> int:
        file = self._files[call.handle]
        if not file.writable:
            return -EACCES
        if self._wire and self._cifs and call.size and self._grows(file.fd, call.size):
            return 0
        os.ftruncate(file.fd, call.size)
        return 0

    def _grows(self, fd: int, size: int) -> bool:
        """Whether one SET_INFO(EndOfFile) made the file longer; ftruncate adds a flush and times. Where the
        file is as long already, or the client has no lease to know it by, nothing was sent."""
        before = linux_calls.known_size(fd)
        if before >= size:
            return False
        try:
            linux_calls.fallocate(fd, 0, size - 1, 1)
        except OSError as error:
            if error.errno not in (EOPNOTSUPP, ENOSYS, EINVAL):
                raise
            return False
        return linux_calls.known_size(fd) != before

    def set_times(self, call: SetTimes) -> int:
        file = self._files[call.handle]
        if call.accessed_ns is not None or call.written_ns is not None:
            linux_calls.set_times(file.name, call.accessed_ns, call.written_ns)
        if call.created_ns is not None and self._cifs:
            filetime = call.created_ns // 100 + _FILETIME_OF_1970
            os.setxattr(file.name, "user.cifs.creationtime", struct.pack("<Q", filetime))
        return 0

    def set_attributes(self, call: SetAttributes) -> int:
        """0 changes nothing ([MS-FSCC] 2.4.7). Off CIFS only READONLY has a like: no write permission."""
        file = self._files[call.handle]
        if not call.attributes:
            return 0
        if self._cifs:
            os.setxattr(file.name, "user.cifs.dosattrib", struct.pack("<I", call.attributes))
            return 0
        mode = os.fstat(file.fd).st_mode & 0o7777
        os.fchmod(file.fd, mode & ~_WRITE_BITS if call.attributes & READONLY else mode | 0o200)
        return 0

    def set_security(self, call: SetSecurity) -> int:
        """What is there, set again; off CIFS that is the mode."""
        file = self._files[call.handle]
        if self._cifs:
            os.setxattr(file.name, _SECURITY, os.getxattr(file.name, _SECURITY))
        else:
            os.chmod(file.name, S_IMODE(os.fstat(file.fd).st_mode))  # noqa: PTH101 (a descriptor)
        return 0
