"""A user's way to the share: one connection at a time, made again where it was lost.

It is made again as cifs.ko does it, when a call needs it: at once, then every three seconds. A call goes
over one connection from its begin to its end (`pin`), so that no file id ever reaches another connection
than its own. Where no attempt succeeds in time, the user is lost.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from smbprotocol.exceptions import NotSupported, SMBException, SMBResponseException

from smbench.executors.base import ShareAccess, UserLostError
from smbench.executors.library.breaks import Breaks
from smbench.executors.library.connection import (
    Facts,
    LibraryConnection,
    RefusedError,
    Reply,
    dialect_name,
    facts_of,
)
from smbench.executors.library.messages import Message
from smbench.smb2.constants import DIALECT_3_1_1
from smbench.smb2.ntstatus import Status
from smbench.smb2.ntstatus import name as status_name

PAUSE_S = 3.0
"""Between two attempts, as in cifs.ko (cifs_reconnect): a captured client asked for its server at once, after
3.06 and after 6.1 s."""
GIVE_UP_S = 60.0
"""No attempt begins later than this after the first: so long a Windows server keeps a durable handle (v2)."""
_LOOK_S = 0.1


class Link:
    """The connection of one user. `open` makes the first; what it raises is the library's."""

    def __init__(self, access: ShareAccess, breaks: Breaks) -> None:
        self._access = access
        self._breaks = breaks
        # One client before and after: what it holds on the server is found again by it.
        self._guid = uuid.UUID(access.client_guid) if access.client_guid else uuid.uuid4()
        self._connection: LibraryConnection
        self._pinned = threading.local()
        self._making = threading.Lock()
        self._counting = threading.Lock()
        self._stopping = False
        self._lost = ""
        self._facts: Facts
        self._made_again: list[int] = []
        self._credit_waits = 0
        self._waiting: list[tuple[LibraryConnection, Any]] = []
        self._receiver_cpu_ns: int | None = 0
        self.counts: Counter[str] = Counter()
        """What was done for the user beyond the calls, by name; see `count`."""

    def open(self) -> None:
        """Connect for the first time."""
        self._connection = self._connect(0)
        self._facts = facts_of(self._connection)

    def _connect(self, previous_session: int) -> LibraryConnection:
        """A new connection in the dialect that is asked for, or in the newest that both sides know."""
        asked = self._access.dialect
        dialects = (asked, None) if asked is not None and asked < DIALECT_3_1_1 else (None,)
        for dialect in dialects:
            connection = LibraryConnection(self._access, self._breaks.receive, self._guid, previous_session)
            try:
                connection.open(dialect)
                return connection
            except NotSupported:
                connection.leave()
                if dialect is None:
                    raise
            except BaseException:
                connection.leave()
                raise
        raise AssertionError("no dialect was tried")

    # Calls

    @property
    def here(self) -> LibraryConnection:
        """The connection of the calling thread's present call."""
        try:
            pinned: LibraryConnection = self._pinned.connection
        except AttributeError:
            return self._connection
        return pinned

    def pin(self) -> LibraryConnection:
        """Let the calling thread's next call go over the present connection, which is made again where it was
        lost. UserLostError where it cannot be, RefusedError where the run is stopped before."""
        connection = self._connection
        if not connection.alive:
            connection = self._replaced(connection)
        self._pinned.connection = connection
        return connection

    def exchange(self, message: Message) -> Reply:
        """As `LibraryConnection.exchange`; so are `compound` and `pipeline`."""
        return self.here.exchange(message)

    def exchange_waiting(self, message: Message, sent: Callable[[], None]) -> Reply:
        """The same of a request that is answered when others have done something: `waiting` counts it, and
        `interrupt` ends it. `sent` is called when it is sent."""
        connection = self.here
        mine: list[Any] = []

        def begun(request: Any) -> None:
            with self._counting:
                self._waiting.append((connection, request))
            mine.append(request)
            sent()

        try:
            return connection.exchange_waiting(message, begun)
        finally:
            with self._counting:
                self._waiting = [one for one in self._waiting if one[1] not in mine]

    def waiting(self) -> int:
        return len(self._waiting)

    def interrupt(self) -> None:
        """Ask the server to end what waits."""
        for connection, request in list(self._waiting):
            connection.cancel(request)

    def compound(self, *messages: Message) -> list[Reply]:
        return self.here.compound(*messages)

    def pipeline(self, messages: Sequence[Message]) -> list[Reply]:
        return self.here.pipeline(messages)

    # Made again

    def _replaced(self, lost: LibraryConnection) -> LibraryConnection:
        with self._making:
            if self._connection is lost or not self._connection.alive:
                self._replace()
            return self._connection

    def _replace(self) -> None:
        if self._lost:
            raise UserLostError(self._lost)
        if self._stopping:
            raise RefusedError(Status.CONNECTION_DISCONNECTED)
        began = time.monotonic()
        old = self._connection
        old.leave()
        # A server that is gone without a word may still hold the session: it is to end it.
        self._breaks.forget()
        why = ""
        while not why or time.monotonic() - began < GIVE_UP_S:
            try:
                self._connection = self._connect(old.session_id)
                break
            except (SMBException, OSError, ValueError) as error:
                why = reason_of(error)
            if not self._paused():
                raise RefusedError(Status.CONNECTION_DISCONNECTED)
        else:
            self._lost = (
                f"no connection to //{self._access.server}/{self._access.share} within {GIVE_UP_S:g} s "
                f"after the last one was lost: {why}"
            )
            raise UserLostError(self._lost)
        self._made_again.append(int((time.monotonic() - began) * 1e9))
        self._credit_waits += old.window.waits
        spent_ns = old.receiver_cpu_ns()
        known = spent_ns is not None and self._receiver_cpu_ns is not None
        self._receiver_cpu_ns = (self._receiver_cpu_ns or 0) + (spent_ns or 0) if known else None

    def _paused(self) -> bool:
        """Wait before the next attempt; False where the run is stopped."""
        until = time.monotonic() + PAUSE_S
        while not self._stopping and (left_s := until - time.monotonic()) > 0:
            time.sleep(min(_LOOK_S, left_s))
        return not self._stopping

    def stop(self) -> None:
        """No further attempt; for a signal handler."""
        self._stopping = True

    def leave(self) -> None:
        """Log off and disconnect. Raises nothing."""
        self._connection.leave()

    # What it counted

    def count(self, what: str, times: int = 1) -> None:
        """Note that something was done so many times."""
        with self._counting:
            self.counts[what] += times

    @property
    def lost(self) -> str:
        """Why the user was given up; empty where it was not."""
        return self._lost

    def statistics(self) -> dict[str, Any]:
        """What was negotiated first, which dialect was asked for, and how often the connection was lost."""
        asked = self._access.dialect
        return {
            "dialect": self._facts.dialect,
            "asked_dialect": None if asked is None else dialect_name(asked),
            "signed": self._facts.signed,
            "encrypted": self._facts.encrypted,
            "local_port": self._facts.local_port,
            "max_read": self._facts.max_read,
            "max_write": self._facts.max_write,
            "credits": self._facts.credits,
            "made_again": len(self._made_again),
            "made_again_ns": self._made_again,
            "lost": bool(self._lost),
        }

    def receiver_cpu_ns(self) -> int | None:
        """CPU time of the receiving threads; None where the system hides it."""
        mine = self._connection.receiver_cpu_ns()
        return None if mine is None or self._receiver_cpu_ns is None else mine + self._receiver_cpu_ns

    @property
    def credit_waits(self) -> int:
        """How often a request waited for credits."""
        return self._credit_waits + self._connection.window.waits


def reason_of(error: Exception) -> str:
    """Why a connection could not be made, as a part of a sentence."""
    if isinstance(error, SMBResponseException):
        return f"the server refused ({status_name(error.status)})"
    return " ".join(str(error).split()).rstrip(".") or type(error).__name__
