"""The executor of Linux: plain system calls on a CIFS mount, or on any other directory.

What each call puts on the wire of a CIFS mount, and what of the captured parameters it loses, follows
knowledge of fs/smb/client (6.1). Outcomes are `-errno`; a call on a handle whose open failed is EBADF.
Reads, writes and opens cost a look-up, one system call and a return.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from errno import EBADF, EINVAL, ENAMETOOLONG
from typing import Any, ClassVar

from smbench.executors.base import (
    NEVER,
    NOBODY,
    OLD_HABITS,
    Armed,
    Executor,
    ExecutorContext,
    Habits,
    Handler,
    Reported,
)
from smbench.executors.posix.client import client_of
from smbench.executors.posix.data import DataCalls, refused, write_data
from smbench.executors.posix.extended_attributes import ExtendedAttributes
from smbench.executors.posix.files import NotOpenError, OpenFiles
from smbench.executors.posix.locks import OF_OTHER_KIND, OPENED_AGAIN, LockCalls
from smbench.executors.posix.lookups import Lookups
from smbench.executors.posix.losses import loss_of
from smbench.executors.posix.metadata import MetadataCalls
from smbench.executors.posix.watches import Watches
from smbench.paths.own_names import REFUSED, WHY
from smbench.paths.streams import StreamsBeneath, beneath
from smbench.smb2.ntstatus import Status
from smbench.workload import calls
from smbench.workload.calls import Call

_OWN_ERRORS = {
    EBADF: "the file is not open here: its open ended otherwise",
    REFUSED: f"{WHY}: the call is not made",
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
    has_habits: ClassVar[bool] = True
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
    def loss(cls, call: Call, habits: Habits = OLD_HABITS) -> str | None:
        return loss_of(call, habits)

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
