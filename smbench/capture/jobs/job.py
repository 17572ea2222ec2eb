"""The work of one reader, and what comes of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from smbench.capture.connections import HandedOver
from smbench.capture.direct import Opens
from smbench.capture.facts import Facts
from smbench.capture.formats import names_of
from smbench.capture.home import Home
from smbench.capture.limits import NO_LIMITS, Limits
from smbench.capture.names import Named
from smbench.capture.parts import Part
from smbench.capture.pdus import Stream
from smbench.capture.sources import Source
from smbench.spill import Run


@dataclass(frozen=True, slots=True)
class DirectJob:
    """Read all packets of the sources, and of their connections the `number`th of `of` shares."""

    sources: tuple[Source, ...]
    ports: frozenset[int]
    opens: Opens
    number: int
    of: int
    scratch: Path
    limits: Limits = NO_LIMITS

    @property
    def name(self) -> str:
        """What is read, for messages."""
        return names_of([source.given for source in self.sources])

    @property
    def size(self) -> int:
        """Bytes that are read."""
        return sum(source.size for source in self.sources)


@dataclass(frozen=True, slots=True)
class TapJob:
    """One tshark's work: a whole capture, or a part that was made for it."""

    what: Source | Part
    home: Home
    """tshark's own."""
    ports: tuple[int, ...]
    number: int
    scratch: Path
    captures: tuple[Path, ...]
    """What the user gave that this is all or part of."""
    limits: Limits = NO_LIMITS
    keep_going: bool = False
    """Where tshark stops before the end, what it read before counts."""

    @property
    def name(self) -> str:
        """What is read, for messages."""
        return names_of(self.captures)

    @property
    def size(self) -> int:
        """Bytes that are read."""
        return self.what.path.stat().st_size

    def called(self, capture: int) -> str:
        """A capture, by its number, for messages."""
        return str(self.what.given if isinstance(self.what, Source) else self.captures[capture])

    def place(self) -> Callable[[int], tuple[int, int]]:
        """Frame number in the file → (capture, frame number there)."""
        if isinstance(self.what, Part):
            return self.what.place()
        capture = self.what.number
        return lambda frame: (capture, frame)

    def ends(self) -> Mapping[str, Stream]:
        """The real ends of connections that have others here."""
        return self.what.ends if isinstance(self.what, Part) else {}


Job = DirectJob | TapJob


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a job: facts, the exchanges in runs on disk, and what somebody else has to read."""

    facts: Facts
    runs: list[Run]
    forgotten: frozenset[int] = frozenset()
    """Connections whose exchanges do not count."""
    handed_over: tuple[HandedOver, ...] = ()
    names: tuple[Named, ...] = ()
    elsewhere: int = 0
    """Packets that may hold SMB and are no plain TCP."""
    stopped: tuple[str, ...] = ()
    """What has to be known of decoders that stopped before the end, in sentences."""
