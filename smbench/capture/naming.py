"""Exchanges in time order → the same exchanges with session, tree, user, handle and path. Pure, one pass.

Handles are numbered over the whole trace, one for each CREATE; a durable reconnect goes on with the handle
that it takes up again. Memory grows with the names and the open handles, not with the exchanges.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from smbench.capture.leases import SharedLeases
from smbench.capture.pairing import Paired
from smbench.capture.sessions import Directory
from smbench.smb2.constants import (
    OPEN_BY_FILE_ID,
    RELATED_FILE_ID,
    RELATED_SESSION_ID,
    RELATED_TREE_ID,
    RENAMES,
)
from smbench.smb2.paths import rename_target, renamed, share_path
from smbench.trace import messages as m
from smbench.trace.model import Command, Exchange, Tree

_RELATED_FILE = RELATED_FILE_ID.hex()
_CLOSED_KEPT = 50_000
"""Closed handles that late requests may still name; the oldest are forgotten first."""
_WITHOUT_TREE = {
    Command.NEGOTIATE, Command.SESSION_SETUP, Command.LOGOFF, Command.CANCEL, Command.ECHO,
    Command.OPLOCK_BREAK,
}  # fmt: skip


@dataclass(slots=True)
class Handle:
    """One open: its number, where it is, and what it is called now."""

    number: int
    session: int
    tree: int
    path: str
    file_id: str | None = None
    lease: tuple[str, str] | None = None


@dataclass(slots=True)
class _Chain:
    """The compound that is being read, for what its related requests inherit ([MS-SMB2] 3.3.5.2.7.2)."""

    key: tuple[int, int, int] = (-1, -1, -1)
    number: int = -1
    session: int = -1
    tree: int = -1
    handle: Handle | None = None


class _Name(NamedTuple):
    """A component of paths as it was spelled first, and those beneath it."""

    spelled: str
    beneath: _Names


_Names = dict[str, _Name]
"""Components of one folder, by their names in lower case."""


class Spelling:
    """One spelling for each path of a share, whatever case a client used: the first that was seen.

    Kept by component: a path may have 16,000 of them, and all that lead to it would fill memory.
    """

    def __init__(self) -> None:
        self._root: _Names = {}

    def __call__(self, path: str) -> str:
        names, spelled = self._root, []
        for name in path.split("/"):
            known = names.get(name.lower())
            if known is None:
                known = names[name.lower()] = _Name(name, {})
            spelled.append(known.spelled)
            names = known.beneath
        return "/".join(spelled)


class Naming:
    """Gives exchanges their names; `trees` and `counts` are complete when all have passed."""

    def __init__(self, directory: Directory) -> None:
        self.trees: list[Tree] = []
        self.counts: Counter[str] = Counter()
        self._directory = directory
        self._tree_numbers: dict[tuple[int, int], int] = {}
        self._spelling: dict[tuple[str, str], Spelling] = {}
        self._open: dict[tuple[int, str], Handle] = {}
        self._closed: OrderedDict[tuple[int, str], Handle] = OrderedDict()
        self._by_file_id: dict[str, Handle] = {}
        self._leases: SharedLeases[Handle] = SharedLeases()
        self._chain = _Chain()
        self._chains = 0
        self._handles = 0

    def name(self, stream: Iterable[Paired]) -> Iterator[Exchange]:
        """The exchanges, in the order given, with their names and their index."""
        for index, paired in enumerate(stream):
            exchange = paired.exchange
            exchange.index = index
            self._name(paired, exchange)
            yield exchange

    def _name(self, paired: Paired, exchange: Exchange) -> None:
        wire, command = exchange.connection, exchange.command
        chain = self._enter(paired)
        if paired.session_id == RELATED_SESSION_ID and chain is not None:
            exchange.session = chain.session
        else:
            exchange.session = self._directory.session(wire, paired.session_id, paired.time_ns)
        exchange.connection = self._directory.connection(wire)
        if command == Command.OPLOCK_BREAK:
            self._broken(exchange)
        elif command == Command.TREE_CONNECT:
            exchange.tree = self._connected(paired, exchange)
        elif command not in _WITHOUT_TREE:
            exchange.tree = self._tree(paired, exchange, chain)
        if exchange.session >= 0:
            exchange.user = self._directory.sessions[exchange.session].user
        handle = self._handle(exchange, chain)
        if handle is not None:
            exchange.handle, exchange.path = handle.number, handle.path
            if exchange.tree < 0 and command == Command.OPLOCK_BREAK:
                exchange.tree = handle.tree
            self._follow(exchange, handle)
        if chain is not None:
            chain.session, chain.tree = exchange.session, exchange.tree
            chain.handle = handle or chain.handle

    def _enter(self, paired: Paired) -> _Chain | None:
        """The compound that this request is part of, numbered; None where it came by itself."""
        if paired.chain < 0:
            return None
        key = (paired.capture, paired.frame, paired.chain)
        if self._chain.key != key:
            self._chain = _Chain(key, self._chains)
            self._chains += 1
        paired.exchange.compound = self._chain.number
        return self._chain

    # Trees

    def _connected(self, paired: Paired, exchange: Exchange) -> int:
        if (
            exchange.status != 0
            or not isinstance(exchange.request, m.TreeConnectRequest)
            or paired.tree_id is None
        ):
            return -1
        number = len(self.trees)
        name = exchange.request.share_path
        share = share_path(name).rpartition("/")[2] if name else f"unknown-{number}"
        kind = exchange.response.share_type if isinstance(exchange.response, m.TreeConnectResponse) else None
        self.trees.append(Tree(paired.tree_id, exchange.session, share or f"unknown-{number}", kind))
        self._tree_numbers[(exchange.session, paired.tree_id)] = number
        return number

    def _tree(self, paired: Paired, exchange: Exchange, chain: _Chain | None) -> int:
        tree_id = paired.tree_id
        if (
            exchange.related
            and chain is not None
            and chain.tree >= 0
            and tree_id in (None, 0, RELATED_TREE_ID)
        ):
            return chain.tree
        if tree_id in (None, 0, RELATED_TREE_ID):
            return -1
        assert tree_id is not None
        number = self._tree_numbers.get((exchange.session, tree_id))
        if number is None:
            number = len(self.trees)
            self._tree_numbers[(exchange.session, tree_id)] = number
            self.trees.append(Tree(tree_id, exchange.session, f"unknown-{tree_id:x}"))
            self.counts["unknown_trees"] += 1
        return number

    def _spell(self, exchange: Exchange, path: str) -> str:
        share = self.trees[exchange.tree].share.lower() if exchange.tree >= 0 else ""
        key = (self._directory.connections[exchange.connection].server, share)
        spelling = self._spelling.get(key)
        if spelling is None:
            spelling = self._spelling[key] = Spelling()
        return spelling(path)

    # Handles

    def _handle(self, exchange: Exchange, chain: _Chain | None) -> Handle | None:
        request = exchange.request
        if isinstance(request, m.CreateRequest):
            return self._created(exchange, request)
        file_id: str | None = getattr(request, "file_id", None)
        if file_id is None:
            return self._leased(exchange, request) if isinstance(request, m.Break) else None
        if file_id == _RELATED_FILE:
            # Unrelated, it stands for no file at all: an IOCTL on the whole tree.
            return chain.handle if exchange.related and chain is not None else None
        key = (exchange.session, file_id)
        handle = self._open.get(key) or self._closed.get(key) or self._taken_up(exchange, file_id)
        return handle or self._unknown(exchange, file_id)

    def _taken_up(self, exchange: Exchange, file_id: str) -> Handle | None:
        # A break carries no session; channels and reconnects carry another.
        handle = self._by_file_id.get(file_id)
        if handle is None or not self._same_client(handle.session, exchange.connection):
            return None
        return handle

    def _same_client(self, session: int, connection: int) -> bool:
        if session < 0:
            return False
        connections = self._directory.connections
        mine = connections[connection]
        return any(
            connection == number
            or (connections[number].client, connections[number].server) == (mine.client, mine.server)
            for number in self._directory.sessions[session].connections
        )

    def _unknown(self, exchange: Exchange, file_id: str) -> Handle | None:
        if exchange.notification:
            return None
        number = self._handles
        self._handles += 1
        self.counts["unknown_handles"] += 1
        handle = Handle(number, exchange.session, exchange.tree, f"unknown-{number}")
        self._keep(handle, exchange.session, file_id)
        return handle

    def _created(self, exchange: Exchange, request: m.CreateRequest) -> Handle:
        response = exchange.response if isinstance(exchange.response, m.CreateResponse) else None
        if response is not None and request.durable_file_id is not None:
            handle = self._reconnected(exchange, request)
            if handle is not None:
                if response.file_id is not None:
                    self._keep(handle, exchange.session, response.file_id)
                return handle
        number = self._handles
        self._handles += 1
        handle = Handle(number, exchange.session, exchange.tree, self._path(exchange, request, number))
        if response is not None and response.file_id is not None and exchange.status == 0:
            self._keep(handle, exchange.session, response.file_id)
            if response.lease_key is not None:
                handle.lease = (self._lease_owner(exchange), response.lease_key)
                self._leases.opened(handle.lease, handle)
        return handle

    def _path(self, exchange: Exchange, request: m.CreateRequest, number: int) -> str:
        if request.name is None or (request.options or 0) & OPEN_BY_FILE_ID:
            self.counts["unknown_names"] += 1
            return f"unknown-{number}"
        path = share_path(request.name, exchange.dfs)
        # A POSIX open means the name as it is spelled.
        return path if "POSIX" in request.contexts else self._spell(exchange, path)

    def _reconnected(self, exchange: Exchange, request: m.CreateRequest) -> Handle | None:
        """The handle that a durable reconnect takes up ([MS-SMB2] 3.3.5.9.7 and 3.3.5.9.12)."""
        handle = self._by_file_id.get(request.durable_file_id or "")
        if handle is None:
            return None
        handle.session, handle.tree = exchange.session, exchange.tree
        return handle

    def _keep(self, handle: Handle, session: int, file_id: str) -> None:
        handle.file_id = file_id
        self._open[(session, file_id)] = handle
        self._by_file_id[file_id] = handle

    def _follow(self, exchange: Exchange, handle: Handle) -> None:
        """What a request that succeeded changes for those after it."""
        if exchange.status != 0:
            return
        request = exchange.request
        if isinstance(request, m.CloseRequest):
            self._close(exchange, handle)
        elif (
            isinstance(request, m.SetInfoRequest) and request.target is not None and request.level in RENAMES
        ):
            self._rename(exchange, handle, rename_target(handle.path, request.target, exchange.dfs))

    def _close(self, exchange: Exchange, handle: Handle) -> None:
        if handle.file_id is None:
            return
        self._open.pop((exchange.session, handle.file_id), None)
        if self._by_file_id.get(handle.file_id) is handle:
            del self._by_file_id[handle.file_id]
        if handle.lease is not None:
            self._leases.closed(handle.lease, handle, exchange.response_ns or exchange.time_ns)
        self._closed[(exchange.session, handle.file_id)] = handle
        if len(self._closed) > _CLOSED_KEPT:
            self._closed.popitem(last=False)

    def _rename(self, exchange: Exchange, handle: Handle, target: str) -> None:
        old, new = handle.path, self._spell(exchange, target)
        share = self._share(handle.tree)
        for other in {id(known): known for known in self._open.values()}.values():
            if self._share(other.tree) == share and (path := renamed(other.path, old, new)) is not None:
                other.path = path
        handle.path = new

    def _share(self, tree: int) -> tuple[str, str]:
        if tree < 0:
            return ("", "")
        known = self.trees[tree]
        connections = self._directory.sessions[known.session].connections if known.session >= 0 else []
        server = self._directory.connections[connections[0]].server if connections else ""
        return (server, known.share.lower())

    # Breaks

    def _lease_owner(self, exchange: Exchange) -> str:
        # A lease belongs to a client, by its ClientGuid ([MS-SMB2] 3.3.1.4).
        connection = self._directory.connections[exchange.connection]
        return connection.client_guid or connection.client

    def _leased(self, exchange: Exchange, request: m.Break) -> Handle | None:
        if request.lease_key is None:
            return None
        return self._leases.latest((self._lease_owner(exchange), request.lease_key), exchange.time_ns)

    def _broken(self, exchange: Exchange) -> None:
        """A notification names no session: that of the handle which it is about is meant."""
        if exchange.session >= 0 or not isinstance(exchange.request, m.Break):
            return
        if exchange.request.lease_key is not None:
            handle = self._leased(exchange, exchange.request)
        else:
            handle = self._taken_up(exchange, exchange.request.file_id or "")
        if handle is not None:
            exchange.session, exchange.tree = handle.session, handle.tree
