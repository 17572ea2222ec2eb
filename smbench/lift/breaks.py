"""Breaks of leases and oplocks: each notification with the answer to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from smbench.smb2.leases import ALL, lease_of
from smbench.smb2.ntstatus import is_error
from smbench.trace.messages import Break as BreakMessage
from smbench.trace.model import Command, Exchange
from smbench.workload.model import Break

_UNANSWERED = -1


class Breaks:
    """Feed it the exchanges in the order of the trace; `add` gets each break once no other answer can come.

    A client answers by an acknowledgement, or by closing the open ([MS-SMB2] 3.2.5.19). Memory: the breaks
    whose lease was not broken again since.
    """

    def __init__(self, add: Callable[[Break], None]) -> None:
        self._add = add
        self._last: dict[int | str, Break] = {}
        """By what was broken: a lease's key with its user, an oplock's open."""
        self._of_handle: dict[int, int | str] = {}

    def feed(self, exchange: Exchange) -> None:
        if exchange.command == Command.OPLOCK_BREAK:
            self._break(exchange)
        elif exchange.command == Command.CLOSE and exchange.handle in self._of_handle:
            self._answer(self._of_handle[exchange.handle], exchange.time_ns, final=False)

    def finish(self) -> None:
        """The trace is over."""
        for one in self._last.values():
            self._add(one)
        self._last.clear()
        self._of_handle.clear()

    def _break(self, exchange: Exchange) -> None:
        said, handle = exchange.request, exchange.handle
        if handle is None or not isinstance(said, BreakMessage):
            return
        key = handle if said.lease_key is None else f"{exchange.user} {said.lease_key}"
        if not exchange.notification:
            if not is_error(exchange.status or 0):
                self._answer(key, exchange.time_ns, final=True)
            return
        if (before := self._last.pop(key, None)) is not None:
            self._add(before)
            self._of_handle.pop(before.handle, None)
        left = lease_of(said.oplock, None) if said.lease_key is None else (said.lease_state or 0) & ALL
        self._last[key] = Break(handle, exchange.time_ns, left, _UNANSWERED)
        self._of_handle[handle] = key

    def _answer(self, key: int | str, at_ns: int, *, final: bool) -> None:
        """A close answers for now: an acknowledgement may follow, where the lease has another open."""
        broken = self._last.get(key)
        if broken is not None and (final or broken.answered_ns == _UNANSWERED):
            self._last[key] = replace(broken, answered_ns=at_ns)
