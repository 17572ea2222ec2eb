"""Facts of all connections → the trace's connections, sessions and users. Pure.

A session that spans connections (multichannel) is one: the same id at the same server, unless it was freshly
given again; a SESSION_SETUP that binds a channel names a session of another address of the server. What a
user is says `smbench.trace.model.User`.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from smbench.capture.facts import Facts, SessionFacts
from smbench.trace.model import Connection, Session, User

ANONYMOUS = "anonymous"


@dataclass(slots=True)
class Directory:
    """Who is who in a trace: numbers for what the wire calls by ids."""

    connections: list[Connection] = field(default_factory=list)
    sessions: list[Session] = field(default_factory=list)
    users: list[User] = field(default_factory=list)
    _connection: dict[int, int] = field(default_factory=dict)
    _channels: set[tuple[int, int]] = field(default_factory=set)
    """(session, connection) that belong together."""
    _sessions: dict[tuple[int, int], list[tuple[int, int]]] = field(default_factory=dict)

    def connection(self, wire: int) -> int:
        """The trace's number of a reader's connection."""
        return self._connection[wire]

    def session(self, wire: int, session_id: int, time_ns: int) -> int:
        """The session that an id means on a reader's connection at a time; -1 where it means none."""
        begun = self._sessions.get((wire, session_id))
        if begun is None:
            return -1
        if len(begun) == 1:
            return begun[0][1]
        return begun[max(0, bisect_right(begun, (time_ns, len(self.sessions))) - 1)][1]

    def add_connections(self, parts: Iterable[Facts]) -> None:
        """Number the connections in the order in which they began."""
        found = [
            (facts.began_ns[wire], made.ends, wire, made)
            for facts in parts
            for wire, made in facts.connections.items()
        ]
        # Not by who read them: how many readers there were makes no other trace.
        for *_, wire, connection in sorted(found, key=lambda item: item[:-1]):
            self._connection[wire] = len(self.connections)
            self.connections.append(connection)

    def add_session(self, facts: SessionFacts, number: int) -> None:
        """Let an id on a connection mean session `number`, from the time of these facts on."""
        if number == len(self.sessions):
            self.sessions.append(Session(facts.session_id))
        session = self.sessions[number]
        connection = self._connection[facts.connection]
        if (number, connection) not in self._channels:
            self._channels.add((number, connection))
            session.connections.append(connection)
        session.account = session.account or facts.account or (ANONYMOUS if facts.anonymous else None)
        session.domain = session.domain or facts.domain
        session.workstation = session.workstation or facts.workstation
        session.mechanism = session.mechanism or facts.mechanism
        session.encrypted = session.encrypted or bool(facts.encrypted or facts.sealed)
        session.decrypted = session.decrypted and not facts.sealed
        self._sessions.setdefault((facts.connection, facts.session_id), []).append((facts.first_ns, number))


def directory(parts: Iterable[Facts]) -> Directory:
    """Connections, sessions and users of a trace, from what its readers gathered."""
    parts = list(parts)
    made = Directory()
    made.add_connections(parts)
    found = [facts for part in parts for known in part.sessions.values() for facts in known]
    spans: dict[int, _Span] = {}
    current: dict[tuple[str, int], int] = {}
    by_id: dict[int, int] = {}
    for facts in sorted(found, key=lambda item: (item.first_ns, made.connection(item.connection))):
        mine = made.connections[made.connection(facts.connection)]
        server = mine.server
        number = current.get((server, facts.session_id))
        if number is not None and spans[number].is_another(facts, mine):
            number = None
        elif number is None and not facts.fresh and facts.session_id in by_id:
            # Another address of the server: multichannel, or a channel whose binding is not in the capture.
            number = by_id[facts.session_id]
            if mine.client_guid not in spans[number].guids:
                number = None
        if number is None or facts.fresh:
            number = len(made.sessions)
        current[(server, facts.session_id)] = by_id[facts.session_id] = number
        made.add_session(facts, number)
        spans.setdefault(number, _Span(facts.first_ns, facts.last_ns)).extend(
            facts, mine, current.get((server, facts.previous), -1)
        )
    _users(made, spans)
    return made


@dataclass(slots=True)
class _Span:
    first_ns: int
    last_ns: int
    real: bool = False
    replaced: int = -1
    """The session that this one takes the place of."""
    left: bool = False
    """Its client has logged off."""
    accounts: set[str] = field(default_factory=set)
    guids: set[str] = field(default_factory=set)
    clients: set[str] = field(default_factory=set)
    """What its connections know of whose it is; addresses at last."""

    def is_another(self, facts: SessionFacts, mine: Connection) -> bool:
        """Whether its id, which the same server has given, means another session there, though nobody saw it
        given again.

        At one time a server has given it once; later it may have been given to somebody else.
        """
        if facts.account and self.accounts and facts.account.lower() not in self.accounts:
            return True
        if mine.client_guid and self.guids:
            return mine.client_guid not in self.guids
        return facts.first_ns > self.last_ns and (self.left or mine.client not in self.clients)

    def extend(self, facts: SessionFacts, mine: Connection, replaced: int) -> None:
        """One more connection that it is used on."""
        if facts.account:
            self.accounts.add(facts.account.lower())
        if mine.client_guid:
            self.guids.add(mine.client_guid)
        self.clients.add(mine.client)
        self.replaced = max(self.replaced, replaced)
        self.first_ns = min(self.first_ns, facts.first_ns)
        self.last_ns = max(self.last_ns, facts.last_ns)
        self.left = self.left or facts.left
        # An authentication that was refused makes no user of whoever tried.
        self.real = self.real or facts.established or facts.used


@dataclass(slots=True)
class _Client:
    """One user in the making: the ClientGuids and the times of its sessions."""

    number: int
    guids: set[str] = field(default_factory=set)
    last_ns: int = 0


def _users(made: Directory, spans: Mapping[int, _Span]) -> None:
    clients: dict[tuple[str, str], list[_Client]] = {}
    names: Counter[str] = Counter()
    unknown = 0
    for number in sorted(spans, key=lambda number: (spans[number].first_ns, number)):
        span, session = spans[number], made.sessions[number]
        if not span.real:
            continue
        connections = [made.connections[connection] for connection in session.connections]
        guids = {connection.client_guid for connection in connections if connection.client_guid}
        address = connections[0].client
        name = _name(session)
        known = clients.setdefault((name.lower(), address), [])
        before = made.sessions[span.replaced].user if span.replaced >= 0 else -1
        client = next((one for one in known if one.number == before), None) or _fitting(known, guids, span)
        if client is None:
            client = _Client(len(made.users))
            known.append(client)
            if not name:
                unknown += 1
            shown = name or f"unknown-{unknown}"
            names[shown.lower()] += 1
            again = names[shown.lower()]
            made.users.append(User(shown if again == 1 else f"{shown}#{again}", address))
        client.guids |= guids
        client.last_ns = max(client.last_ns, span.last_ns)
        session.user = client.number
        made.users[client.number].sessions.append(number)


def _name(session: Session) -> str:
    if not session.account:
        return ""
    return f"{session.domain}\\{session.account}" if session.domain else session.account


def _fitting(known: list[_Client], guids: set[str], span: _Span) -> _Client | None:
    """The client of this account and address that a session belongs to, if it is not one more."""
    for client in known:
        if client.guids & guids or not guids or not client.guids:
            return client
    return next((client for client in known if client.last_ns < span.first_ns), None)
