"""A server that exists only as what its connections answer: opens, durable handles, locks, and going away.

It stands behind `executors.library.link`; a test says what the server does next and reads what it
was asked, connection by connection.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from smbprotocol.exceptions import NotSupported

from smbench.capture.create_contexts import contexts
from smbench.executors.library import messages as wire
from smbench.executors.library.connection import Facts, Reply
from smbench.smb2.constants import HEADER_BYTES
from smbench.smb2.ntstatus import Status
from smbench.trace.model import Command


@dataclass(slots=True)
class Asked:
    """One request: over which connection, its command, and what it carried."""

    connection: int
    command: int
    body: bytes

    @property
    def disposition(self) -> int:
        return int(struct.unpack_from("<I", self.body, 36)[0])

    @property
    def oplock(self) -> int:
        return self.body[3]

    @property
    def contexts(self) -> dict[str, bytes]:
        at, length = struct.unpack_from("<II", self.body, 48)
        return dict(contexts(bytes(HEADER_BYTES) + self.body, at, length))

    @property
    def name(self) -> str:
        at, length = struct.unpack_from("<HH", self.body, 44)
        return self.body[at - HEADER_BYTES : at - HEADER_BYTES + length].decode("utf-16-le")

    @property
    def file_id(self) -> bytes:
        """Of a CLOSE, FLUSH or LOCK, a READ, a WRITE or a SET_INFO."""
        at = 16 if self.command in (Command.READ, Command.WRITE, Command.SET_INFO) else 8
        return self.body[at : at + 16]


@dataclass(slots=True)
class FakeServer:
    """`up`, `durable`, `keeps`: it takes connections, grants durable handles, still has what is claimed.
    `refuses` answers a command with a status, `before_answer` is told of each request."""

    up: bool = True
    durable: bool = True
    keeps: bool = True
    dialect: int = 0x0311
    leases: bool = True
    refuses: dict[int, int] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    connections: list[Any] = field(default_factory=list)
    before_answer: Callable[[Asked], None] | None = None

    def connect(self, access: Any, on_break: Any, guid: Any, previous_session: int = 0) -> FakeConnection:
        """In the place of `LibraryConnection`."""
        made = FakeConnection(self, len(self.connections), guid, previous_session, on_break)
        self.connections.append(made)
        return made

    def drop(self) -> None:
        """End all connections."""
        for connection in self.connections:
            connection.alive = False

    def commands(self, connection: int) -> list[int]:
        return [asked.command for asked in self.asked if asked.connection == connection]

    def answer(self, asked: Asked) -> Reply:
        if status := self.refuses.get(asked.command):
            return Reply(status, b"")
        if asked.command == Command.CREATE:
            return self._create(asked)
        if asked.command in (Command.READ, Command.WRITE):
            return Reply(
                0, struct.pack("<HHI", 17, 0, struct.unpack_from("<I", asked.body, 4)[0]) + bytes(80)
            )
        return Reply(0, bytes(200))

    def _create(self, asked: Asked) -> Reply:
        wanted = asked.contexts
        claims = wanted.keys() & {"DHnC", "DH2C"}
        if claims and not self.keeps:
            return Reply(Status.OBJECT_NAME_NOT_FOUND, b"")
        file_id = struct.pack("<QQ", asked.connection, len(self.asked))
        granted = b""
        if self.durable and (tags := wanted.keys() & {"DHnQ", "DH2Q"}):
            granted = wire.create_contexts([(tag.encode(), bytes(8)) for tag in tags])
        head = struct.pack("<HBB", 89, asked.oplock, 0) + bytes(60) + file_id
        return Reply(
            0, head + struct.pack("<II", HEADER_BYTES + 88 if granted else 0, len(granted)) + granted
        )


class FakeConnection:
    """One connection; `alive` as the library's."""

    largest_piece = 1 << 20
    max_transact_size = 1 << 20
    supports_multi_credit = True

    def __init__(self, server: FakeServer, number: int, guid: Any, previous: int, on_break: Any) -> None:
        self._server = server
        self.number, self.guid, self.previous_session, self.on_break = number, guid, previous, on_break
        self.alive = False
        self.session_id = 100 + number
        self.dialects: list[int | None] = []
        self.window = type("Window", (), {"waits": 1, "free": 512})()

    @property
    def dialect(self) -> int:
        return self._server.dialect

    @property
    def supports_file_leasing(self) -> bool:
        return self._server.leases

    def open(self, dialect: int | None) -> None:
        self.dialects.append(dialect)
        if not self._server.up:
            raise ValueError("Failed to connect to 'server:445': [Errno 111] Connection refused")
        if dialect is not None and dialect > self._server.dialect:
            raise NotSupported()
        self.alive = True

    def exchange(self, message: wire.Message, urgent: bool = False) -> Reply:
        del urgent
        asked = Asked(self.number, message.COMMAND, message.pack())
        if self.alive:
            self._server.asked.append(asked)
            if self._server.before_answer is not None:
                self._server.before_answer(asked)
        return self._server.answer(asked) if self.alive else Reply(Status.CONNECTION_DISCONNECTED, b"")

    def exchange_waiting(self, message: wire.Message, begun: Callable[[Any], None]) -> Reply:
        begun(message)
        return self.exchange(message)

    def compound(self, *messages: wire.Message) -> list[Reply]:
        return [self.exchange(message) for message in messages]

    pipeline = compound

    def leave(self) -> None:
        self.alive = False

    def receiver_cpu_ns(self) -> int:
        return 5


def facts(connection: FakeConnection) -> Facts:
    """In the place of `facts_of`."""
    del connection
    return Facts("3.1.1", True, False, 1, 1 << 20, 1 << 20, 512)
