"""One user's connection: smbprotocol's, taught to wait for credits and to live through breaks.

What the library (1.14 to 1.17) does otherwise, and what is done about it:

- too few credits raise: here a request waits until the server has granted enough (`_CreditWindow`), one
  credit always being left for a break's acknowledgement, and asks for more than it costs;
- a break's message id is in no table, and the receiving thread dies of it: here the table has an inbox
  for it (`_RequestTable`);
- small requests of several lanes wait for one another's TCP acknowledgements: here TCP_NODELAY is set, as
  operating systems' clients do.
"""

from __future__ import annotations

import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

from smbprotocol.connection import Capabilities, Connection
from smbprotocol.exceptions import SMBException, SMBResponseException
from smbprotocol.header import SMB2HeaderResponse
from smbprotocol.session import Session, SMB2Logoff
from smbprotocol.tree import TreeConnect

from smbench.executors.base import ShareAccess
from smbench.executors.library_messages import Message
from smbench.ntstatus import Status

BREAK_MESSAGE_ID = 0xFFFFFFFFFFFFFFFF
"""Of every notification that the server sends by itself ([MS-SMB2] 2.2.23)."""
_TARGET_CREDITS = 512
_EXTRA_CREDITS = 10
"""A request asks for this many beyond its charge until there are enough (cifs.ko does the same)."""
_FOR_ACKNOWLEDGEMENTS = 1
_PAYLOAD_BYTES = 65536
_CONNECT_S = 30
_LOGOFF_S = 5
_DISCONNECTED = Status.CONNECTION_DISCONNECTED


class Reply(NamedTuple):
    """The NTSTATUS of a response, and its body."""

    status: int
    body: bytes


class _Inbox:
    """Stands in the table of outstanding requests for what no request asked for."""

    session_id = 0
    async_id = None

    def __init__(self, deliver: Callable[[bytes], None]) -> None:
        self._deliver = deliver
        self.message = SMB2HeaderResponse()
        self.response_event = threading.Event()
        self.response_event_lock = threading.Lock()

    @property
    def response(self) -> None:
        return None

    @response.setter
    def response(self, header: Any) -> None:
        self._deliver(header["data"].get_value())


class _RequestTable(dict[int, Any]):
    """The outstanding requests by message id; the id of notifications is always there."""

    def __init__(self, inbox: _Inbox) -> None:
        super().__init__()
        self._inbox = inbox

    def __missing__(self, message_id: int) -> Any:
        if message_id == BREAK_MESSAGE_ID:
            return self._inbox
        raise KeyError(message_id)


class _CreditWindow(dict[str, int]):
    """The library's sequence window, that wakes who waits when it grows. Its lock is the library's."""

    def __init__(self, window: dict[str, int], lock: Any) -> None:
        super().__init__(window)
        self.changed = threading.Condition(lock)
        self.promised = 0
        """Credits of requests that are about to be sent."""
        self.waits = 0

    def __setitem__(self, key: str, value: int) -> None:
        super().__setitem__(key, value)
        if key == "high":
            self.changed.notify_all()

    @property
    def free(self) -> int:
        return self["high"] - self["low"] - self.promised

    @contextmanager
    def spend(self, cost: int, keep: int, alive: Callable[[], bool]) -> Iterator[int]:
        """Hold `cost` credits while a request is sent, once there are so many and `keep` more; yields how
        many are free then."""
        with self.changed:
            if self.free < cost + keep:
                self.waits += 1
                while self.free < cost + keep and alive():
                    self.changed.wait(1.0)
            self.promised += cost
            free = self.free
        try:
            yield free
        finally:
            with self.changed:
                self.promised -= cost
                self.changed.notify_all()


class LibraryConnection(Connection):  # type: ignore[misc]
    """A connection, session and tree of one user. `on_break` is called with the body of each break
    notification, in the receiving thread: it must not send."""

    def __init__(self, access: ShareAccess, on_break: Callable[[bytes], None]) -> None:
        guid = uuid.UUID(access.client_guid) if access.client_guid else uuid.uuid4()
        super().__init__(guid, access.server, access.port, require_signing=True)
        self._access = access
        self._on_break = on_break
        self.client_capabilities |= (
            Capabilities.SMB2_GLOBAL_CAP_LEASING | Capabilities.SMB2_GLOBAL_CAP_DIRECTORY_LEASING
        )
        self.outstanding_requests = _RequestTable(_Inbox(self._deliver))
        self.window = _CreditWindow({"low": 0, "high": 1}, self.sequence_lock)
        self.sequence_window = self.window
        self._sending = threading.Lock()
        self._session_id = 0
        self._tree_id = 0
        self._receiver_clock: int | None = None
        self._receiver_began_ns = 0
        self._receiver_cpu_ns: int | None = None

    # Set-up

    def open(self) -> None:
        """Connect, authenticate, connect to the tree. Raises what the library and its sockets raise."""
        access = self._access
        self.connect(dialect=access.dialect, timeout=_CONNECT_S)
        self.transport._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        account = f"{access.domain}\\{access.account}" if access.domain else access.account
        session = Session(
            self, account or None, access.password, require_encryption=access.encrypt,
            auth_protocol="kerberos" if access.kerberos else "negotiate",
        )  # fmt: skip
        session.connect()
        session.password = None
        tree = TreeConnect(session, rf"\\{access.server}\{access.share}")
        tree.connect()
        # Paths are below the share already: no referral is followed, and no name carries its server.
        tree.is_dfs_share = False
        self._session_id, self._tree_id = session.session_id, tree.tree_connect_id
        self.encrypted = bool(session.encrypt_data or tree.encrypt_data)
        self._gather_credits()
        self._watch_receiver()

    def _gather_credits(self) -> None:
        before = -1
        while before < self.window.free < _TARGET_CREDITS and self.supports_multi_credit:
            before = self.window.free
            self.echo(sid=self._session_id, credit_request=_TARGET_CREDITS - before)

    @property
    def largest_piece(self) -> int:
        """Bytes that one READ or WRITE may move so that two of them can be under way."""
        if not self.supports_multi_credit:
            return _PAYLOAD_BYTES
        affordable: int = max(1, self.window.free // 2 - _FOR_ACKNOWLEDGEMENTS) * _PAYLOAD_BYTES
        return int(min(self.max_read_size, self.max_write_size, affordable))

    # Exchanges

    def start(self, *messages: Message, related: bool = False, urgent: bool = False) -> list[Any]:
        """Send messages, as one compound where there are several; what they return is for `finish`."""
        charges = [message.credit_charge if self.supports_multi_credit else 1 for message in messages]
        keep = 0 if urgent else _FOR_ACKNOWLEDGEMENTS
        with self.window.spend(sum(charges), keep, self._is_alive) as free, self._sending:
            extra = _EXTRA_CREDITS if free < _TARGET_CREDITS else 0
            requests: list[Any] = self._send(
                list(messages), session_id=self._session_id, tree_id=self._tree_id, related=related,
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
        except (SMBException, OSError):
            return Reply(_DISCONNECTED, b"")

    def compound(self, *messages: Message) -> list[Reply]:
        """Related requests in one compound ([MS-SMB2] 3.2.4.1.4) and their responses."""
        try:
            return [self.finish(request) for request in self.start(*messages, related=True)]
        except (SMBException, OSError):
            return [Reply(_DISCONNECTED, b"")] * len(messages)

    def pipeline(self, messages: Sequence[Message]) -> list[Reply]:
        """Requests sent one after the other without waiting, and their responses."""
        try:
            return [self.finish(request) for request in [self.start(message)[0] for message in messages]]
        except (SMBException, OSError):
            return [Reply(_DISCONNECTED, b"")] * len(messages)

    def _calculate_credit_charge(self, message: Any) -> int:
        if isinstance(message, Message):
            return message.credit_charge if self.supports_multi_credit else 0
        return int(super()._calculate_credit_charge(message))

    def _is_alive(self) -> bool:
        return self._t_exc is None and bool(self.transport.connected)

    def _deliver(self, body: bytes) -> None:
        if not self.supports_multi_credit:
            # The library counts a credit for every response of an old dialect: nobody paid for this one.
            with self.sequence_lock:
                self.window["high"] -= 1
        self._on_break(body)

    # The end

    def leave(self) -> None:
        """Log off, which closes what is open, and disconnect. Raises nothing."""
        self._receiver_cpu_ns = self.receiver_cpu_ns()
        self._receiver_clock = None
        try:
            if self._session_id and self._is_alive():
                request = self.send(SMB2Logoff(), sid=self._session_id)
                self.receive(request, timeout=_LOGOFF_S)
        except (SMBException, OSError):
            pass
        finally:
            if self.transport is not None:
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
        return time.clock_gettime_ns(self._receiver_clock) - self._receiver_began_ns


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
    number = int(connection.dialect)
    return Facts(
        dialect=f"{number >> 8}.{number >> 4 & 15}.{number & 15}",
        signed=not connection.encrypted,
        encrypted=connection.encrypted,
        local_port=connection.transport._sock.getsockname()[1],
        max_read=int(connection.max_read_size),
        max_write=int(connection.max_write_size),
        credits=connection.window.free,
    )
