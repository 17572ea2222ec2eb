"""The executor of Windows: NT calls with the captured numbers, on a share or on a directory.

What the wire says, NtCreateFile and its like can say too, so that hardly anything is approximated;
outcomes are the NTSTATUS of the call or of its IO_STATUS_BLOCK. A call on a handle whose open failed is
FILE_CLOSED. Handlers run as whoever their thread is: a user's logon is impersonated by the worker, for the
construction of this object as for every lane.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, ClassVar

from smbench.executors.base import OLD_HABITS, Armed, Executor, ExecutorContext, Habits, Handler
from smbench.executors.win32.api import Ntdll
from smbench.executors.win32.data import DataCalls
from smbench.executors.win32.files import CallFailedError, OpenFiles
from smbench.executors.win32.metadata import MetadataCalls
from smbench.executors.win32.opens import open_loss
from smbench.smb2.constants import INFO_FILE, INFO_SECURITY
from smbench.smb2.information import takes_flags
from smbench.smb2.ntstatus import Status, outcome_of
from smbench.workload import calls
from smbench.workload.calls import Call

_INVALID_PARAMETER = outcome_of(Status.INVALID_PARAMETER)


class Win32Executor(Executor):
    """One user's files beneath `context.root`, by the calls of ntdll."""

    name: ClassVar[str] = "win32"
    waits: ClassVar[bool] = True
    unsupported: ClassVar[Mapping[type[Call], str]] = {}

    def __init__(self, context: ExecutorContext) -> None:
        self._files = OpenFiles(
            Ntdll(), str(context.root), wire=context.profile == "wire", max_io_bytes=context.max_io_bytes
        )
        self._data = DataCalls(self._files, max_io_bytes=context.max_io_bytes, seed=context.seed)
        self._metadata = MetadataCalls(self._files)

    def handlers(self) -> Mapping[type[Call], Handler]:
        files, data, metadata = self._files, self._data, self._metadata
        lean: dict[type[Call], Handler] = {
            calls.Open: files.open,
            calls.Close: files.close,
            calls.Read: data.read,
            calls.Write: data.write,
            calls.Flush: data.flush,
        }
        others: dict[type[Call], Handler] = {
            calls.Lock: data.lock,
            calls.Unlock: data.unlock,
            calls.CopyRange: data.copy_range,
            calls.PunchHole: data.punch_hole,
            calls.ShiftRange: partial(data.shift_range, metadata.truncate),
            calls.AllocatedRanges: data.allocated_ranges,
            calls.Control: data.control,
            calls.Stat: metadata.stat,
            calls.StatHandle: metadata.stat_handle,
            calls.StatFs: metadata.stat_fs,
            calls.List: metadata.list_directory,
            calls.Notify: metadata.notify,
            calls.Rename: metadata.rename,
            calls.Link: metadata.link,
            calls.SetDelete: metadata.set_delete,
            calls.Unlink: metadata.remove,
            calls.RemoveDirectory: metadata.remove,
            calls.MakeDirectory: metadata.make_directory,
            calls.Truncate: metadata.truncate,
            calls.SetAllocation: metadata.set_allocation,
            calls.SetTimes: metadata.set_times,
            calls.SetAttributes: metadata.set_attributes,
            calls.SetSecurity: metadata.set_security,
            calls.SetEa: metadata.set_ea,
        }
        return lean | {kind: _guarded(handler) for kind, handler in others.items()}

    def notifier(self, armed: Armed) -> Handler:
        return _guarded(lambda call: self._metadata.notify(call, armed))

    @classmethod
    def loss(cls, call: Call, habits: Habits = OLD_HABITS) -> str | None:
        del habits
        describe = _LOSSES.get(type(call))
        return describe(call) if describe else None

    def waiting(self) -> int:
        return len(self._files.waits)

    def interrupt(self) -> None:
        self._files.interrupt()

    def close(self) -> None:
        self._files.close_all()


def _guarded(handler: Handler) -> Handler:
    """The handler, with what one of its steps refused as its outcome."""

    def call(value: Call) -> int:
        try:
            return handler(value)
        except CallFailedError as refused:
            return refused.outcome
        except OverflowError:
            # A number that NT keeps in 63 bits.
            return _INVALID_PARAMETER

    return call


def _query_loss(call: calls.StatHandle) -> str | None:
    if call.info_type == INFO_SECURITY:
        return "owner, group and DACL are asked for, whatever parts the capture had"
    return None if call.info_type == INFO_FILE else f"information of type {call.info_type} is not asked for"


def _flags_loss(call: calls.Rename | calls.Link | calls.SetDelete) -> str | None:
    if not takes_flags(call.level):
        return None
    return f"of the flags of information class {call.level} only the first is kept"


_LOSSES: dict[type[Call], Callable[[Any], str | None]] = {
    calls.Open: open_loss,
    calls.Write: lambda call: (
        "a write-through of its own becomes a flush after the write" if call.through else None
    ),
    calls.StatHandle: _query_loss,
    calls.Rename: _flags_loss,
    calls.Link: _flags_loss,
    calls.SetDelete: _flags_loss,
}
