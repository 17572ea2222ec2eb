"""The Trace: a table of exchanges, and the connections, sessions, trees and users that they belong to.

An exchange is one SMB2 request with its response (or without), or one unsolicited message of the
server (an oplock or lease break notification). What the messages of each command carry stands in
`smbench.trace.messages`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import IntEnum

from smbench.smb2.constants import SHARE_TYPE_PIPE
from smbench.trace.messages import Message
from smbench.trace.values import Value


class Command(IntEnum):
    """SMB2 commands ([MS-SMB2] 2.2.1.2)."""

    NEGOTIATE = 0
    SESSION_SETUP = 1
    LOGOFF = 2
    TREE_CONNECT = 3
    TREE_DISCONNECT = 4
    CREATE = 5
    CLOSE = 6
    FLUSH = 7
    READ = 8
    WRITE = 9
    LOCK = 10
    IOCTL = 11
    CANCEL = 12
    ECHO = 13
    QUERY_DIRECTORY = 14
    CHANGE_NOTIFY = 15
    QUERY_INFO = 16
    SET_INFO = 17
    OPLOCK_BREAK = 18


COMMAND_NAMES: dict[int, str] = {command.value: command.name for command in Command}


def command_name(command: int) -> str:
    """The command's name, or its number where the wire carried one that no dialect defines."""
    return COMMAND_NAMES.get(command, str(command))


@dataclass(slots=True)
class Exchange(Value):
    """One SMB2 request with what answered it.

    Times are nanoseconds since the trace's start. `handle` numbers the opens of the whole trace: a
    CREATE's own, or the open that its file id (or, in a related compound, the CREATE before it)
    refers to; None where the command has no file. `path` is the file's path within its share, with
    `/` between components, `""` for the share's root, `:stream` kept; it is the name at the time of
    the request. `session`, `tree`, `user` and `connection` index the lists of `TraceInfo`, -1 where
    unknown.
    """

    index: int
    """Position in the trace, in the order of the requests."""
    capture: int
    """Which of the ingested files."""
    frame: int
    """The request's frame number in that file (a break notification's own)."""
    command: int
    time_ns: int
    connection: int
    message_id: int
    session: int = -1
    tree: int = -1
    user: int = -1
    response_frame: int | None = None
    response_ns: int | None = None
    """When the final response came; None where the capture has none."""
    pending_ns: int | None = None
    """When an interim STATUS_PENDING came ([MS-SMB2] 3.3.4.2)."""
    status: int | None = None
    """NTSTATUS of the final response, as an unsigned 32-bit number."""
    compound: int | None = None
    """Number of the compound chain that it came in; None for a request of its own."""
    compound_position: int = 0
    related: bool = False
    credit_charge: int = 0
    credits_requested: int = 0
    credits_granted: int = 0
    signed: bool = False
    encrypted: bool = False
    notification: bool = False
    """An unsolicited message of the server: `request` then holds what the server said."""
    handle: int | None = None
    path: str | None = None
    request: Message | None = None
    response: Message | None = None
    """None where the capture has none; a plain `Message` where the server answered with an error."""
    replayed: bool = False
    """The client sent the request again on another channel (flag SMB2_FLAGS_REPLAY_OPERATION)."""
    retransmission: bool = False
    """The capture holds the request a second time: nothing that the client asked for again."""
    dfs: bool = False
    """The name is a DFS path (flag SMB2_FLAGS_DFS_OPERATIONS); `path` is what is left below the share."""
    async_id: int | None = None

    @property
    def duration_ns(self) -> int | None:
        """What the client waited for the final response."""
        return None if self.response_ns is None else self.response_ns - self.time_ns


Ends = tuple[str, int, str, int]
"""Address and port of a connection's client, and of its server."""


@dataclass(slots=True)
class Connection:
    """One TCP connection that carried SMB2."""

    client: str
    client_port: int
    server: str
    server_port: int
    dialect: int | None = None
    """0x0202 … 0x0311, from the NEGOTIATE response."""
    client_guid: str | None = None
    signing_required: bool | None = None
    """The server's NEGOTIATE SecurityMode has SIGNING_REQUIRED."""
    max_read: int | None = None
    max_write: int | None = None
    max_transact: int | None = None
    server_capabilities: int | None = None

    @property
    def ends(self) -> Ends:
        """What tells it from others of its time."""
        return self.client, self.client_port, self.server, self.server_port


@dataclass(slots=True)
class Session:
    """One authenticated session; with multichannel it spans several connections."""

    session_id: int
    connections: list[int] = field(default_factory=list)
    account: str | None = None
    domain: str | None = None
    workstation: str | None = None
    mechanism: str | None = None
    """`ntlmssp` or `krb5`, from the SPNEGO token."""
    user: int = -1
    encrypted: bool = False
    decrypted: bool = True
    """False where messages of it were encrypted and no key opened them."""


@dataclass(slots=True)
class Tree:
    """One tree connect of a session."""

    tree_id: int
    session: int
    share: str
    """The share's bare name, e.g. `public` or `IPC$`; `unknown-…` where no TREE_CONNECT was seen."""
    share_type: int | None = None
    """1 disk, 2 pipe, 3 printer ([MS-SMB2] 2.2.10)."""

    @property
    def is_pipe(self) -> bool:
        return self.share_type == SHARE_TYPE_PIPE or self.share.upper() == "IPC$"


@dataclass(slots=True)
class User:
    """One client of the server: an account at one machine, as one replayed mount stands for it.

    Sessions of one account and address belong to one user when they share a ClientGuid (channels,
    reconnects) or follow one another; sessions that overlap in time with different ClientGuids are
    different clients, with leases of their own, and so different users.
    """

    name: str
    """`DOMAIN\\account`, `account`, or `unknown-N`; `…#2` for a second client of the same account."""
    client: str
    sessions: list[int] = field(default_factory=list)


@dataclass(slots=True)
class TraceInfo:
    """What belongs to a trace as a whole, and how good the capture was."""

    captures: list[str] = field(default_factory=list)
    start_epoch_ns: int = 0
    duration_ns: int = 0
    connections: list[Connection] = field(default_factory=list)
    sessions: list[Session] = field(default_factory=list)
    trees: list[Tree] = field(default_factory=list)
    users: list[User] = field(default_factory=list)
    exchanges: int = 0
    commands: dict[str, int] = field(default_factory=dict)
    """Exchanges by command; break notifications count under OPLOCK_BREAK."""
    grade: dict[str, int] = field(default_factory=dict)
    """Counts of what the capture lacks: unanswered, orphan_responses, unknown_handles, tcp_gaps,
    undecrypted (sessions), malformed, …"""


@dataclass(slots=True)
class Trace:
    """A decoded capture. `exchanges` may be iterated again and again; a stored trace reads its file."""

    info: TraceInfo
    exchanges: Iterable[Exchange]
