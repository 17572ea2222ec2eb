"""SMB2 messages → exchanges: requests and responses of one connection paired by message id. Pure.

Every request counts exactly once, whatever it is; every response either ends a request or is counted as an
orphan; every unsolicited break is an exchange of its own. Times decide, not the order of the file: captures
of several queues have answers ahead of their requests, so an answer waits a while for its request. Memory
holds only what is not answered yet, and what waits.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from smbench.capture.bodies import read_break, read_request, read_response
from smbench.capture.pdus import Pdu
from smbench.capture.wire import Header, read_header
from smbench.smb2.constants import (
    FLAGS_ASYNC_COMMAND,
    FLAGS_DFS_OPERATIONS,
    FLAGS_RELATED_OPERATIONS,
    FLAGS_REPLAY_OPERATION,
    FLAGS_SERVER_TO_REDIR,
    FLAGS_SIGNED,
    UNSOLICITED_MESSAGE_ID,
)
from smbench.smb2.ntstatus import Status
from smbench.trace.messages import SessionSetupRequest
from smbench.trace.model import Command, Exchange

_WINDOW_NS = 1_000_000_000
"""How far apart an answer that comes first and its request may be: a new connection's ids begin anew."""
_MOST_EARLY = 1024
_MOST_EARLY_BYTES = 1 << 20
"""Message ids of answers that wait for their requests, and bytes of those answers."""
_MOST_OPEN = 1 << 14
"""Requests that wait for their answers: more than servers give credits for."""


class Paired(NamedTuple):
    """An exchange and what naming needs beside it; its first five fields order a whole trace.

    `exchange` has the wire's time (nanoseconds since 1970) and its connection; session, tree, user, handle
    and path are not known yet.
    """

    time_ns: int
    capture: int
    frame: int
    position: int
    """Place among the messages of its connection: what ends with one frame may be read at several times."""
    connection: int
    exchange: Exchange
    chain: int
    """Number of the compound among those of its connection; -1 for a message of its own."""
    session_id: int
    """The response's where the request had none yet (SESSION_SETUP)."""
    tree_id: int | None
    """The response's of a TREE_CONNECT."""
    given: bool = False
    """The response gave the session its id: a new session begins."""


class Pairing:
    """The messages of one connection in the capture's order, and the exchanges that they make."""

    __slots__ = ("_early", "_early_bytes", "_frame", "_link", "_open", "connection", "counts")

    def __init__(self, connection: int) -> None:
        self.connection = connection
        self._open: OrderedDict[int, Paired] = OrderedDict()
        self._early: OrderedDict[int, list[tuple[Header, Pdu]]] = OrderedDict()
        """Answers without a request so far, by message id, those that came first first."""
        self._early_bytes = 0
        self._frame = (-1, -1)
        self._link = _Link()
        self.counts: Counter[str] = Counter()

    def message(self, pdu: Pdu) -> Sequence[Paired]:
        """Take one message; the exchanges that it completes."""
        header = read_header(pdu.data)
        if self._frame != (pdu.capture, pdu.frame):
            self._frame = (pdu.capture, pdu.frame)
            self._link.part()
        self._link.follow(pdu.origin, header.next_command != 0)
        if not header.flags & FLAGS_SERVER_TO_REDIR:
            return self._request(header, pdu)
        if header.message_id == UNSOLICITED_MESSAGE_ID:
            made = self._exchange(header, pdu)
            made.exchange.notification = True
            made.exchange.request = read_break(pdu.data)
            return (made,)
        return self._response(header, pdu)

    def unanswered(self) -> Iterator[Paired]:
        """At the end: the requests that no final response came for."""
        self.counts["unanswered"] += len(self._open)
        yield from self._open.values()
        self._open.clear()
        self.counts["orphan_responses"] += sum(map(len, self._early.values()))
        self._early.clear()

    def _exchange(self, header: Header, pdu: Pdu) -> Paired:
        flags, link = header.flags, self._link
        exchange = Exchange(
            index=-1,
            capture=pdu.capture,
            frame=pdu.frame,
            command=header.command,
            time_ns=pdu.time_ns,
            connection=self.connection,
            message_id=header.message_id,
            compound_position=link.place if link.chain >= 0 else 0,
            related=bool(flags & FLAGS_RELATED_OPERATIONS),
            credit_charge=header.credit_charge,
            credits_requested=header.credits,
            signed=bool(flags & FLAGS_SIGNED),
            encrypted=pdu.origin.endswith(b"e"),
            replayed=bool(flags & FLAGS_REPLAY_OPERATION),
            dfs=bool(flags & FLAGS_DFS_OPERATIONS),
            async_id=header.tree_or_async if flags & FLAGS_ASYNC_COMMAND else None,
        )
        return Paired(
            pdu.time_ns,
            pdu.capture,
            pdu.frame,
            link.position,
            self.connection,
            exchange,
            link.chain,
            header.session_id,
            header.tree_id,
        )

    def _request(self, header: Header, pdu: Pdu) -> Sequence[Paired]:
        made = self._exchange(header, pdu)
        request = read_request(header, pdu.data)
        if pdu.identity is not None and isinstance(request, SessionSetupRequest):
            request = replace(request, **pdu.identity._asdict())
        made.exchange.request = request
        if header.command == Command.CANCEL:
            # It repeats the id of the request that it cancels, and nothing answers it ([MS-SMB2] 3.3.5.16).
            return (made,)
        done: list[Paired] = []
        if header.command == Command.NEGOTIATE and self._open:
            # A connection begins, and where the capture lost that, another one has ended before.
            done = list(self._open.values())
            self.counts["unanswered"] += len(done)
            self._open.clear()
        earlier = self._open.get(header.message_id)
        if earlier is not None:
            if earlier.exchange.command == header.command and earlier.exchange.request == request:
                # The first is what the server answers; the copy stands unanswered, and says what it is.
                made.exchange.retransmission = True
                self.counts["retransmissions"] += 1
                return (made,)
            # Ids begin anew where a capture lost the end of one connection and the start of the next.
            self.counts["unanswered"] += 1
        self._open[header.message_id] = made
        if earlier is not None:
            done.append(earlier)
        if len(self._open) > _MOST_OPEN:
            # Of a capture of one direction none is ever answered.
            self.counts["unanswered"] += 1
            done.append(self._open.popitem(last=False)[1])
        for answer, response in self._early.pop(header.message_id, ()):
            self._early_bytes -= len(response.data)
            near = abs(response.time_ns - pdu.time_ns) <= _WINDOW_NS
            done += self._answered(made, answer, response) if near else self._orphan()
        return done

    def _response(self, header: Header, pdu: Pdu) -> Sequence[Paired]:
        made = self._open.get(header.message_id)
        if made is not None and pdu.time_ns > made.time_ns - _WINDOW_NS:
            return self._answered(made, header, pdu)
        self._early.setdefault(header.message_id, []).append((header, pdu))
        self._early_bytes += len(pdu.data)
        while len(self._early) > _MOST_EARLY or self._early_bytes > _MOST_EARLY_BYTES:
            for _, response in self._early.popitem(last=False)[1]:
                self._early_bytes -= len(response.data)
                self._orphan()
        return ()

    def _orphan(self) -> Sequence[Paired]:
        self.counts["orphan_responses"] += 1
        return ()

    def _answered(self, made: Paired, header: Header, pdu: Pdu) -> Sequence[Paired]:
        if made.exchange.command != header.command or header.message_id not in self._open:
            return self._orphan()
        exchange = made.exchange
        exchange.credits_granted += header.credits
        if header.flags & FLAGS_ASYNC_COMMAND:
            exchange.async_id = header.tree_or_async
        if header.status == Status.PENDING and header.flags & FLAGS_ASYNC_COMMAND:
            exchange.pending_ns = max(pdu.time_ns, made.time_ns)
            return ()
        del self._open[header.message_id]
        exchange.response_frame = pdu.frame
        # Clocks of several queues differ: no answer is ahead of its request.
        exchange.response_ns = max(pdu.time_ns, made.time_ns)
        exchange.status = header.status
        exchange.response = read_response(header, pdu.data, exchange.request)
        if header.command == Command.TREE_CONNECT:
            made = made._replace(tree_id=header.tree_id)
        if not made.session_id:
            made = made._replace(session_id=header.session_id, given=True)
        return (made,)


class _Link:
    """Where a message stands: its position, and the compound that it is part of, which no frame leaves."""

    __slots__ = ("_chains", "_goes_on", "_origin", "chain", "place", "position")

    def __init__(self) -> None:
        self.position = -1
        self.chain = -1
        self.place = 0
        self._chains = 0
        self._goes_on = False
        self._origin = b""

    def part(self) -> None:
        """Another frame begins."""
        self._goes_on = False

    def follow(self, origin: bytes, goes_on: bool) -> None:
        self.position += 1
        if self._goes_on and origin == self._origin:
            self.place += 1
        elif goes_on:
            self.chain = self._chains
            self._chains += 1
            self.place = 0
        else:
            self.chain, self.place = -1, 0
        self._goes_on, self._origin = goes_on, origin
