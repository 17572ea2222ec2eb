"""The executor of Linux: plain system calls on a CIFS mount, or on any other directory.

What each call puts on the wire of a CIFS mount, and what of the captured parameters it loses, follows
knowledge of fs/smb/client (6.1). Outcomes are `-errno`; a call on a handle whose open failed is EBADF.
Reads, writes and opens cost a look-up, one system call and a return.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from errno import EBADF, EINVAL, ENAMETOOLONG
from typing import Any, ClassVar

from smbench.executors.base import NEVER, NOBODY, Armed, Executor, ExecutorContext, Handler, Reported
from smbench.executors.posix.client import client_of
from smbench.executors.posix.data import DataCalls, refused, write_data
from smbench.executors.posix.extended_attributes import ExtendedAttributes
from smbench.executors.posix.files import NotOpenError, OpenFiles
from smbench.executors.posix.locks import LARGEST_OFFSET, OF_OTHER_KIND, OPENED_AGAIN, LockCalls
from smbench.executors.posix.lookups import Lookups
from smbench.executors.posix.metadata import MetadataCalls
from smbench.executors.posix.opens import open_loss
from smbench.executors.posix.watches import Watches
from smbench.paths.streams import StreamsBeneath, beneath
from smbench.smb2 import patterns
from smbench.smb2.constants import (
    ALL_INFORMATION,
    ATTRIBUTE_NORMAL,
    ATTRIBUTE_READONLY,
    DIRECTORY_INFORMATION,
    FILE_READ_ATTRIBUTES,
    FILE_READ_EA,
    FS_FULL_SIZE,
    FULL_DIRECTORY,
    FULL_EA,
    ID_FULL_DIRECTORY,
    INFO_FILE,
    INFO_SECURITY,
)
from smbench.smb2.ntstatus import Status
from smbench.workload import calls
from smbench.workload.calls import Call

_OWN_ERRORS = {
    EBADF: "the file is not open here: its open ended otherwise",
    ENAMETOOLONG: "Linux has no name of more than 255 bytes in UTF-8: the client sends nothing",
}
"""Errors that no server sends this client."""
_EAS_REFUSED = "extended_attributes_refused"
_WARNINGS = {
    _EAS_REFUSED: "the target's file system did not take {:,} extended attributes: they were remembered, "
    "by the user who set each",
    OPENED_AGAIN: "{:,} files that were open to read alone, or to write alone, were opened again for a lock: "
    "an open and a close more than captured",
    OF_OTHER_KIND: "{:,} exclusive locks are shared ones, or the other way round: POSIX has them for "
    "descriptors that write, or read, and the files could not be opened so",
}
"""What is counted of a user, and how it is told."""
_WORTH_LISTING = 3
"""Paths of one directory from which on listing it asks less than looking at each."""


class PosixExecutor(Executor):
    """One user's files beneath `context.root`, by the calls of POSIX and Linux."""

    name: ClassVar[str] = "posix"
    warms: ClassVar[bool] = True
    keeps_share_access: ClassVar[bool] = False
    waits: ClassVar[bool] = True
    unsupported: ClassVar[Mapping[type[Call], str]] = {
        calls.SetAllocation: f"{NEVER}no POSIX call sets an allocation size",
    }

    def __init__(self, context: ExecutorContext) -> None:
        self._names = beneath(context.root, context.streams)
        root = self._names.open("", 0)
        try:
            client = client_of(root, context.profile, context.habits)
        finally:
            os.close(root)
        self._client = client
        self._keeps_directories = context.keeps_directories
        self._lookups = Lookups(self._names, client)
        self._files = OpenFiles(self._names, self._lookups, client)
        self._data = DataCalls(self._files, client, max_io_bytes=context.max_io_bytes, seed=context.seed)
        self._locks = LockCalls(self._files, client)
        self._eas = ExtendedAttributes(client)
        self._metadata = MetadataCalls(self._names, self._files, self._lookups, client, self._eas)
        self._watches = Watches(client)
        self._files.on_close = self._watches.end

    @classmethod
    def preload(cls, max_io_bytes: int, seed: int) -> None:
        write_data(max_io_bytes, seed)

    def handlers(self) -> Mapping[type[Call], Handler]:
        files, data, metadata, locks = self._files, self._data, self._metadata, self._locks
        lean: dict[type[Call], Handler] = {
            calls.Open: files.open,
            calls.Close: files.close,
            calls.Read: data.read,
            calls.Write: data.write,
            calls.Flush: data.flush,
        }
        others: dict[type[Call], Handler] = {
            calls.Lock: locks.lock,
            calls.Unlock: locks.unlock,
            calls.CopyRange: data.copy_range,
            calls.PunchHole: data.punch_hole,
            calls.ShiftRange: data.shift_range,
            calls.AllocatedRanges: data.allocated_ranges,
            calls.Control: data.control,
            calls.Stat: metadata.stat,
            calls.StatHandle: metadata.stat_handle,
            calls.StatFs: metadata.stat_fs,
            calls.List: metadata.list_directory,
            calls.Notify: lambda call: self._notify(call, NOBODY),
            calls.Rename: metadata.rename,
            calls.Link: metadata.link,
            calls.SetDelete: metadata.set_delete,
            calls.Unlink: metadata.unlink,
            calls.RemoveDirectory: metadata.remove_directory,
            calls.MakeDirectory: metadata.make_directory,
            calls.Truncate: metadata.truncate,
            calls.SetTimes: metadata.set_times,
            calls.SetAttributes: metadata.set_attributes,
            calls.SetSecurity: metadata.set_security,
            calls.SetEa: metadata.set_ea,
        }
        return lean | {kind: _translated(handler) for kind, handler in others.items()}

    @classmethod
    def loss(cls, call: Call) -> str | None:
        describe = _LOSSES.get(type(call))
        return describe(call) if describe else None

    @classmethod
    def own_doing(cls, expected: int, outcome: int) -> str | None:
        if expected == Status.SHARING_VIOLATION and outcome >= 0:
            return "refused for another's share access, which the kernel's client cannot ask for"
        return _OWN_ERRORS.get(-outcome)

    def warm(self, paths: Sequence[str]) -> None:
        """A client that keeps names and attributes does not look up what it knows before each call. A
        directory's listing fills them in for all that it holds; what it left out is looked at by itself."""
        if not self._client.follows_names:
            return
        parents = Counter(path.rpartition("/")[0] for path in paths)
        for parent in sorted(parents, key=lambda path: (path.count("/"), path)):
            if parents[parent] >= _WORTH_LISTING and not self._keeps_directories:
                with suppress(OSError):
                    self._list(parent)
        if isinstance(self._names, StreamsBeneath):
            # Its own second mount knows nothing of what the first has listed.
            for parent in sorted(parents, key=lambda path: (path.count("/"), path)):
                with suppress(OSError):
                    self._names.streams.stat(parent)
        for path in paths:
            try:
                self._names.pin(path)
                self._names.stat(path)
                self._lookups.appeared(path)
            except FileNotFoundError:
                self._lookups.missed(path)
            except OSError:
                continue

    def _list(self, path: str) -> None:
        descriptor = self._names.open(path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            self._lookups.listed(path, os.listdir(descriptor))  # noqa: PTH208 (a descriptor)
        finally:
            os.close(descriptor)

    def expect_notifications(self, counts: Mapping[int, int], most: int) -> None:
        self._watches.expect(counts, most)

    def notifier(self, armed: Armed) -> Handler:
        return _translated(lambda call: self._notify(call, armed))

    def _notify(self, call: calls.Notify, armed: Armed) -> int:
        return self._watches.wait(self._files[call.handle], call, armed)

    def waiting(self) -> int:
        return self._watches.waiting() + self._locks.waiting()

    def interrupt(self) -> None:
        self._watches.interrupt()
        self._locks.interrupt()

    def statistics(self) -> Mapping[str, Any]:
        counted = {**self._locks.counts, _EAS_REFUSED: self._eas.refused}
        return {what: count for what, count in counted.items() if count}

    @classmethod
    def report(cls, users: Mapping[str, Any]) -> Reported:
        told = {what: sum(one.get(what, 0) for one in users.values()) for what in _WARNINGS}
        return Reported(warnings=[_WARNINGS[what].format(count) for what, count in told.items() if count])

    def close(self) -> None:
        self._watches.close()
        self._files.close_all()
        self._names.close()


def _translated(handler: Handler) -> Handler:
    """The handler, with what the system refuses as its outcome."""

    def call(value: Call) -> int:
        try:
            return handler(value)
        except NotOpenError:
            return -EBADF
        except OSError as error:
            return refused(error)
        except OverflowError:
            return -EINVAL

    return call


def _lock_loss(call: calls.Lock | calls.Unlock) -> str | None:
    if not call.length:
        return "a range of length 0 is not locked: to POSIX it would reach to the end of the file"
    # What ends there is the rest of the file, as the kernel's client asks for it.
    if call.offset + call.length > LARGEST_OFFSET + 1:
        return "offsets beyond 2^63 cannot be locked"
    return None


def _list_loss(call: calls.List) -> str | None:
    if not patterns.has_wildcard(call.pattern):
        return "a search for one name reads the directory up to it (information class 38), or looks it up"
    if call.pattern not in ("", "*"):
        return "the pattern is applied by this program, the whole directory is read"
    if call.level in (DIRECTORY_INFORMATION, FULL_DIRECTORY):
        return f"information class {call.level} becomes 38 on a mount with serverino"
    return None if call.level == ID_FULL_DIRECTORY else f"information class {call.level} becomes 38"


def _stat_loss(call: calls.Stat) -> str | None:
    lost = []
    sent = FILE_READ_EA if call.levels == (FULL_EA,) else FILE_READ_ATTRIBUTES
    if call.levels not in ((ALL_INFORMATION,), (FULL_EA,)):
        lost.append(
            f"information classes {call.levels} come with an open and a close on CIFS, elsewhere become 18"
            if call.levels
            else "an open alone becomes a question for class 18 (statx)"
        )
    if call.create.access != sent:
        lost.append(f"access 0x{call.create.access:08x} becomes 0x{sent:08x}")
    return "; ".join(lost) or None


def _stat_handle_loss(call: calls.StatHandle) -> str | None:
    if call.info_type == INFO_SECURITY:
        return "the parts of the security descriptor are the client's choice"
    if call.info_type == INFO_FILE and call.level in (FULL_EA, ALL_INFORMATION):
        return None
    return (
        f"information class {call.level} of type {call.info_type} comes with an open and a close on CIFS, "
        "elsewhere it becomes 18"
    )


def _times_loss(call: calls.SetTimes) -> str | None:
    lost = []
    if call.changed_ns is not None:
        lost.append("the change time cannot be set")
    if call.created_ns is not None:
        lost.append("the creation time is a message of its own on CIFS, and not set elsewhere")
    return "; ".join(lost) or None


_LOSSES: dict[type[Call], Callable[[Any], str | None]] = {
    calls.Open: open_loss,
    calls.Lock: _lock_loss,
    calls.Unlock: _lock_loss,
    calls.List: _list_loss,
    calls.Stat: _stat_loss,
    calls.StatHandle: _stat_handle_loss,
    calls.SetTimes: _times_loss,
    calls.StatFs: lambda call: (
        None if call.level == FS_FULL_SIZE else f"off CIFS file system class {call.level} becomes 7 (statvfs)"
    ),
    calls.Rename: lambda call: (
        None if call.replace else "an existing target is found by the client, not the server"
    ),
    calls.Link: lambda call: "an existing target is removed first" if call.replace else None,
    calls.Write: lambda call: (
        "a write-through of its own becomes a flush after the write" if call.through else None
    ),
    calls.SetDelete: lambda _: "the removal happens by name: a file's at its close, a directory's at once",
    calls.Notify: lambda _: (
        "on CIFS it opens and closes the directory once more, and a change between two of these is lost; "
        "off CIFS what lies deeper is not watched"
    ),
    calls.Unlink: lambda call: None if call.on_close else "a file goes by DELETE_ON_CLOSE, not by SET_INFO",
    calls.RemoveDirectory: lambda call: (
        "a directory goes by SET_INFO, not by DELETE_ON_CLOSE" if call.on_close else None
    ),
    calls.Control: lambda call: f"off CIFS there is nobody to send FSCTL 0x{call.function:08X} to",
    calls.SetSecurity: lambda _: "it is asked for first; only the DACL is set, off CIFS the mode",
    calls.SetEa: lambda _: (
        "the client asks for the attributes first, and sends no value above 16 KiB; off CIFS a file system "
        "may take none"
    ),
    calls.SetAttributes: lambda call: (
        "off CIFS only READONLY is kept, as a missing write permission"
        if call.attributes & ~(ATTRIBUTE_READONLY | ATTRIBUTE_NORMAL)
        else None
    ),
}
