"""TCP connections by their addresses: packets in, in the capture's order; each direction in order out."""

from __future__ import annotations

import socket
from abc import ABC, abstractmethod
from collections import Counter, OrderedDict
from collections.abc import Callable
from enum import StrEnum
from typing import NamedTuple

from smbench.capture.framing import Framing, Message, Packet
from smbench.capture.pdus import Stream
from smbench.capture.resync import session_of
from smbench.capture.segments import FIN, RST, SMB_PORTS, SYN, Segment
from smbench.capture.stream import Direction

Key = int
"""A connection by its first packet with a payload: how many segments came before, of all connections."""
_MOST_BEGUN = 100_000
"""Beginnings that are remembered, the newest."""
_MARKS = SYN | FIN | RST
_MOST_ENDED = 4096
"""Connections that have ended and are still there for what comes late or again, the newest."""
Kept = Callable[[bytes, int], int]
"""A message's header and size → how many of its bytes are needed."""


class Reason(StrEnum):
    """Why a connection is not read directly."""

    ENCRYPTED = "encrypted"
    COMPRESSED = "compressed"
    KERBEROS = "Kerberos"
    NOT_ASKED = "not asked"


class HandedOver(NamedTuple):
    """A connection of which somebody else reads all, or users' names: its ends, its first packet and that of
    the next one with the same ends, its number where it is read here too (else -1), and its bytes from there
    on."""

    ends: bytes
    key: Key
    until: Key
    number: int
    reason: Reason
    size: int


class Connection(ABC):
    """One TCP connection: what its two directions carry comes to `message`."""

    def __init__(self, kept: Kept, client: bytes, server: bytes, key: Key) -> None:
        self.name = client + server
        self.key = key
        self.reason: Reason | None = None
        """Set where nobody wants to hear more of it here."""
        self.heard = -1
        """When it last carried something, as a Key."""
        self.bytes = 0
        """What it has carried since then."""
        self.counts: Counter[str] = Counter()
        self.ends = Stream(b"", *_address(client), *_address(server))
        self.requests = Direction(Framing(self, kept, from_server=False))
        self.responses = Direction(Framing(self, kept, from_server=True))
        self.sessions: set[int] = set()
        self.number = -1
        """Its exchanges'; -1: it has none."""
        self.names: Reason | None = None
        """Why its users' names are for somebody else to read."""

    def use_session(self, data: bytes | bytearray) -> int:
        """Take note of the session of a message of which there is `data`; its id, or 0."""
        session_id = session_of(data)
        if session_id:
            self.sessions.add(session_id)
        return session_id

    @abstractmethod
    def message(self, message: Message) -> None:
        """What one length framed, of either direction."""

    def unreadable(self, what: str) -> None:
        """Bytes that are no message, or were lost with one."""
        self.counts[what] += 1

    def known_session(self, session_id: int) -> bool | None:
        """Whether the connection has used this session id; None: it has used none so far."""
        return session_id in self.sessions if self.sessions else None

    def end(self) -> None:
        """No more packets."""
        for direction in (self.requests, self.responses):
            direction.end()
            self.counts["tcp_gaps"] += direction.gaps
            self.counts["snapped"] += direction.snapped
            self.counts["late_segments"] += direction.late
            # What is read knows its reader, and nobody looks for such cycles while captures are read.
            direction.forget()


def _address(end: bytes) -> tuple[str, int]:
    family = socket.AF_INET if len(end) == 6 else socket.AF_INET6
    return socket.inet_ntop(family, end[:-2]), int.from_bytes(end[-2:], "big")


Make = Callable[[bytes, bytes, Key], Connection]
"""Client's and server's end, as packed address and port, and the first packet → the connection."""


class _Entry(NamedTuple):
    """A connection as the packets of one direction see it."""

    connection: Connection
    mine: Direction
    other: Direction


class Connections:
    """All connections of a capture, by their addresses, which may be used again.

    Of several readers of the same packets, the `number`th of `of` has its connections only: what goes between
    two ends is for one of them, whoever has least so far.
    """

    def __init__(self, make: Make, ports: frozenset[int], number: int = 0, of: int = 1) -> None:
        self._make = make
        self._ports = frozenset(port.to_bytes(2, "big") for port in ports)
        self._number = number
        self._loads = [0] * of
        self._homes: dict[bytes, int] = {}
        """Whose connection it is between two ends; all readers see the same packets, and agree."""
        self._current: dict[bytes, _Entry] = {}
        self._passed = -1
        self._ended: OrderedDict[bytes, Key] = OrderedDict()
        """Connections of which an end has said that it is over, and when."""
        self._begun: OrderedDict[bytes, int] = OrderedDict()
        """SYNs of connections that have carried nothing yet, and may never: a port scan sends many."""
        self.handed_over: list[HandedOver] = []
        """Connections that have ended and that somebody else must read."""

    def packet(self, segment: Segment, packet: Packet) -> None:
        """One more packet, in the order of the capture."""
        source, target, sequence, acknowledged, flags, data, start, end, length = segment
        self._passed += 1
        if len(self._loads) > 1 and length and self._home(source, target, length) != self._number:
            return
        name = source + target
        entry = self._current.get(name)
        if entry is None:
            if not length:
                self._remember(name, sequence, flags)
                return
            entry = self._new(source, target)
        if length:
            entry.connection.heard = self._passed
        if flags & _MARKS:
            entry, sequence = self._marked(entry, segment)
        connection, mine, other = entry
        if connection.reason is not None:
            connection.bytes += length
            return
        if length:
            other.settle()
            if not mine.segment(sequence, data, start, end, length, packet):
                _, mine, other = self._again(mine, segment)
        if other.waits:
            if acknowledged >= 0:
                other.acknowledge(acknowledged)
            other.wait()
        if mine.waits:
            mine.wait()

    def _marked(self, entry: _Entry, segment: Segment) -> tuple[_Entry, int]:
        """Whose a segment is that begins or ends something, and where its payload is in the stream."""
        source, target, sequence = segment.source, segment.target, segment.sequence
        if not segment.flags & SYN:
            self._end(source + target, target + source)
            return entry, sequence
        if entry.mine.begins_again(sequence):
            entry = self._new(source, target)
        entry.mine.begin(sequence)
        return entry, sequence + 1

    def _again(self, before: Direction, segment: Segment) -> _Entry:
        """A new connection between the same ends, with what did not fit into the one before."""
        strays = before.strays
        entry = self._new(segment.source, segment.target)
        for number, captured, size, when in strays:
            entry.mine.segment(number, captured, 0, len(captured), size, when)
        return entry

    def finish(self) -> None:
        """The end of the captures."""
        for connection in {
            entry.connection.key: entry.connection for entry in self._current.values()
        }.values():
            self._retire(connection, self._passed + 1)
        self._current.clear()

    def _end(self, name: bytes, back: bytes) -> None:
        """An end has said that it is over; the oldest such connection goes, or a capture's length is held."""
        if name in self._ended or back in self._ended:
            return
        self._ended[name] = self._passed
        if len(self._ended) > _MOST_ENDED:
            oldest, said = self._ended.popitem(last=False)
            connection = self._current[oldest].connection
            if connection.heard > said:
                # It was not over, or not for the other end.
                self._ended[oldest] = connection.heard
                return
            for one in (oldest, oldest[len(oldest) // 2 :] + oldest[: len(oldest) // 2]):
                self._current.pop(one, None)
            self._retire(connection, self._passed)

    def _retire(self, connection: Connection, until: Key) -> None:
        connection.end()
        reason, size = connection.reason, connection.bytes
        if reason is None:
            reason, size = connection.names, 0
        if reason not in (None, Reason.NOT_ASKED):
            self.handed_over.append(
                HandedOver(connection.name, connection.key, until, connection.number, reason, size)
            )

    def _home(self, source: bytes, target: bytes, length: int) -> int:
        """Which reader has what goes between two ends, `length` bytes more of it."""
        home = self._homes.get(source + target)
        if home is None:
            home = self._loads.index(min(self._loads))
            self._homes[source + target] = self._homes[target + source] = home
        self._loads[home] += length
        return home

    def _new(self, source: bytes, target: bytes) -> _Entry:
        before = self._current.get(source + target)
        if before is not None:
            self._retire(before.connection, self._passed)
            self._ended.pop(source + target, None)
            self._ended.pop(target + source, None)
        from_client = self._rank(target) <= self._rank(source)
        client, server = (source, target) if from_client else (target, source)
        made = self._make(client, server, self._passed)
        self._current[client + server] = _Entry(made, made.requests, made.responses)
        self._current[server + client] = _Entry(made, made.responses, made.requests)
        for direction, name in ((made.requests, client + server), (made.responses, server + client)):
            if name in self._begun:
                direction.begin(self._begun.pop(name))
        return self._current[source + target]

    def _rank(self, end: bytes) -> int:
        """How likely this end is the server, 0 the most: a client may have a port that others serve at."""
        if int.from_bytes(end[-2:], "big") in SMB_PORTS:
            return 0
        return 1 if end[-2:] in self._ports else 2

    def _remember(self, name: bytes, sequence: int, flags: int) -> None:
        if flags & SYN:
            self._begun.pop(name, None)
            self._begun[name] = sequence
            if len(self._begun) > _MOST_BEGUN:
                self._begun.popitem(last=False)
