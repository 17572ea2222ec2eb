"""What belongs to a whole trace, as JSON: the form of the file, typed, and a `TraceInfo` of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Annotated, Any

from msgspec import Meta, Struct, structs

from smbench.stored import Count
from smbench.trace.model import Connection, Session, TraceInfo, Tree, User

SCHEMA_VERSION = 1
"""Of the description, and of exchanges.parquet."""

Nanoseconds = Annotated[int, Meta(ge=0, le=(1 << 62) - 1)]
"""Two of them can be added."""
Index = Annotated[int, Meta(ge=-1, le=(1 << 31) - 1)]
"""Of a list; -1: unknown."""
Wire = Annotated[int, Meta(ge=0)]
"""A number of the wire's, as it was sent."""


class StoredConnection(Struct, frozen=True):
    client: str
    client_port: Count
    server: str
    server_port: Count
    dialect: Wire | None
    client_guid: str | None
    signing_required: bool | None
    max_read: Wire | None
    max_write: Wire | None
    max_transact: Wire | None
    server_capabilities: Wire | None


class StoredSession(Struct, frozen=True):
    session_id: Wire
    connections: list[Index]
    account: str | None
    domain: str | None
    workstation: str | None
    mechanism: str | None
    user: Index
    encrypted: bool
    decrypted: bool


class StoredTree(Struct, frozen=True):
    tree_id: Wire
    session: Index
    share: str
    share_type: Wire | None


class StoredUser(Struct, frozen=True):
    name: str
    client: str
    sessions: list[Index]


class StoredTrace(Struct, frozen=True):
    """A `TraceInfo` in a file: every key has always been written, and none may be missing."""

    schema: int
    captures: list[str]
    start_epoch_ns: Annotated[int, Meta(ge=-(1 << 62), le=(1 << 62) - 1)]
    duration_ns: Nanoseconds
    connections: list[StoredConnection]
    sessions: list[StoredSession]
    trees: list[StoredTree]
    users: list[StoredUser]
    exchanges: Count
    commands: dict[str, Count]
    grade: dict[str, Count]

    def fault(self) -> str | None:
        """What of it refers to nothing; None: nothing."""
        sessions, users = len(self.sessions), len(self.users)
        references: dict[str, tuple[Iterable[int], int]] = {
            "a session's connection": (
                (at for session in self.sessions for at in session.connections), len(self.connections)
            ),
            "a session's user": ((session.user for session in self.sessions), users),
            "a tree's session": ((tree.session for tree in self.trees), sessions),
            "a user's session": ((at for user in self.users for at in user.sessions), sessions),
        }  # fmt: skip
        for what, (numbers, many) in references.items():
            if any(number >= many for number in numbers):
                return f"{what} is none of its {many}"
        return None

    def info(self) -> TraceInfo:
        parts: dict[str, Any] = {
            name: [kind(**structs.asdict(part)) for part in getattr(self, name)]
            for name, kind in _PARTS.items()
        }
        whole = structs.asdict(self) | parts
        del whole["schema"]
        return TraceInfo(**whole)


_PARTS: dict[str, type[Any]] = {"connections": Connection, "sessions": Session, "trees": Tree, "users": User}


def description_of(info: TraceInfo) -> dict[str, Any]:
    """A TraceInfo as plain JSON values, in the form of `StoredTrace`."""
    return {"schema": SCHEMA_VERSION, **dataclasses.asdict(info)}
