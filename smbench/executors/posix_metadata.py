"""Attributes, names and directories of a POSIX file system: the handlers that ask or change metadata."""

from __future__ import annotations

import os
import struct
import time
from contextlib import suppress
from errno import EACCES, EINVAL, EISDIR, ENODATA, ENOSYS, ENOTDIR, EOPNOTSUPP, ESTALE
from stat import S_ISDIR

from smbench.beneath import Beneath
from smbench.executors import linux_calls, patterns
from smbench.executors.posix_files import OpenFile, OpenFiles
from smbench.executors.posix_opens import DIRECTORY_FILE, NON_DIRECTORY_FILE, READONLY
from smbench.workload.calls import (
    Link,
    List,
    MakeDirectory,
    RemoveDirectory,
    Rename,
    SetAttributes,
    SetDelete,
    SetTimes,
    Stat,
    StatFs,
    StatHandle,
    Truncate,
    Unlink,
)

FILE_INFORMATION, FILESYSTEM_INFORMATION, SECURITY_INFORMATION = 1, 2, 3
FULL_EA_CLASS, ALL_CLASS = 15, 18
SIZE_CLASS = 7
"""What statvfs asks of a file system."""
_WRITE_BITS = 0o222
_REMEMBERED_S = 1.5
"""The client remembers for a second that a name is not there (fs/smb/client/dir.c, cifs_d_revalidate)."""
# FILETIME counts 100 ns since 1601 ([MS-DTYP] 2.3.3).
_FILETIME_OF_1970 = 116444736000000000


class MetadataCalls:
    """Handlers by name beneath the root, and by open file. They raise OSError; the executor translates."""

    def __init__(self, names: Beneath, files: OpenFiles, *, wire: bool, cifs: bool) -> None:
        self._names = names
        self._files = files
        self._cifs = cifs
        self._wire = wire
        self._missing: dict[str, float] = {}
        """Until when the client may know that a name is not there."""

    def stat(self, call: Stat) -> int:
        if self._wire:
            self._look(call.path)
            if not call.options & (DIRECTORY_FILE | NON_DIRECTORY_FILE):
                return 0
        # What was asked for just now is not asked for again: this sends nothing.
        directory = S_ISDIR(self._names.stat(call.path).st_mode)
        if directory and call.options & NON_DIRECTORY_FILE:
            return -EISDIR
        return -ENOTDIR if not directory and call.options & DIRECTORY_FILE else 0

    def _look(self, path: str) -> None:
        """Ask the server once. By path the client asks twice where something has changed since: while it
        finds the name, and because it is told to."""
        held = self._names.pinned(path)
        if held is not None:
            try:
                linux_calls.fstatx_forced(held.fd)
            except OSError as error:
                self._names.unpin(path)
                # Another file has that name by now: only the name leads to it.
                if error.errno != ESTALE:
                    raise
            else:
                return
        if not self._cifs:
            self._names.call(path, linux_calls.statx_forced)
            return
        now = time.monotonic()
        try:
            if self._missing.get(path, 0.0) < now:
                self._names.call(path, linux_calls.statx_forced)
            else:
                # The client remembers that it is not there, and asks all the same where it would be renamed
                # (6.1). To its own name: nothing happens if it is there by now.
                self._names.call(path, lambda fd, name: os.rename(name, name, src_dir_fd=fd, dst_dir_fd=fd))
        except FileNotFoundError:
            self._missing[path] = now + _REMEMBERED_S
            raise
        self._missing.pop(path, None)
        with suppress(OSError):
            self._names.pin(path)

    def stat_handle(self, call: StatHandle) -> int:
        file = self._files[call.handle]
        if call.level not in (FULL_EA_CLASS, ALL_CLASS) and self._asked(
            file, call.info_type, call.level, call.additional
        ):
            return 0
        if call.info_type == SECURITY_INFORMATION and self._cifs:
            os.getxattr(file.name, "system.cifs_acl")
        elif call.info_type == FILE_INFORMATION and call.level == FULL_EA_CLASS:
            if not os.listxattr(file.name):
                raise OSError(ENODATA, os.strerror(ENODATA))
        elif self._wire:
            linux_calls.fstatx_forced(file.fd)
        else:
            os.fstat(file.fd)
        return 0

    def stat_fs(self, call: StatFs) -> int:
        file = self._files[call.handle]
        if call.level != SIZE_CLASS and self._asked(file, FILESYSTEM_INFORMATION, call.level):
            return 0
        os.fstatvfs(file.fd)
        return 0

    def _asked(self, file: OpenFile, info_type: int, level: int, additional: int = 0) -> bool:
        """Whether the client's own ioctl could ask for a class that no call of POSIX reaches. It opens the
        file once more for that."""
        if not (self._wire and self._cifs) or file.by_name or not level:
            return False
        try:
            linux_calls.query_info(file.fd, info_type, level, additional)
        except OSError:
            return False
        return True

    def list_directory(self, call: List) -> int:
        """Entries read: the whole directory at once, so that going on finds nothing more."""
        file = self._files[call.handle]
        if file.listed and not call.restart:
            return 0
        if not patterns.has_wildcard(call.pattern):
            # A search for one name is a look-up: the client cannot send a pattern.
            file.listed = True
            self.stat(Stat(f"{file.path}/{call.pattern}".lstrip("/")))
            return 1
        entries = self._entries(file)
        file.listed = True
        if call.pattern in ("", "*"):
            return len(entries)
        matches = patterns.compiled(call.pattern).fullmatch
        return sum(1 for entry in entries if matches(entry))

    def _entries(self, file: OpenFile) -> list[str]:
        if not file.listed:
            return os.listdir(file.fd)  # noqa: PTH208 (a descriptor)
        # The client answers a second scan of one descriptor from its buffer: scan by another one.
        again = os.open(".", os.O_RDONLY | os.O_DIRECTORY, dir_fd=file.fd)
        try:
            return os.listdir(again)  # noqa: PTH208
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
        self._missing.pop(call.target, None)
        return 0

    def link(self, call: Link) -> int:
        file = self._files[call.handle]
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
        self._names.unlink(call.path)
        return 0

    def remove_directory(self, call: RemoveDirectory) -> int:
        self._names.rmdir(call.path)
        return 0

    def make_directory(self, call: MakeDirectory) -> int:
        self._names.mkdir(call.path)
        self._missing.pop(call.path, None)
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
