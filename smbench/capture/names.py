"""Users' names that tshark found in the SESSION_SETUPs of connections that are read without it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from smbench.capture.facts import Facts
from smbench.capture.pairing import Paired, Pairing
from smbench.capture.pdus import Identity, Pdu, Stream
from smbench.capture.tap.protocol import Place, read_lines
from smbench.trace.messages import SessionSetupRequest
from smbench.trace.model import Command


class Named(NamedTuple):
    """Who one SESSION_SETUP of a connection says it is."""

    connection: int
    message_id: int
    session_id: int
    """The session that it begins or goes on with."""
    time_ns: int
    identity: Identity


def found(lines: Iterable[bytes], place: Place, numbers: Mapping[str, int]) -> Iterator[Named]:
    """The names in a tap's lines; `numbers` are the connections', by the address of their clients there."""
    pairings: dict[bytes, Pairing] = {}
    ends: dict[bytes, int] = {}
    for line in read_lines(lines, place):
        if isinstance(line, Stream):
            number = numbers.get(line.source, numbers.get(line.destination))
            if number is not None:
                ends[line.stream] = number
        elif isinstance(line, Pdu) and line.stream in ends:
            pairing = pairings.setdefault(line.stream, Pairing(ends[line.stream]))
            for paired in pairing.message(line):
                yield from _named(paired)
    for pairing in pairings.values():
        for paired in pairing.unanswered():
            yield from _named(paired)


def _named(paired: Paired) -> Iterator[Named]:
    exchange, request = paired.exchange, paired.exchange.request
    if isinstance(request, SessionSetupRequest) and (request.account or request.workstation):
        who = Identity(request.account, request.domain, request.workstation)
        yield Named(paired.connection, exchange.message_id, paired.session_id, paired.time_ns, who)


def name_exchanges(exchanges: Iterable[Paired], names: Sequence[Named]) -> Iterator[Paired]:
    """The exchanges, those of `names` with the name in their request."""
    known = {(named.connection, named.message_id): named.identity for named in names}
    for paired in exchanges:
        exchange = paired.exchange
        if exchange.command == Command.SESSION_SETUP and isinstance(exchange.request, SessionSetupRequest):
            who = known.get((paired.connection, exchange.message_id))
            if who is not None:
                exchange.request = replace(exchange.request, **who._asdict())
        yield paired


def name_sessions(parts: Iterable[Facts], names: Sequence[Named]) -> None:
    """Let the sessions have their users' names."""
    for facts in parts:
        for named in names:
            for session in facts.sessions.get((named.connection, named.session_id), ()):
                if session.first_ns <= named.time_ns:
                    session.account = named.identity.account or session.account
                    session.domain = named.identity.domain or session.domain
                    session.workstation = named.identity.workstation or session.workstation
