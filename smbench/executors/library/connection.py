"""One connection of a user, with its session and tree: smbprotocol's, and what has to be otherwise.

What the library (1.14 to 1.17) does otherwise, and what is done about it:

- too few credits raise: here a request waits until the server has granted enough (`CreditWindow`), one
  credit always being left for a break's acknowledgement, and asks for more than it costs;
- a break's message id is in no table, and the receiving thread dies of it: here the table has an inbox
  for it (`RequestTable`);
- small requests of several lanes wait for one another's TCP acknowledgements: here TCP_NODELAY is set, as
  operating systems' clients do;
- what sets a connection up waits for ever for a server that accepts and says no more: here it does not, and a
  host that vanishes is noticed (TCP_USER_TIMEOUT, keepalive);
- a session is never said to follow an earlier one: here SESSION_SETUP names it, and the server ends it
  ([MS-SMB2] 3.3.5.5.3), so that what it holds durable can be claimed.
"""

from __future__ import annotations

import logging
import socket
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NamedTuple

from smbprotocol.connection import Capabilities, Connection
from smbprotocol.exceptions import SMBConnectionClosed, SMBException, SMBResponseException
from smbprotocol.session import Session, SMB2Logoff, SMB2SessionSetupRequest
from smbprotocol.tree import TreeConnect

from smbench.executors.base import ShareAccess
from smbench.executors.library.messages import PAYLOAD_BYTES, Message
from smbench.executors.library.requests import CreditWindow, Inbox, RequestTable
from smbench.smb2.ntstatus import Status, failed

_TARGET_CREDITS = 512
_EXTRA_CREDITS = 10
"""A request asks for this many beyond its charge until there are enough (cifs.ko does the same)."""
_FOR_ACKNOWLEDGEMENTS = 1
_SETUP_S = 30
"""How long each step of a set-up may take."""
_LOGOFF_S = 5
_VANISHED_S = 60
"""A host that has acknowledged nothing for so long is gone."""
_KEEPALIVE_S = 10
_DISCONNECTED = Status.CONNECTION_DISCONNECTED

# What the library logs of a connection that ends, an exception's traceback among it, is told by the result.
logging.getLogger("smbprotocol").addHandler(logging.NullHandler())


class Reply(NamedTuple):
    """The NTSTATUS of a response, and its body."""

    status: int
    body: bytes


class RefusedError(Exception):
    """What was asked for cannot be, by the server's word or without asking it."""

    def __init__(self, status: int) -> None:
        self.status = status


def check(reply: Reply) -> bytes:
    """The body of a success; RefusedError for a warning or error."""
    if failed(reply.status):
        raise RefusedError(reply.status)
    return reply.body


Answer = Callable[[Message], Reply]
OnBreak = Callable[[bytes, Answer], None]
"""Told the body of a break notification, and what takes its acknowledgement: not in the receiving thread,
which is the one that tells."""


class LibraryConnection(Connection):  # type: ignore[misc]
    """A connection, session and tree of one user; `previous_session` is the id of the one that it follows."""

    def __init__(
        self, access: ShareAccess, on_break: OnBreak, guid: uuid.UUID, previous_session: int = 0
    ) -> None:
        super().__init__(guid, access.server, access.port, require_signing=True)
        self._access = access
        self._on_break = on_break
        self._previous_session = previous_session
        self._setup_s: int | None = _SETUP_S
        self._broken = False
        self.client_capabilities |= (
            Capabilities.SMB2_GLOBAL_CAP_LEASING | Capabilities.SMB2_GLOBAL_CAP_DIRECTORY_LEASING
        )
        self.outstanding_requests = RequestTable(Inbox(self._deliver))
        self.window = CreditWindow({"low": 0, "high": 1}, self.sequence_lock)
        self.sequence_window = self.window
        self._sending = threading.Lock()
        self.largest_piece = PAYLOAD_BYTES
        """Bytes that one READ or WRITE may move so that two of them can be under way."""
        self.session_id = 0
        self._tree_id = 0
        self._receiver_clock: int | None = None
        self._receiver_began_ns = 0
        self._receiver_cpu_ns: int | None = None

    # Set-up

    def open(self, dialect: int | None) -> None:
        """Connect, authenticate, connect to the tree; of all dialects the newest that both sides know, where
        none is named. Raises what the library and its sockets raise."""
        access = self._access
        self.connect(dialect=dialect, timeout=_SETUP_S)
        _tune(self.transport._sock)
        account = f"{access.domain}\\{access.account}" if access.domain else access.account
        password = None if access.password is None else access.password.text()
        session = Session(
            self, account or None, password, require_encryption=access.encrypt,
            auth_protocol="kerberos" if access.kerberos else "negotiate",
        )  # fmt: skip
        session.connect()
        session.password = None
        tree = TreeConnect(session, rf"\\{access.server}\{access.share}")
        tree.connect()
        # Paths are below the share already: no referral is followed, and no name carries its server.
        tree.is_dfs_share = False
        self.session_id, self._tree_id = session.session_id, tree.tree_connect_id
        self.encrypted = bool(session.encrypt_data or tree.encrypt_data)
        self._gather_credits()
        self.largest_piece = self._affordable()
        self._setup_s = None
        self._watch_receiver()

    def send(self, message: Any, *given: Any, **more: Any) -> Any:
        """As the library's; the session that is followed is named."""
        if self._previous_session and isinstance(message, SMB2SessionSetupRequest):
            message["previous_session_id"] = self._previous_session
        return super().send(message, *given, **more)

    def receive(
        self, request: Any, wait: bool = True, timeout: int | None = None, resolve_symlinks: bool = True
    ) -> Any:
        """As the library's; during the set-up it waits no longer than a step may take."""
        return super().receive(request, wait, timeout or self._setup_s, resolve_symlinks)

    def _gather_credits(self) -> None:
        before = -1
        while before < self.window.free < _TARGET_CREDITS and self.supports_multi_credit:
            before = self.window.free
            self.echo(sid=self.session_id, credit_request=_TARGET_CREDITS - before)

    def _affordable(self) -> int:
        if not self.supports_multi_credit:
            return PAYLOAD_BYTES
        affordable: int = max(1, self.window.free // 2 - _FOR_ACKNOWLEDGEMENTS) * PAYLOAD_BYTES
        return int(min(self.max_read_size, self.max_write_size, affordable))

    # Exchanges

    def start(self, *messages: Message, related: bool = False, urgent: bool = False) -> list[Any]:
        """Send messages, as one compound where there are several; what they return is for `finish`."""
        charges = [message.credit_charge if self.supports_multi_credit else 1 for message in messages]
        keep = 0 if urgent else _FOR_ACKNOWLEDGEMENTS
        with self.window.spend(sum(charges), keep, self._is_alive) as free, self._sending:
            extra = _EXTRA_CREDITS if free < _TARGET_CREDITS else 0
            requests: list[Any] = self._send(
                list(messages), session_id=self.session_id, tree_id=self._tree_id, related=related,
                credit_request=max(charges) + extra,
            )  # fmt: skip
        return requests

    def finish(self, request: Any) -> Reply:
        """Wait for the final response. The library's own way to follow a symbolic link is not taken."""
        try:
            header = self.receive(request, resolve_symlinks=False)
        except SMBResponseException as refused:
            header = refused.header
        return Reply(header["status"].get_value(), header["data"].get_value())

    def exchange(self, message: Message, urgent: bool = False) -> Reply:
        """One request and its response; CONNECTION_DISCONNECTED where there is no connection any more."""
        try:
            return self.finish(self.start(message, urgent=urgent)[0])
        except Exception as error:
            return self._nothing(error)

    def exchange_waiting(self, message: Message, begun: Callable[[Any], None]) -> Reply:
        """The same of a request that the server may answer much later; `begun` is told what was sent, for
        `cancel`."""
        try:
            request = self.start(message)[0]
            begun(request)
            return self.finish(request)
        except Exception as error:
            return self._nothing(error)

    def cancel(self, request: Any) -> None:
        """Ask the server to end a request ([MS-SMB2] 3.2.4.24), which it answers all the same."""
        with suppress(SMBException, OSError), self._sending:
            request.cancel()

    def compound(self, *messages: Message) -> list[Reply]:
        """Related requests in one compound ([MS-SMB2] 3.2.4.1.4) and their responses."""
        try:
            return [self.finish(request) for request in self.start(*messages, related=True)]
        except Exception as error:
            return [self._nothing(error)] * len(messages)

    def pipeline(self, messages: Sequence[Message]) -> list[Reply]:
        """Requests sent one after the other without waiting, and their responses."""
        try:
            return [self.finish(request) for request in [self.start(message)[0] for message in messages]]
        except Exception as error:
            return [self._nothing(error)] * len(messages)

    def _nothing(self, error: Exception) -> Reply:
        """What stands for a response that never came; raises what is no loss of the connection. Whatever the
        receiving thread died of, every waiting lane is told."""
        if not isinstance(error, SMBException | OSError) and error is not self._t_exc:
            raise error
        if isinstance(error, SMBConnectionClosed | OSError):
            self._broken = True
        return Reply(_DISCONNECTED, b"")

    def _calculate_credit_charge(self, message: Any) -> int:
        if isinstance(message, Message):
            return message.credit_charge if self.supports_multi_credit else 0
        return int(super()._calculate_credit_charge(message))

    def _is_alive(self) -> bool:
        return not self._broken and self._t_exc is None and bool(self.transport.connected)

    def _deliver(self, body: bytes) -> None:
        if not self.supports_multi_credit:
            # The library counts a credit for every response of an old dialect: nobody paid for this one.
            with self.sequence_lock:
                self.window["high"] -= 1
        self._on_break(body, lambda message: self.exchange(message, urgent=True))

    # The end

    def leave(self) -> None:
        """Log off, which closes what is open, and disconnect. Raises nothing."""
        self._receiver_cpu_ns = self.receiver_cpu_ns()
        self._receiver_clock = None
        if self.transport is None:
            return
        with suppress(SMBException, OSError):
            if self.session_id and self._is_alive():
                request = self.send(SMB2Logoff(), sid=self.session_id)
                self.receive(request, timeout=_LOGOFF_S)
        with suppress(OSError):
            self.disconnect(False)

    # What it counted

    @property
    def alive(self) -> bool:
        """Whether requests can still be sent."""
        return self._is_alive()

    def _watch_receiver(self) -> None:
        if hasattr(time, "pthread_getcpuclockid") and self._t_worker.ident is not None:
            self._receiver_clock = time.pthread_getcpuclockid(self._t_worker.ident)
            self._receiver_began_ns = time.clock_gettime_ns(self._receiver_clock)

    def receiver_cpu_ns(self) -> int | None:
        """CPU time of the receiving thread since the set-up; None where the system or its end hides it."""
        if self._receiver_clock is None or not self._t_worker.is_alive():
            return self._receiver_cpu_ns
        try:
            return time.clock_gettime_ns(self._receiver_clock) - self._receiver_began_ns
        except OSError:  # it has ended meanwhile, and its clock with it
            return None


def _tune(connected: socket.socket) -> None:
    """No waiting for more to send; no waiting for who is gone."""
    connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    values = {"TCP_KEEPIDLE": _KEEPALIVE_S, "TCP_KEEPINTVL": _KEEPALIVE_S,
              "TCP_KEEPCNT": _VANISHED_S // _KEEPALIVE_S, "TCP_USER_TIMEOUT": _VANISHED_S * 1000}  # fmt: skip
    for name, value in values.items():
        if hasattr(socket, name):  # not on every system
            connected.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


@dataclass(frozen=True, slots=True)
class Facts:
    """What was negotiated."""

    dialect: str
    signed: bool
    encrypted: bool
    local_port: int
    max_read: int
    max_write: int
    credits: int


def facts_of(connection: LibraryConnection) -> Facts:
    """The facts of an open connection."""
    return Facts(
        dialect=dialect_name(connection.dialect),
        signed=not connection.encrypted,
        encrypted=connection.encrypted,
        local_port=connection.transport._sock.getsockname()[1],
        max_read=int(connection.max_read_size),
        max_write=int(connection.max_write_size),
        credits=connection.window.free,
    )


def dialect_name(dialect: int) -> str:
    """As people write it: `3.1.1`, `2.0.2`."""
    return f"{dialect >> 8}.{dialect >> 4 & 15}.{dialect & 15}"
