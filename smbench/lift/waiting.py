"""Which opens have exchanges that wait for a decision, the longest first."""

from __future__ import annotations

from collections.abc import Iterator

from smbench.lift.rule import Opened
from smbench.trace.model import Command, Exchange


class Waiting:
    """The exchanges themselves are the opens' (`Opened.waiting`): here is what of the trace they hold up."""

    def __init__(self) -> None:
        self._opens: dict[int, Opened] = {}
        """By the number of the first exchange that waits; in the order of these numbers."""
        self._flushed: dict[tuple[int, str], Opened] = {}
        """Those of them that have a FLUSH, by session and path."""

        self._scanned: dict[tuple[int, str], Opened] = {}
        """Those of directories that are being read, by session and path."""

    def __bool__(self) -> bool:
        return bool(self._opens)

    def __iter__(self) -> Iterator[Opened]:
        return iter(list(self._opens.values()))

    def oldest(self, now: int) -> int:
        """The number of the oldest exchange that waits, `now` where none does."""
        return next(iter(self._opens), now)

    def longest(self) -> Opened:
        """The open whose exchange is the oldest; there is one."""
        return next(iter(self._opens.values()))

    def flushed(self, session: int, path: str) -> Opened | None:
        """The open of that path on which a FLUSH is the last that waits."""
        opened = self.flushed_first(session, path)
        return opened if opened is not None and opened.waiting[-1].command == Command.FLUSH else None

    def flushed_first(self, session: int, path: str) -> Opened | None:
        """The open of that path on which a FLUSH waits, and maybe more after it."""
        return self._flushed.get((session, path)) if self._flushed else None

    def scanned(self, session: int, path: str) -> Opened | None:
        """The open of that directory on which a QUERY_DIRECTORY is the first that waits."""
        return self._scanned.get((session, path)) if self._scanned else None

    def add(self, opened: Opened, exchange: Exchange) -> None:
        """The first exchange of an open that waits; more may be put to it there."""
        late = bool(self._opens) and next(reversed(self._opens)) > exchange.index
        self._opens[exchange.index] = opened
        if late:  # it had waited behind one that turned out to be no part of its pattern
            self._opens = dict(sorted(self._opens.items()))
        self.extend(opened, exchange)

    def extend(self, opened: Opened, exchange: Exchange) -> None:
        """One more of an open of which some wait."""
        opened.waiting.append(exchange)
        if exchange.command == Command.FLUSH:
            self._flushed[opened.session, opened.path] = opened
        elif exchange.command == Command.QUERY_DIRECTORY:
            self._scanned[opened.session, opened.path] = opened

    def take(self, opened: Opened) -> list[Exchange]:
        """Nothing of an open waits any more; returns what did."""
        waiting, opened.waiting = opened.waiting, []
        if waiting:
            self._opens.pop(waiting[0].index, None)
            if self._flushed.get((opened.session, opened.path)) is opened:
                del self._flushed[opened.session, opened.path]
            if self._scanned.get((opened.session, opened.path)) is opened:
                del self._scanned[opened.session, opened.path]
        return waiting
