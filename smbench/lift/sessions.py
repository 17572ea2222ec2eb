"""When sessions ended: a capture seldom shows a LOGOFF, and never the end of a connection."""

from __future__ import annotations

from collections.abc import Iterable

from smbench.trace.model import Session, Trace
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

    def session_id(self, session: int) -> int | None:
        """The number by which the wire knows a session."""
        return self._sessions[session].session_id if 0 <= session < len(self._sessions) else None
