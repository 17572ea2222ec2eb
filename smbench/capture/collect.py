"""What a reader of connections gathers, whichever way it reads them: exchanges, facts and counts."""

from __future__ import annotations

from pathlib import Path

from smbench.capture.facts import Facts
from smbench.capture.pairing import Paired, Pairing
from smbench.capture.pdus import Stream
from smbench.spill import Sorter

_MOST_READERS = 1 << 16


class Collector:
    """Of one reader among others: the numbers of their connections never meet, where theirs do not."""

    def __init__(self, folder: Path, reader: int = 0) -> None:
        self.facts = Facts()
        self.exchanges: Sorter[Paired] = Sorter(folder)
        self.forgotten: set[int] = set()
        """Connections that another reader reads: their exchanges are no result of this one."""
        self._next = reader

    def connect(self, ends: Stream, from_client: bool, time_ns: int) -> int:
        """A new connection's number; `from_client`: the client is the source of `ends`, not the target."""
        number = self._next
        self._next += _MOST_READERS
        self.facts.connect(number, ends, from_client, time_ns)
        return number

    def complete(self, paired: Paired) -> None:
        """An exchange that is complete, or will never be."""
        self.facts.exchange(paired)
        self.exchanges.add(paired)

    def finish(self, pairing: Pairing) -> None:
        """A connection has ended."""
        for paired in pairing.unanswered():
            self.complete(paired)
        self.facts.lack(pairing.connection, pairing.counts)
