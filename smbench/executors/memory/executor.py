"""The oracle: executes against an SMB server in memory, whose NTSTATUS are exact.

Users of one run meet in `MemoryServer.at(context.root)`, within one process. A lock or a notification that
must wait blocks its lane until it is granted or answered, or is CANCELLED when the executor is interrupted or
closes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from smbench.executors.base import NEVER, NOBODY, Armed, Executor, ExecutorContext, Handler, Reported
from smbench.executors.memory import opens
from smbench.executors.memory.server import MemoryServer
from smbench.executors.memory.tree import Handle, RefusedError
from smbench.quoting import quoted
from smbench.smb2.constants import (
    CREATE,
    DELETE,
    DELETE_ON_CLOSE,
    DIRECTORY_FILE,
    FILE_READ_ATTRIBUTES,
    INFO_FILE,
    NON_DIRECTORY_FILE,
)
from smbench.smb2.ntstatus import Status, outcome_of
from smbench.workload import calls
from smbench.workload.calls import Call
from smbench.workload.model import NamespaceEntry

__all__ = ["MemoryExecutor", "MemoryServer"]

_NAMED = 3


class MemoryExecutor(Executor):
    """One user of the in-memory server."""

    name: ClassVar[str] = "memory"
    touches_files: ClassVar[bool] = False
    own_files: ClassVar[bool] = True
    one_process: ClassVar[bool] = True
    waits: ClassVar[bool] = True
    unsupported: ClassVar[Mapping[type[Call], str]] = {
        calls.SetSecurity: f"{NEVER}what is in memory has no security descriptor",
    }

    def __init__(self, context: ExecutorContext) -> None:
        self._server = MemoryServer.at(context.root)
        self._handles: dict[int, Handle] = {}
        self._waiting: set[object] = set()
        """Locks and notifications that wait; one that is no more in it has been ended."""

    @classmethod
    def make_files(cls, root: Path, namespace: Sequence[NamespaceEntry]) -> None:
        MemoryServer.forget(root)
        MemoryServer.at(root).prepare(namespace)

    def handlers(self) -> Mapping[type[Call], Handler]:
        server, handle = self._server, self._handle
        actions: dict[type[Call], Callable[[Any], int]] = {
            calls.Open: self._open,
            calls.Close: self._close,
            calls.Read: lambda call: server.read(handle(call), call.offset, call.length),
            calls.Write: lambda call: server.write(handle(call), call.offset, call.length),
            calls.Flush: lambda call: server.flush(handle(call)),
            calls.Lock: self._lock,
            calls.Unlock: lambda call: server.unlock(handle(call), call.offset, call.length),
            calls.Stat: self._stat,
            calls.StatHandle: lambda call: server.information(handle(call), call),
            calls.StatFs: self._stat_fs,
            calls.List: lambda call: server.list_directory(handle(call), call),
            calls.Notify: lambda call: self._notify(call, NOBODY),
            calls.Rename: lambda call: server.rename(handle(call), call.target, call.replace),
            calls.Link: lambda call: server.link(handle(call), call.target, call.replace),
            calls.SetDelete: lambda call: server.set_delete(handle(call), call.delete),
            calls.Unlink: lambda call: self._remove(call.path, NON_DIRECTORY_FILE, call.on_close),
            calls.RemoveDirectory: lambda call: self._remove(call.path, DIRECTORY_FILE, call.on_close),
            calls.MakeDirectory: self._make_directory,
            calls.Truncate: lambda call: server.truncate(handle(call), call.size),
            calls.SetAllocation: lambda call: server.allocate(handle(call), call.size),
            calls.SetTimes: lambda call: server.set_times(handle(call)),
            calls.SetAttributes: lambda call: server.set_attributes(handle(call), call.attributes),
            calls.SetEa: lambda call: server.set_ea(handle(call), call.ea_name, call.length),
            calls.CopyRange: self._copy_range,
            calls.PunchHole: lambda call: server.punch_hole(handle(call), call.offset, call.length),
            calls.ShiftRange: self._shift_range,
            calls.Control: self._control,
            calls.AllocatedRanges: lambda call: server.allocated_ranges(
                handle(call), call.offset, call.length
            ),
        }
        return {kind: self._served(action) for kind, action in actions.items()}

    def notifier(self, armed: Armed) -> Handler:
        return self._served(lambda call: self._notify(call, armed))

    def waiting(self) -> int:
        return len(self._waiting)

    def interrupt(self) -> None:
        with self._server.changed:
            self._waiting.clear()
            self._server.changed.notify_all()

    def statistics(self) -> Mapping[str, Any]:
        return {"not_made": self._server.not_made} if self._server.not_made else {}

    @classmethod
    def report(cls, users: Mapping[str, Any]) -> Reported:
        paths = sorted({path for one in users.values() for path in one.get("not_made", ())})
        if not paths:
            return Reported()
        named = ", ".join(map(quoted, paths[:_NAMED])) + (", …" if len(paths) > _NAMED else "")
        return Reported(warnings=[f"no server has files of such names, so they were not made: {named}"])

    def close(self) -> None:
        with self._server.changed:
            self._waiting.clear()
            for handle in self._handles.values():
                self._let_go(handle)
            self._handles.clear()
            self._server.changed.notify_all()

    def _served(self, action: Callable[[Any], int]) -> Handler:
        def handler(call: Call) -> int:
            with self._server.changed:
                try:
                    outcome = action(call)
                    self._server.watching.done(call, self._handles.get(getattr(call, "handle", -1)))
                    return outcome
                except RefusedError as refused:
                    return outcome_of(refused.status)

        return handler

    def _handle(self, call: Any) -> Handle:
        return self._handle_of(call.handle)

    def _handle_of(self, number: int) -> Handle:
        handle = self._handles.get(number)
        if handle is None:
            raise RefusedError(Status.FILE_CLOSED)
        return handle

    def _open(self, call: calls.Open) -> int:
        if call.handle in self._handles:
            self._close(calls.Close(call.handle))
        self._handles[call.handle] = opens.open_file(self._server.tree, call.path, call.create)
        return 0

    def _close(self, call: calls.Close) -> int:
        handle = self._handle(call)
        del self._handles[call.handle]
        self._let_go(handle)
        self._server.changed.notify_all()
        return 0

    def _let_go(self, handle: Handle) -> None:
        self._server.watching.end(handle)
        opens.close_file(self._server.tree, handle)

    def _notify(self, call: calls.Notify, armed: Armed) -> int:
        handle, watching = self._handle(call), self._server.watching
        waiting = watching.begin(handle, call)
        self._waiting.add(waiting)
        try:
            armed.tell()
            while not waiting.answered:
                if waiting.ended or waiting not in self._waiting:
                    raise RefusedError(Status.CANCELLED)
                self._server.changed.wait()
        finally:
            self._waiting.discard(waiting)
            watching.leave(handle, waiting)
        return 0

    def _lock(self, call: calls.Lock) -> int:
        wait = object()
        try:
            while not self._server.lock(self._handle(call), call):
                if not call.wait:
                    raise RefusedError(Status.LOCK_NOT_GRANTED)
                self._waiting.add(wait)
                self._server.changed.wait()
                if wait not in self._waiting:
                    raise RefusedError(Status.CANCELLED)
        finally:
            self._waiting.discard(wait)
        return 0

    def _copy_range(self, call: calls.CopyRange) -> int:
        return self._server.copy_range(self._handle_of(call.source), self._handle(call), call)

    def _shift_range(self, call: calls.ShiftRange) -> int:
        handle, server = self._handle(call), self._server
        size = handle.stream.size
        if not call.length or call.offset + (0 if call.insert else call.length) >= size:
            raise RefusedError(Status.INVALID_PARAMETER)
        # What comes after the range is read and written: neither may be refused.
        server.allocated_ranges(handle, call.offset, call.length)
        server.punch_hole(handle, call.offset, size - call.offset)
        return server.truncate(handle, size + (call.length if call.insert else -call.length))

    def _control(self, call: calls.Control) -> int:
        """As a server without snapshots, integrity streams and compression."""
        self._handle(call)
        raise RefusedError(Status.INVALID_DEVICE_REQUEST)

    def _stat_fs(self, call: calls.StatFs) -> int:
        self._handle(call)
        return self._server.file_system_information(call)

    def _stat(self, call: calls.Stat) -> int:
        handle = self._open_briefly(call.path, calls.Create(call.create.access, options=call.create.options))
        try:
            for level in call.levels:
                self._server.information(handle, calls.StatHandle(-1, INFO_FILE, level))
        finally:
            opens.close_file(self._server.tree, handle)
        return 0

    def _make_directory(self, call: calls.MakeDirectory) -> int:
        asked = calls.Create(FILE_READ_ATTRIBUTES, disposition=CREATE, options=DIRECTORY_FILE)
        handle = self._open_briefly(call.path, asked)
        opens.close_file(self._server.tree, handle)
        return 0

    def _remove(self, path: str, kind: int, on_close: bool) -> int:
        """CREATE(DELETE) and CLOSE, the removal asked for by the CREATE's option or by a disposition."""
        options = kind | DELETE_ON_CLOSE if on_close else kind
        handle = self._open_briefly(path, calls.Create(DELETE, options=options))
        try:
            if not on_close:
                self._server.set_delete(handle, True)
        finally:
            opens.close_file(self._server.tree, handle)
        return 0

    def _open_briefly(self, path: str, asked: calls.Create) -> Handle:
        return opens.open_file(self._server.tree, path, asked)
