"""Captures told as stories: `Wire().client("alice").opens("x").reads(0, 10)` makes the exchanges.

A client has a connection, a session and a tree of its own. Every exchange starts 1 ms after the one
before it and is answered after 0.5 ms, unless the story says otherwise.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from smbench.lift.lift import lift
from smbench.lift.selection import Selection
from smbench.smb2 import constants
from smbench.smb2.information import NAME_AT
from smbench.smb2.ntstatus import Status, failed, is_error
from smbench.trace import messages as m
from smbench.trace.model import Command, Connection, Exchange, Session, Trace, TraceInfo, Tree, User
from smbench.trace.values import DirectoryEntry, LockElement
from smbench.workload.model import NamespaceEntry, Operation, Workload
from smbench.workload.store import COVERAGE

STEP_NS, ANSWER_NS = 1_000_000, 500_000
DIRECTORY, NORMAL = constants.ATTRIBUTE_DIRECTORY, constants.ATTRIBUTE_NORMAL
LOOK = constants.FILE_READ_ATTRIBUTES
READ, WRITE, REMOVE = (
    LOOK | right for right in (constants.GENERIC_READ, constants.GENERIC_WRITE, constants.DELETE)
)
_REMOVES_AT_CLOSE = constants.DELETE_ON_CLOSE | constants.OPEN_REPARSE_POINT


class Wire:
    """A trace in the making."""

    def __init__(self) -> None:
        self.info = TraceInfo(captures=["story.pcap"])
        self.exchanges: list[Exchange] = []
        self.now_ns = 0
        self.handles = 0
        self.compounds = 0

    def client(self, name: str, share: str = "files", share_type: int | None = 1) -> Client:
        """A user with a connection, a session and a tree."""
        number = len(self.info.connections)
        address = f"10.0.0.{number + 1}"
        self.info.connections.append(Connection(address, 50_000 + number, "10.0.0.99", 445))
        known = [user.name for user in self.info.users]
        if name not in known:
            self.info.users.append(User(name, address, []))
            known.append(name)
        user = known.index(name)
        self.info.sessions.append(Session(number + 1, [number], account=name, user=user))
        self.info.users[user].sessions.append(number)
        client = Client(self, number, number, user, -1)
        client.tree = client.connects(share, share_type)
        return client

    def trace(self) -> Trace:
        self.info.exchanges = len(self.exchanges)
        return Trace(self.info, self.exchanges)


@dataclass(slots=True)
class Client:
    wire: Wire
    connection: int
    session: int
    user: int
    tree: int
    compound: int | None = None
    position: int = 0

    def connects(self, share: str, share_type: int | None = 1) -> int:
        """One more tree, without an exchange; returns its number."""
        self.wire.info.trees.append(Tree(len(self.wire.info.trees) + 1, self.session, share, share_type))
        return len(self.wire.info.trees) - 1

    def sends(
        self,
        command: int,
        request: m.Message | None = None,
        status: int | None = 0,
        response: m.Message | None = None,
        *,
        takes_ns: int = ANSWER_NS,
        at_ns: int | None = None,
        **fields: Any,
    ) -> Exchange:
        """One exchange; status None: never answered."""
        wire = self.wire
        if at_ns is not None:
            wire.now_ns = at_ns
        elif self.compound is None or self.position == 0:
            wire.now_ns += STEP_NS
        index = len(wire.exchanges)
        values: dict[str, Any] = {
            "index": index,
            "capture": 0,
            "frame": index + 1,
            "command": command,
            "time_ns": wire.now_ns,
            "connection": self.connection,
            "message_id": index,
            "session": self.session,
            "tree": self.tree,
            "user": self.user,
            "status": status,
            "request": request,
            "response": response,
            "response_ns": None if status is None else wire.now_ns + takes_ns,
            "compound": self.compound,
            "compound_position": self.position,
            "related": self.position > 0,
        }
        exchange = Exchange(**{**values, **fields})
        if self.compound is not None:
            self.position += 1
        wire.exchanges.append(exchange)
        return exchange

    def __enter__(self) -> Client:
        """What follows is one compound, related."""
        self.compound, self.position = self.wire.compounds, 0
        self.wire.compounds += 1
        return self

    def __exit__(self, *_: object) -> None:
        self.compound, self.position = None, 0

    def opens(
        self,
        path: str,
        status: int | None = 0,
        *,
        access: int = READ,
        disposition: int = 1,
        options: int = 0,
        attributes: int = NORMAL,
        size: int | None = 0,
        action: int | None = 1,
        share_access: int = 7,
        times: int | None = None,
        request: dict[str, Any] | None = None,
        **fields: Any,
    ) -> Open:
        handle = self.wire.handles
        self.wire.handles += 1
        asked = m.CreateRequest(
            name=path.replace("/", "\\"),
            access=access,
            share_access=share_access,
            disposition=disposition,
            options=options,
            attributes=0,
            oplock=0,
            **(request or {}),
        )
        told = m.CreateResponse(
            file_id=f"{handle:032x}",
            action=action,
            attributes=attributes,
            size=size,
            created_ns=times,
            accessed_ns=times,
            written_ns=times,
            changed_ns=times,
        )
        answer = told if status is not None and not failed(status) else None
        exchange = self.sends(Command.CREATE, asked, status, answer, handle=handle, path=path, **fields)
        return Open(self, handle, path, exchange)

    def creates(self, path: str, **options: Any) -> Open:
        return self.opens(
            path, **{"access": WRITE, "disposition": constants.CREATE, "action": constants.CREATED, **options}
        )

    def opens_directory(self, path: str, **options: Any) -> Open:
        return self.opens(
            path, **{"access": LOOK | constants.FILE_READ_DATA, "attributes": DIRECTORY, **options}
        )

    def looks(self, path: str, status: int = 0, level: int = 18, **options: Any) -> Open:
        """STATOPEN, as a Linux client sends it: one compound."""
        with self:
            opened = self.opens(path, status, access=LOOK, **options)
            opened.asks(level, status)
            opened.closes(status)
        return opened

    def makes_directory(self, path: str, status: int = 0) -> Open:
        with self:
            made = self.opens(
                path,
                status,
                access=constants.FILE_WRITE_ATTRIBUTES,
                disposition=constants.CREATE,
                options=constants.DIRECTORY_FILE,
                action=constants.CREATED,
                attributes=DIRECTORY,
            )
            made.closes(status)
        return made

    def unlinks(self, path: str, status: int = 0, **options: Any) -> Open:
        with self:
            gone = self.opens(
                path, status, **{"access": constants.DELETE, "options": _REMOVES_AT_CLOSE, **options}
            )
            gone.closes(status)
        return gone


@dataclass(slots=True)
class Open:
    """An open of the story; every method is one exchange on it and returns it."""

    client: Client
    handle: int
    path: str
    exchange: Exchange

    def sends(
        self,
        command: int,
        request: m.Message,
        status: int | None = 0,
        response: m.Message | None = None,
        **fields: Any,
    ) -> Open:
        answer = response if status is not None and not is_error(status) else None
        self.exchange = self.client.sends(
            command, request, status, answer, handle=self.handle, path=self.path, **fields
        )
        return self

    def reads(
        self, offset: int, length: int, count: int | None = None, status: int | None = 0, **fields: Any
    ) -> Open:
        answer = m.ReadResponse(length if count is None else count)
        return self.sends(Command.READ, m.ReadRequest("", offset, length), status, answer, **fields)

    def writes(self, offset: int, length: int, status: int | None = 0, flags: int = 0, **fields: Any) -> Open:
        answer = m.WriteResponse(length)
        return self.sends(Command.WRITE, m.WriteRequest("", offset, length, flags), status, answer, **fields)

    def flushes(self) -> Open:
        return self.sends(Command.FLUSH, m.FlushRequest(""))

    def closes(self, status: int | None = 0, **told: Any) -> Open:
        return self.sends(Command.CLOSE, m.CloseRequest("", 1), status, m.CloseResponse(**told))

    def locks(self, *elements: tuple[int, int, int], status: int | None = 0) -> Open:
        request = m.LockRequest("", tuple(LockElement(*element) for element in elements))
        return self.sends(Command.LOCK, request, status)

    def asks(self, level: int = 18, status: int | None = 0, info_type: int = 1, **told: Any) -> Open:
        request = m.QueryInfoRequest("", info_type, level, 4096)
        return self.sends(Command.QUERY_INFO, request, status, m.QueryInfoResponse(**told))

    def sets(self, level: int, status: int | None = 0, info_type: int = 1, **payload: Any) -> Open:
        return self.sends(Command.SET_INFO, m.SetInfoRequest("", info_type, level, **payload), status)

    def renames(self, target: str, status: int | None = 0, replace: bool = False) -> Open:
        self.sets(10, status, target=target.replace("/", "\\"), replace=replace)
        if status == 0:
            self.path = target
        return self

    def dooms(self, status: int | None = 0, delete: bool = True) -> Open:
        return self.sets(13, status, delete=delete)

    def truncates(self, size: int, status: int | None = 0) -> Open:
        return self.sets(20, status, size=size)

    def lists(
        self,
        *entries: DirectoryEntry | str,
        status: int | None = 0,
        pattern: str = "*",
        flags: int = 0,
        level: int = 37,
        lost_bytes: int = 0,
    ) -> Open:
        """`lost_bytes`: of the answer, beyond these entries."""
        told = tuple(
            entry if isinstance(entry, DirectoryEntry) else DirectoryEntry(entry) for entry in entries
        )
        request = m.QueryDirectoryRequest("", level, flags, pattern, 65536)
        answer = m.QueryDirectoryResponse(told, listing_bytes(level, told) + lost_bytes)
        return self.sends(Command.QUERY_DIRECTORY, request, status, answer)

    def ends_listing(self) -> Open:
        return self.lists(status=Status.NO_MORE_FILES)

    def watches(self, status: int | None = 0, **fields: Any) -> Open:
        return self.sends(Command.CHANGE_NOTIFY, m.NotifyRequest("", 3, True, 4096), status, **fields)

    def controls(
        self, function: int, status: int | None = 0, response: m.IoctlResponse | None = None, **payload: Any
    ) -> Open:
        return self.sends(Command.IOCTL, m.IoctlRequest("", function, **payload), status, response)


def listing_bytes(level: int, entries: Iterable[DirectoryEntry]) -> int:
    """How long an answer with these entries is: each begins on 8 bytes."""
    end = 0
    for entry in entries:
        end = (end + 7 & ~7) + NAME_AT[level] + len(entry.name.encode("utf-16-le", "surrogatepass"))
    return end


@dataclass(slots=True)
class Lifted:
    """What became of a story."""

    workload: Workload
    operations: list[Operation]
    namespace: dict[str, NamespaceEntry]
    coverage: list[dict[str, Any]]
    """A row an exchange, as `coverage.parquet` has it."""
    calls: list[Any] = field(default_factory=list)

    @property
    def kinds(self) -> list[str]:
        return [type(call).__name__ for call in self.calls]

    @property
    def rules(self) -> list[str]:
        """The rule that took each exchange."""
        return [row["rule"] for row in self.coverage]

    @property
    def present(self) -> list[str]:
        return [path for path, entry in self.namespace.items() if entry.present]

    @property
    def absent(self) -> list[str]:
        return [path for path, entry in self.namespace.items() if not entry.present]


def lifted(wire: Wire, into: Path, selection: Selection | None = None) -> Lifted:
    """Lift a story into the directory `into` and read everything back from there."""
    workload = lift(wire.trace(), into, selection)
    operations = list(workload.operations)
    coverage = pq.read_table(into / COVERAGE).to_pylist()
    entries = {entry.path: entry for entry in workload.namespace}
    return Lifted(workload, operations, entries, coverage, [operation.call for operation in operations])
