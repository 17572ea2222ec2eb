"""What the messages say of their connections and sessions, gathered while they are read. Pure.

One reader gathers for the connections that it reads; `smbench.capture.sessions` makes the trace's sessions
and users of all of them, before a single exchange is named.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Set
from dataclasses import dataclass, field, replace

from smbench.capture.pairing import Paired
from smbench.capture.pdus import Sealed, Stream
from smbench.smb2.constants import (
    DIALECT_WILDCARD,
    NEGOTIATE_SIGNING_REQUIRED,
    RELATED_SESSION_ID,
    SESSION_FLAG_IS_NULL,
)
from smbench.trace.messages import (
    NegotiateRequest,
    NegotiateResponse,
    SessionSetupRequest,
    SessionSetupResponse,
)
from smbench.trace.model import Command, Connection

NO_SESSION = 0
"""The session id before authentication."""


@dataclass(slots=True)
class SessionFacts:
    """One session id on one connection, from its authentication (or first message) to its last request.

    What follows a session cannot be told by when answers came, nor by what only takes leave of it.
    """

    connection: int
    session_id: int
    first_ns: int
    last_ns: int
    fresh: bool = False
    """Its first message is a SESSION_SETUP that was given this id: nothing of it came before."""
    established: bool = False
    used: bool = False
    """It carried something beside its authentication."""
    left: bool = False
    """Its client has logged off; what it may have sent behind that has failed."""
    account: str | None = None
    domain: str | None = None
    workstation: str | None = None
    mechanism: str | None = None
    anonymous: bool = False
    previous: int = 0
    """The session that this one takes the place of, as its client says (PreviousSessionId); 0: of none."""
    encrypted: int = 0
    sealed: int = 0
    """Messages that no key opened."""


@dataclass(slots=True)
class Facts:
    """Of all connections that one reader reads."""

    connections: dict[int, Connection] = field(default_factory=dict)
    began_ns: dict[int, int] = field(default_factory=dict)
    sessions: dict[tuple[int, int], list[SessionFacts]] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    """What the capture lacks, beside what its connections lack: …"""
    lacks: dict[int, Counter[str]] = field(default_factory=dict)
    """… of those that lack anything."""
    end_ns: int = 0

    def connect(self, number: int, ends: Stream, from_client: bool, time_ns: int) -> None:
        """A connection's first message; `from_client` tells which way it went."""
        source, source_port, target, target_port = ends[1:]
        if not from_client:
            source, source_port, target, target_port = target, target_port, source, source_port
        self.connections[number] = Connection(source, source_port, target, target_port)
        self.began_ns[number] = time_ns

    def without(self, numbers: Set[int]) -> Facts:
        """The same without what they say of some connections."""
        return replace(
            self,
            connections={
                number: known for number, known in self.connections.items() if number not in numbers
            },
            began_ns={number: time for number, time in self.began_ns.items() if number not in numbers},
            lacks={number: known for number, known in self.lacks.items() if number not in numbers},
            sessions={key: known for key, known in self.sessions.items() if key[0] not in numbers},
        )

    def lack(self, number: int, counts: Counter[str]) -> None:
        """What a connection lacks."""
        if counts := +counts:
            self.lacks.setdefault(number, Counter()).update(counts)

    def all_counts(self) -> Counter[str]:
        """What the capture and its connections lack."""
        return sum(self.lacks.values(), self.counts.copy())

    def sealed(self, connection: int, message: Sealed) -> None:
        """A message that stays closed."""
        facts = self._session(connection, message.session_id, message.time_ns)
        facts.sealed += 1
        facts.used = True
        facts.last_ns = max(facts.last_ns, message.time_ns)
        self.end_ns = max(self.end_ns, message.time_ns)

    def exchange(self, paired: Paired) -> None:
        """An exchange that is complete, or will never be."""
        exchange, number = paired.exchange, paired.exchange.connection
        self.end_ns = max(self.end_ns, exchange.response_ns or paired.time_ns)
        if exchange.command == Command.NEGOTIATE:
            self._negotiated(self.connections[number], exchange.request, exchange.response)
        if paired.session_id in (NO_SESSION, RELATED_SESSION_ID):
            return
        if exchange.command == Command.SESSION_SETUP:
            self._authenticated(paired)
            return
        facts = self._session(number, paired.session_id, paired.time_ns)
        facts.used = True
        facts.encrypted += exchange.encrypted
        facts.left = facts.left or exchange.command == Command.LOGOFF
        if not facts.left and exchange.command != Command.TREE_DISCONNECT:
            facts.last_ns = max(facts.last_ns, paired.time_ns)

    def _session(self, connection: int, session_id: int, time_ns: int) -> SessionFacts:
        known = self.sessions.setdefault((connection, session_id), [])
        if not known:
            known.append(SessionFacts(connection, session_id, time_ns, time_ns))
        return known[-1]

    @staticmethod
    def _negotiated(connection: Connection, request: object, response: object) -> None:
        if isinstance(request, NegotiateRequest):
            connection.client_guid = request.client_guid
        if isinstance(response, NegotiateResponse) and response.dialect != DIALECT_WILDCARD:
            connection.dialect = response.dialect
            connection.max_read = response.max_read
            connection.max_write = response.max_write
            connection.max_transact = response.max_transact
            connection.server_capabilities = response.capabilities
            if response.security_mode is not None:
                connection.signing_required = bool(response.security_mode & NEGOTIATE_SIGNING_REQUIRED)

    def _authenticated(self, paired: Paired) -> None:
        exchange = paired.exchange
        request, response, key = exchange.request, exchange.response, (exchange.connection, paired.session_id)
        if paired.given and (known := self.sessions.get(key)) and (known[-1].established or known[-1].used):
            known.append(SessionFacts(*key, paired.time_ns, paired.time_ns))
        facts = self._session(*key, paired.time_ns)
        facts.last_ns = max(facts.last_ns, paired.time_ns)
        facts.fresh = facts.fresh or (paired.given and not _binding(request))
        if isinstance(request, SessionSetupRequest):
            facts.account = request.account or facts.account
            facts.domain = request.domain or facts.domain
            facts.workstation = request.workstation or facts.workstation
            facts.mechanism = request.mechanism or facts.mechanism
            facts.previous = request.previous_session_id or facts.previous
        facts.established = facts.established or exchange.status == 0
        if isinstance(response, SessionSetupResponse) and exchange.status == 0 and response.session_flags:
            facts.anonymous = bool(response.session_flags & SESSION_FLAG_IS_NULL)


def _binding(request: object) -> bool:
    return isinstance(request, SessionSetupRequest) and request.binding
