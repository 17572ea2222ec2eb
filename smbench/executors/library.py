"""The executor of raw SMB2 by smbprotocol: the captured parameters as they were, one connection a user.

It stands beside the kernel's client as a second witness: what the kernel's client adds, caches or cannot
say does not exist here. Outcomes are NTSTATUS. Most of a call's time is this process' own CPU time, which
`statistics` therefore tells by kind.
"""

from __future__ import annotations

import codecs
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from threading import Lock, local
from typing import Any, ClassVar

from cryptography.hazmat.backends import default_backend
from smbprotocol.exceptions import (
    AccessDenied,
    BadNetworkName,
    LogonFailure,
    SMBAuthenticationError,
    SMBException,
    SMBResponseException,
)

from smbench.errors import SetupError
from smbench.executors import library_messages as wire
from smbench.executors.base import Executor, ExecutorContext, Handler, ShareAccess
from smbench.executors.library_breaks import Breaks
from smbench.executors.library_calls import NOT_ENCODABLE, FileCalls
from smbench.executors.library_connection import Facts, LibraryConnection, facts_of
from smbench.executors.library_files import Names, OpenFiles, RefusedError, lost_contexts
from smbench.ntstatus import Status, failed, outcome_of
from smbench.ntstatus import name as status_name
from smbench.workload import calls
from smbench.workload.calls import Call

_INVALID_PARAMETER = outcome_of(Status.INVALID_PARAMETER)
_OPEN_BY_FILE_ID = 0x2000
_TIMES: tuple[str, ...] = ("count", "cpu_ns")

# Python loads codecs when they are first asked for: by then a worker may be a user who cannot read its files.
for _codec in ("utf-16-le", "ascii", "latin-1", "idna"):
    codecs.lookup(_codec)


class LibraryExecutor(Executor):
    """One user of `context.share`."""

    name: ClassVar[str] = "library"
    needs_share: ClassVar[bool] = True
    sends_client_calls: ClassVar[bool] = True

    def __init__(self, context: ExecutorContext) -> None:
        if context.share is None:
            raise SetupError(
                "the executor library is an SMB client itself and needs a share: give //server/share[/folder]"
            )
        self._connection = LibraryConnection(context.share, lambda body: self._breaks.receive(body))
        self._breaks = Breaks(lambda message: self._connection.exchange(message, urgent=True))
        names = Names(context.share.folder)
        self._facts = _open(self._connection, context.share, names)
        self._breaks.start()
        self._files = OpenFiles(self._connection, self._breaks, names)
        self._calls = FileCalls(self._files, max_io_bytes=context.max_io_bytes, seed=context.seed)
        self._clock = _CpuClock()
        self._lost = False

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
            calls.AllocatedRanges: file_calls.allocated_ranges,
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
        }
        return {kind: self._clock.timed(kind.__name__, _translated(call)) for kind, call in plain.items()}

    @classmethod
    def loss(cls, call: Call) -> str | None:
        describe = _LOSSES.get(type(call))
        return describe(call) if describe else None

    def close(self) -> None:
        self._lost = not self._connection.alive
        self._breaks.stop()
        self._connection.leave()

    def statistics(self) -> Mapping[str, Any]:
        """`cpu`: CPU time of the lanes by kind of call, of the receiving thread, of the acknowledging one
        (ns). `breaks`, `connection` and `credits`: what was negotiated, and what came of it.

        Where the system accounts CPU time by ticks (the lab: 10 ms) only sums of many calls mean anything.
        """
        breaks = self._breaks.statistics()
        return {
            "client": "smbprotocol",
            "connection": {**asdict(self._facts), "lost": self._lost},
            "cpu": {
                "calls": self._clock.totals(),
                "receiver_cpu_ns": self._connection.receiver_cpu_ns(),
                "acknowledger_cpu_ns": breaks.pop("acknowledger_cpu_ns"),
            },
            "breaks": breaks,
            "credits": {"waits": self._connection.window.waits},
        }


class _CpuClock:
    """CPU time of the calling threads by kind of call. A thread counts for itself; nothing is shared."""

    def __init__(self) -> None:
        self._mine = local()
        self._all: list[dict[str, list[int]]] = []
        self._lock = Lock()

    def timed(self, kind: str, handler: Handler) -> Handler:
        clock = time.thread_time_ns

        def call(value: Call) -> int:
            began = clock()
            outcome = handler(value)
            spent = clock() - began
            try:
                counts = self._mine.counts
            except AttributeError:
                counts = self._begin()
            count = counts.setdefault(kind, [0, 0])
            count[0] += 1
            count[1] += spent
            return outcome

        return call

    def _begin(self) -> dict[str, list[int]]:
        counts: dict[str, list[int]] = {}
        self._mine.counts = counts
        with self._lock:
            self._all.append(counts)
        return counts

    def totals(self) -> dict[str, dict[str, int]]:
        totals: dict[str, list[int]] = {}
        for counts in self._all:
            for kind, (count, cpu_ns) in counts.items():
                total = totals.setdefault(kind, [0, 0])
                total[0] += count
                total[1] += cpu_ns
        return {kind: dict(zip(_TIMES, total, strict=True)) for kind, total in sorted(totals.items())}


def _translated(handler: Handler) -> Handler:
    def call(value: Call) -> int:
        try:
            return handler(value)
        except RefusedError as refused:
            return outcome_of(refused.status)
        except NOT_ENCODABLE:
            return _INVALID_PARAMETER

    return call


def _open(connection: LibraryConnection, access: ShareAccess, names: Names) -> Facts:
    """Connect and look at the folder; SetupError, one sentence, where that fails."""
    try:
        connection.open()
        _look(connection, access, names)
        return facts_of(connection)
    except SetupError:
        connection.leave()
        raise
    except (SMBException, OSError, ValueError) as error:
        connection.leave()
        raise SetupError(_refusal(access, error)) from error


def _look(connection: LibraryConnection, access: ShareAccess, names: Names) -> None:
    request = wire.create(names.name(""), 0x80, 7, 1, 1)
    status = connection.compound(request, wire.close(wire.RELATED))[0].status
    if failed(status):
        where = f"the folder {access.folder!r}" if access.folder else "its root"
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
    if isinstance(error, SMBResponseException):
        return f"{who}: the server refused ({status_name(error.status)}). Try smbclient with that account."
    reason = " ".join(str(error).split()).rstrip(".")
    return f"{who}: {reason}. Check the server, its port {access.port} and the dialect."


def _open_loss(call: calls.Open) -> str | None:
    lost = [
        f"the CREATE context {tag} is not sent: its payload is not kept"
        for tag in lost_contexts(call.contexts)
    ]
    if call.options & _OPEN_BY_FILE_ID:
        lost.append("a file number is the captured server's")
    return "; ".join(lost) or None


def _brief_loss(call: calls.Stat | calls.Unlink | calls.RemoveDirectory | calls.MakeDirectory) -> str | None:
    lost = lost_contexts(call.contexts)
    return f"the CREATE contexts {', '.join(lost)} are not sent: their payload is not kept" if lost else None


_LOSSES: dict[type[Call], Callable[[Any], str | None]] = {
    calls.Open: _open_loss,
    calls.Stat: _brief_loss,
    calls.Unlink: _brief_loss,
    calls.RemoveDirectory: _brief_loss,
    calls.MakeDirectory: _brief_loss,
    calls.StatHandle: lambda call: (
        "the parts of the security descriptor are owner, group and DACL"
        if call.info_type == 3 and not call.additional
        else None
    ),
}
