"""Selection: which exchanges of a trace become a workload. Those left out are not counted either."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase

from smbench.trace.model import Command, Exchange, TraceInfo


@dataclass(frozen=True, slots=True)
class Selection:
    """What to keep; of each kind that is given, an exchange must match one.

    `users` match a user's whole name or its account alone, `paths` are shell patterns of the path
    within the share (`*` also spans `/`); users, shares and paths regardless of case. Times are
    seconds since the trace's start.
    """

    clients: tuple[str, ...] = ()
    users: tuple[str, ...] = ()
    shares: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    from_s: float | None = None
    to_s: float | None = None


class Selector:
    """Answers for one trace, exchange by exchange; an open that is selected stays so until its CLOSE."""

    def __init__(self, selection: Selection, info: TraceInfo) -> None:
        wanted_users = {name.lower() for name in selection.users}
        wanted_shares = {name.lower() for name in selection.shares}
        self._connections = {
            number
            for number, connection in enumerate(info.connections)
            if not selection.clients or connection.client in selection.clients
        }
        self._users = {
            number
            for number, user in enumerate(info.users)
            if user.name.lower() in wanted_users or user.name.lower().rpartition("\\")[2] in wanted_users
        }
        self._trees = {
            number for number, tree in enumerate(info.trees) if tree.share.lower() in wanted_shares
        }
        self._by_client, self._by_user = bool(selection.clients), bool(wanted_users)
        self._by_share = bool(wanted_shares)
        self._patterns = tuple(pattern.lower().strip("/") for pattern in selection.paths)
        self._from_ns = None if selection.from_s is None else round(selection.from_s * 1e9)
        self._to_ns = None if selection.to_s is None else round(selection.to_s * 1e9)
        self._opens: set[int] = set()

    def wants(self, exchange: Exchange) -> bool:
        return self._wants_whose(exchange) and self._wants_when(exchange) and self._wants_path(exchange)

    def _wants_whose(self, exchange: Exchange) -> bool:
        return (
            (not self._by_client or exchange.connection in self._connections)
            and (not self._by_user or exchange.user in self._users)
            and (not self._by_share or exchange.tree in self._trees)
        )

    def _wants_when(self, exchange: Exchange) -> bool:
        return (self._from_ns is None or exchange.time_ns >= self._from_ns) and (
            self._to_ns is None or exchange.time_ns <= self._to_ns
        )

    def _wants_path(self, exchange: Exchange) -> bool:
        if not self._patterns:
            return True
        handle = exchange.handle
        wanted = handle in self._opens
        if not wanted and exchange.path is not None:
            path = exchange.path.lower()
            wanted = any(fnmatchcase(path, pattern) for pattern in self._patterns)
        if wanted and handle is not None:
            if exchange.command == Command.CLOSE:
                self._opens.discard(handle)
            else:
                self._opens.add(handle)
        return wanted
