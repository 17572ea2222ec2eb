"""The executor of raw SMB2 by smbprotocol: the captured parameters as they were, one connection a user.

It stands beside the kernel's client as a second witness: what the kernel's client adds, caches or cannot
say does not exist here. Outcomes are NTSTATUS. Most of a call's time is this process' own CPU time, which
`statistics` therefore tells by kind.

A call that finds its connection lost makes it again, and takes as long as that takes; one whose answer was
lost is asked again where that does no harm, as cifs.ko does it with data, and ends as
CONNECTION_DISCONNECTED otherwise: nobody knows what came of it.
"""

from __future__ import annotations

import codecs
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from cryptography.hazmat.backends import default_backend
from smbprotocol.exceptions import (
    AccessDenied,
    BadNetworkName,
    LogonFailure,
    NotSupported,
    SMBAuthenticationError,
    SMBException,
    SMBResponseException,
)

from smbench.errors import SetupError
from smbench.executors.base import (
    OLD_HABITS,
    Armed,
    Executor,
    ExecutorContext,
    Habits,
    Handler,
    KeptBreak,
    Reported,
    ShareAccess,
)
from smbench.executors.library import messages as wire
from smbench.executors.library.breaks import Breaks
from smbench.executors.library.calls import NOT_ENCODABLE, FileCalls
from smbench.executors.library.connection import RefusedError
from smbench.executors.library.cpu import CpuClock
from smbench.executors.library.files import Names, OpenFiles
from smbench.executors.library.link import Link, reason_of
from smbench.executors.library.opens import lost_contexts
from smbench.executors.library.report import ANSWERS_LOST, REPEATED, report_of
from smbench.quoting import quoted
from smbench.smb2.constants import (
    CREATE,
    DIRECTORY_FILE,
    FILE_READ_ATTRIBUTES,
    INFO_SECURITY,
    OPEN_BY_FILE_ID,
    RELATED_FILE_ID,
)
from smbench.smb2.ntstatus import Status, failed, outcome_of
from smbench.smb2.ntstatus import name as status_name
from smbench.workload import calls
from smbench.workload.calls import Call

_INVALID_PARAMETER = outcome_of(Status.INVALID_PARAMETER)
_DISCONNECTED = outcome_of(Status.CONNECTION_DISCONNECTED)
_APPENDS = 1 << 63
"""A write beyond this names no place, but the end of the file ([MS-FSA] 2.1.5.4)."""
_REPEATABLE = (
    calls.Read, calls.Write, calls.Flush, calls.Stat, calls.StatHandle, calls.StatFs, calls.AllocatedRanges,
    calls.PunchHole, calls.Truncate, calls.SetAllocation, calls.SetTimes, calls.SetAttributes,
    calls.SetSecurity, calls.SetEa, calls.SetDelete, calls.Control,
)  # fmt: skip
"""What may be asked twice; an Open as well, unless it must make its file."""

# Python loads codecs when they are first asked for: by then a worker may be a user who cannot read its files.
for _codec in ("utf-16-le", "ascii", "latin-1", "idna"):
    codecs.lookup(_codec)


class LibraryExecutor(Executor):
    """One user of `context.share`."""

    name: ClassVar[str] = "library"
    needs_share: ClassVar[bool] = True
    sends_client_calls: ClassVar[bool] = True
    waits: ClassVar[bool] = True
    keeps_breaks: ClassVar[bool] = True

    def __init__(self, context: ExecutorContext) -> None:
        if context.share is None:
            raise SetupError(
                "the executor library is an SMB client itself and needs a share: give //server/share[/folder]"
            )
        self._breaks = Breaks()
        self._link = Link(context.share, self._breaks)
        names = Names(context.share.folder)
        _open(self._link, context.share, names)
        self._breaks.start()
        self._files = OpenFiles(self._link, self._breaks, names)
        self._calls = FileCalls(self._files, max_io_bytes=context.max_io_bytes, seed=context.seed)
        self._clock = CpuClock()

    @classmethod
    def preload(cls, max_io_bytes: int, seed: int) -> None:
        """What smbprotocol's first key would import, by then as a user who may not read the interpreter."""
        del max_io_bytes, seed
        default_backend()

    def handlers(self) -> Mapping[type[Call], Handler]:
        files, file_calls = self._files, self._calls
        plain: dict[type[Call], Handler] = {
            calls.Open: file_calls.open,
            calls.Close: files.close,
            calls.Stat: files.stat,
            calls.Unlink: files.remove,
            calls.RemoveDirectory: files.remove,
            calls.MakeDirectory: files.make_directory,
            calls.Read: file_calls.read,
            calls.Write: file_calls.write,
            calls.Flush: file_calls.flush,
            calls.Lock: file_calls.lock,
            calls.Unlock: file_calls.unlock,
            calls.CopyRange: file_calls.copy_range,
            calls.PunchHole: file_calls.punch_hole,
            calls.ShiftRange: file_calls.shift_range,
            calls.AllocatedRanges: file_calls.allocated_ranges,
            calls.Control: file_calls.control,
            calls.StatHandle: file_calls.stat_handle,
            calls.StatFs: file_calls.stat_fs,
            calls.List: file_calls.list_directory,
            calls.Notify: file_calls.notify,
            calls.Rename: file_calls.rename,
            calls.Link: file_calls.link,
            calls.SetDelete: file_calls.set_delete,
            calls.Truncate: file_calls.truncate,
            calls.SetAllocation: file_calls.set_allocation,
            calls.SetTimes: file_calls.set_times,
            calls.SetAttributes: file_calls.set_attributes,
            calls.SetSecurity: file_calls.set_security,
            calls.SetEa: file_calls.set_ea,
        }
        return {
            kind: self._clock.timed(kind.__name__, carried_out(self._link, call))
            for kind, call in plain.items()
        }

    def expect_breaks(self, kept: Mapping[int, KeptBreak]) -> None:
        self._breaks.expect(kept)

    def await_break(self, call: Call) -> None:
        if isinstance(call, calls.Close):
            self._breaks.await_kept(call.handle)

    def notifier(self, armed: Armed) -> Handler:
        once = carried_out(self._link, lambda call: self._calls.notify(call, armed))
        return self._clock.timed(calls.Notify.__name__, once)

    def waiting(self) -> int:
        return self._link.waiting()

    def interrupt(self) -> None:
        self._link.interrupt()

    @classmethod
    def loss(cls, call: Call, habits: Habits = OLD_HABITS) -> str | None:
        del habits
        describe = _LOSSES.get(type(call))
        return describe(call) if describe else None

    def stop(self) -> None:
        self._link.stop()

    def close(self) -> None:
        self._breaks.stop()
        self._link.leave()

    def statistics(self) -> Mapping[str, Any]:
        """`cpu`: CPU time of the lanes by kind of call, of the receiving thread, of the acknowledging one
        (ns). `connection`: what was negotiated, and how often it was lost and made again. `beyond`: what was
        done otherwise than captured, by the dialect or after a loss. `breaks`, `credits`: what came of them.

        Where the system accounts CPU time by ticks (the lab: 10 ms) only sums of many calls mean anything.
        """
        breaks = self._breaks.statistics()
        return {
            "client": "smbprotocol",
            "connection": self._link.statistics(),
            "beyond": dict(sorted(self._link.counts.items())),
            "cpu": {
                "calls": self._clock.totals(),
                "receiver_cpu_ns": self._link.receiver_cpu_ns(),
                "acknowledger_cpu_ns": breaks.pop("acknowledger_cpu_ns"),
            },
            "breaks": breaks,
            "credits": {"waits": self._link.credit_waits},
        }

    @classmethod
    def report(cls, users: Mapping[str, Any]) -> Reported:
        return report_of(users)


def carried_out(link: Link, handler: Handler) -> Handler:
    """The handler over a connection that stands: what it raises is an outcome, and a call whose answer was
    lost with the connection is repeated, once, where that does no harm."""

    def once(value: Call) -> int:
        try:
            return handler(value)
        except RefusedError as refused:
            return outcome_of(refused.status)
        except NOT_ENCODABLE:
            return _INVALID_PARAMETER

    def call(value: Call) -> int:
        try:
            connection = link.pin()
            outcome = once(value)
            if outcome == _DISCONNECTED and not connection.alive:
                if not may_be_repeated(value):
                    link.count(ANSWERS_LOST)
                    return outcome
                link.pin()
                link.count(REPEATED)
                outcome = once(value)
            return outcome
        except RefusedError as refused:
            return outcome_of(refused.status)

    return call


def may_be_repeated(call: Call) -> bool:
    """Whether a call that may have been carried out already ends the second time as it did the first."""
    if isinstance(call, calls.Open):
        return call.create.disposition != CREATE
    if isinstance(call, calls.Write) and call.offset >= _APPENDS:
        return False
    return isinstance(call, _REPEATABLE)


def _open(link: Link, access: ShareAccess, names: Names) -> None:
    """Connect and look at the folder; SetupError, one sentence, where that fails."""
    try:
        link.open()
    except (SMBException, OSError, ValueError) as error:
        raise SetupError(_refusal(access, error)) from error
    try:
        _check_folder(link, access, names)
    except SetupError:
        link.leave()
        raise


def _check_folder(link: Link, access: ShareAccess, names: Names) -> None:
    request = wire.create(names.name(""), calls.Create(FILE_READ_ATTRIBUTES, options=DIRECTORY_FILE))
    status = link.compound(request, wire.close(RELATED_FILE_ID))[0].status
    if failed(status):
        where = f"the folder {quoted(access.folder)}" if access.folder else "its root"
        if status == Status.PATH_NOT_COVERED:
            raise SetupError(
                f"{_place(access)} as {access.account}: {where} is in DFS, behind a link, which this "
                "executor does not follow by itself; name the share that the link leads to, or let the "
                "replay prepare its files, whose mount finds that out."
            )
        raise SetupError(
            f"{_place(access)} as {access.account}: {where} cannot be opened ({status_name(status)}); "
            "make it, or name another one."
        )


def _place(access: ShareAccess) -> str:
    return f"//{access.server}/{access.share}"


def _refusal(access: ShareAccess, error: Exception) -> str:
    who = f"cannot connect to {_place(access)} as {access.account or 'the ticket holder'}"
    if isinstance(error, LogonFailure | SMBAuthenticationError):
        return f"{who}: wrong user name or password, or no ticket. Check its password in users.toml."
    if isinstance(error, BadNetworkName):
        return f"{who}: the server has no such share. Check its name."
    if isinstance(error, AccessDenied):
        return f"{who}: permission denied. Ask for access to the share, or use another account."
    if isinstance(error, NotSupported):
        return f"{who}: the server speaks no dialect of SMB 2 or 3 that this client does."
    if isinstance(error, SMBResponseException):
        return f"{who}: {reason_of(error)}. Try smbclient with that account."
    return f"{who}: {reason_of(error)}. Check the server, its port {access.port} and the dialect."


_SENT_LATER = {"ExtA": "its attributes are set after it"}


def _open_loss(call: calls.Open) -> str | None:
    lost = [
        f"the CREATE context {tag} is not sent: {_SENT_LATER.get(tag, 'its payload is not kept')}"
        for tag in lost_contexts(call.create.contexts)
    ]
    if call.create.options & OPEN_BY_FILE_ID:
        lost.append("a file number is the captured server's")
    return "; ".join(lost) or None


def _brief_loss(call: calls.Stat | calls.Unlink | calls.RemoveDirectory | calls.MakeDirectory) -> str | None:
    lost = lost_contexts(call.create.contexts)
    return f"the CREATE contexts {', '.join(lost)} are not sent: their payload is not kept" if lost else None


_LOSSES: dict[type[Call], Callable[[Any], str | None]] = {
    calls.Open: _open_loss,
    calls.Stat: _brief_loss,
    calls.Unlink: _brief_loss,
    calls.RemoveDirectory: _brief_loss,
    calls.MakeDirectory: _brief_loss,
    calls.StatHandle: lambda call: (
        "the parts of the security descriptor are owner, group and DACL"
        if call.info_type == INFO_SECURITY and not call.additional
        else None
    ),
}
