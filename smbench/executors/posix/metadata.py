"""Attributes, names and directories of a POSIX file system: the handlers that ask or change metadata."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from errno import EACCES, EISDIR, ENOENT, ENOTDIR
from stat import S_ISDIR

from smbench.executors.posix import linux_calls
from smbench.executors.posix.client import Client
from smbench.executors.posix.extended_attributes import ExtendedAttributes
from smbench.executors.posix.files import OpenFile, OpenFiles
from smbench.executors.posix.lookups import Lookups
from smbench.executors.posix.questions import Questions
from smbench.paths.beneath import Beneath
from smbench.smb2 import patterns
from smbench.smb2.constants import (
    ALL_INFORMATION,
    DIRECTORY_FILE,
    FS_FULL_SIZE,
    FULL_EA,
    INFO_FILE,
    INFO_FILESYSTEM,
    INFO_SECURITY,
    NON_DIRECTORY_FILE,
)
from smbench.workload.calls import (
    Link,
    List,
    MakeDirectory,
    RemoveDirectory,
    Rename,
    SetAttributes,
    SetDelete,
    SetEa,
    SetSecurity,
    SetTimes,
    Stat,
    StatFs,
    StatHandle,
    Truncate,
    Unlink,
)

_ONE_ANSWER = 16384
"""Bytes of an answer to QUERY_DIRECTORY that the kernel's client takes at most (CIFSMaxBufSize)."""


class MetadataCalls:
    """Handlers by name beneath the root, and by open file. They raise OSError; the executor translates."""

    def __init__(
        self, names: Beneath, files: OpenFiles, lookups: Lookups, client: Client, eas: ExtendedAttributes
    ) -> None:
        self._eas = eas
        self._names = names
        self._files = files
        self._lookups = lookups
        self._questions = Questions(names, files, lookups, client)
        self._client = client

    def stat(self, call: Stat) -> int:
        if call.levels == (FULL_EA,):
            return self._ask_eas(call.path)
        directory: bool | None = None
        if self._client.asks_anew:
            directory = self._questions.about_path(call.path, call.levels)
            if directory is None:
                self._lookups.revalidate(call.path)
            if not call.create.options & (DIRECTORY_FILE | NON_DIRECTORY_FILE):
                return 0
        if directory is None:
            # What a look has asked for just now is not asked for again: this sends nothing.
            directory = S_ISDIR(self._names.stat(call.path).st_mode)
        if directory and call.create.options & NON_DIRECTORY_FILE:
            return -EISDIR
        return -ENOTDIR if not directory and call.create.options & DIRECTORY_FILE else 0

    def _ask_eas(self, path: str) -> int:
        self._lookups.revalidate_missing(path)
        try:
            fd = self._files.open_by_name(path, os.O_PATH)
        except FileNotFoundError:
            self._lookups.missed(path)
            raise
        try:
            self._eas.ask(f"/proc/self/fd/{fd}")
        finally:
            os.close(fd)
        return 0

    def stat_handle(self, call: StatHandle) -> int:
        file = self._files[call.handle]
        if call.info_type == INFO_SECURITY:
            self._client.ask_security(file)
        elif call.info_type == INFO_FILE and call.level == FULL_EA:
            self._eas.ask(file.name)
        elif call.level != ALL_INFORMATION and self._questions.about_file(
            file, call.info_type, call.level, call.additional, call.output_length
        ):
            return 0
        else:
            self._client.ask_attributes(file.fd)
        return 0

    def stat_fs(self, call: StatFs) -> int:
        file = self._files[call.handle]
        # Which statvfs asks for.
        if call.level == FS_FULL_SIZE or not self._questions.about_file(
            file, INFO_FILESYSTEM, call.level, 0, call.output_length
        ):
            os.fstatvfs(file.fd)
        return 0

    def list_directory(self, call: List) -> int:
        """Entries read: the whole directory at once, so that going on finds nothing more; or those of one
        answer, where the capture has one alone that is no longer than the client's own."""
        file = self._files[call.handle]
        if file.listed and not (call.restart or file.unfinished):
            return 0
        if not patterns.has_wildcard(call.pattern):
            return self._find(file, call.pattern)
        alone = call.calls == 1 and 0 < call.output_length <= _ONE_ANSWER
        with self._scan(file, anew=file.listed and call.restart) as fd:
            entries = linux_calls.some_entries(fd) if alone else os.listdir(fd)  # noqa: PTH208 (a descriptor)
            file.unfinished = alone and bool(entries) and fd == file.fd
        file.listed = True
        self._lookups.listed(file.path, entries, whole=not alone)
        if call.pattern in ("", "*"):
            return len(entries)
        matches = patterns.compiled(call.pattern).fullmatch
        return sum(1 for entry in entries if matches(entry))

    def _find(self, file: OpenFile, name: str) -> int:
        """A search for one name: the client sends no pattern. In the wire profile the directory is read up to
        the name, as the capture's client had it opened, searched and closed; an application looks it up."""
        if not self._client.lists_to_find:
            file.listed = True
            self.stat(Stat(f"{file.path}/{name}".lstrip("/")))
            return 1
        sought = name.lower()
        with self._scan(file, anew=file.listed) as fd, os.scandir(fd) as entries:
            file.listed = True
            if not any(entry.name.lower() == sought for entry in entries):
                raise FileNotFoundError(ENOENT, os.strerror(ENOENT), name)
        return 1

    @contextmanager
    def _scan(self, file: OpenFile, *, anew: bool) -> Iterator[int]:
        """The client answers a second scan of one descriptor from its buffer: scan by another one."""
        if not anew:
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
        if not (itself or call.denied_on_linux) and self._files.is_open(call.target, besides=file):
            # A server denies it; the kernel's client then *unlinks the target* and fails (6.1). That is
            # what the capture had only where its client was the same.
            return -EACCES
        source = file.path
        try:
            self._rename(source, call.target, replace=call.replace or itself, itself=itself)
        except FileNotFoundError:
            if not call.denied_on_linux:
                raise
            # The answer to the client's last try, for which it had removed what bears the name: that is still
            # open, and DELETE_PENDING is ENOENT (6.12, Samba 4.22). What it asked for first was denied.
            return -EACCES
        self._files.renamed(source, call.target)
        self._lookups.moved(source, call.target, directory=file.directory)
        return 0

    def _rename(self, source: str, target: str, *, replace: bool, itself: bool) -> None:
        if replace and not itself and self._client.renames_without_replacing:
            try:
                self._names.rename(source, target, replace=False)
            except FileExistsError:
                pass  # told by the client, which has not asked for the rename yet
            else:
                return
        self._names.rename(source, target, replace=replace)

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
        self._lookups.linked(call.target)
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
        self._lookups.revalidate_missing(path)
        if self._client.lets_go_to_remove:
            self._names.unpin(path)
        try:
            remove(path)
        except FileNotFoundError:
            self._lookups.missed(path)
            raise
        self._lookups.removed(path)

    def make_directory(self, call: MakeDirectory) -> int:
        self._names.mkdir(call.path)
        self._lookups.appeared(call.path)
        return 0

    def truncate(self, call: Truncate) -> int:
        file = self._files[call.handle]
        if not file.writable:
            return -EACCES
        if call.allocated and call.size and self._client.allocate(file.fd, call.size):
            return 0
        # What the captured client sent beside the size, ftruncate makes this one send.
        alone = call.size and call.times is None and not call.sparse
        if not (alone and self._client.grow(file.fd, call.size, flushed=call.flushed)):
            os.ftruncate(file.fd, call.size)
        return 0

    def set_times(self, call: SetTimes) -> int:
        file = self._files[call.handle]
        if call.accessed_ns is not None or call.written_ns is not None:
            linux_calls.set_times(file.name, call.accessed_ns, call.written_ns)
        if call.created_ns is not None:
            self._client.set_created(file, call.created_ns)
        return 0

    def set_attributes(self, call: SetAttributes) -> int:
        """0 changes nothing ([MS-FSCC] 2.4.7)."""
        file = self._files[call.handle]
        if call.attributes:
            self._client.set_attributes(file, call.attributes)
        return 0

    def set_ea(self, call: SetEa) -> int:
        self._eas.set(self._files[call.handle], call.ea_name, call.length)
        return 0

    def set_security(self, call: SetSecurity) -> int:
        """What is there, set again."""
        file = self._files[call.handle]
        self._client.set_security(file)
        return 0
