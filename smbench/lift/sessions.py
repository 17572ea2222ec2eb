"""When sessions ended: a capture seldom shows a LOGOFF, and never the end of a connection."""

from __future__ import annotations

from collections.abc import Iterable

from smbench.lift.rule import Opened
from smbench.trace.messages import CreateResponse, SessionSetupRequest
from smbench.trace.model import Command, Exchange, Session, Trace
from smbench.trace.store import StoredExchanges


class SessionEnds:
    """Where each session of a trace was last heard of; one quick pass over the trace."""

    def __init__(self, trace: Trace) -> None:
        stored = trace.exchanges
        heard: Iterable[tuple[int, int]]
        if isinstance(stored, StoredExchanges):
            heard = stored.fields("session", "index")
        else:
            heard = ((exchange.session, exchange.index) for exchange in stored)
        self._last = dict(heard)
        self._sessions: list[Session] = trace.info.sessions

    def is_over(self, session: int, exchange: int) -> bool:
        """Whether nothing of the session follows the exchange of that number."""
        return session >= 0 and self._last.get(session, -1) < exchange

    def succeeded_by(self, setup: Exchange, opens: Iterable[Opened]) -> list[Opened]:
        """What was open in sessions that this one takes the place of: a client that lost its connection comes
        back with a new one. The server has closed it ([MS-SMB2] 3.3.7.1), but for durable opens, which the
        client may take up again."""
        request = setup.request
        previous = request.previous_session_id if isinstance(request, SessionSetupRequest) else None
        return [
            opened
            for opened in opens
            if opened.user == setup.user
            and opened.session != setup.session
            and not _is_durable(opened)
            and (
                self.is_over(opened.session, setup.index)
                or (previous and self.session_id(opened.session) == previous)
            )
        ]

    def session_id(self, session: int) -> int | None:
        """The number by which the wire knows a session."""
        return self._sessions[session].session_id if 0 <= session < len(self._sessions) else None


def left_by(exchange: Exchange, opens: Iterable[Opened]) -> list[Opened]:
    """What is open on the tree, or in the session, that a client leaves: the server closes it."""
    whole_session = exchange.command == Command.LOGOFF
    return [
        opened
        for opened in opens
        if opened.session == exchange.session and (whole_session or opened.tree == exchange.tree)
    ]


def _is_durable(opened: Opened) -> bool:
    response = None if opened.create is None else opened.create.response
    granted = response.contexts if isinstance(response, CreateResponse) else ()
    return "DHnQ" in granted or "DH2Q" in granted
