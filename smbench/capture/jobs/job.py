"""The work of one reader, and what comes of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from smbench.capture.collect import Collector
from smbench.capture.connections import Connections, HandedOver
from smbench.capture.direct import Conversation, Opens
from smbench.capture.facts import Facts
from smbench.capture.formats import names_of
from smbench.capture.framing import Packet
from smbench.capture.names import Named, found
from smbench.capture.parts import Part
from smbench.capture.pdus import Stream
from smbench.capture.records import DAMAGED
from smbench.capture.segments import Elsewhere, Segments
from smbench.capture.sources import AllPackets, Source
from smbench.capture.tap.process import Progress, Tap
from smbench.capture.tap.reader import TapReader
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
    folder: Path
    """tshark's own."""
    ports: tuple[int, ...]
    number: int
    scratch: Path
    captures: tuple[Path, ...]
    """What the user gave that this is all or part of."""

    @property
    def name(self) -> str:
        """What is read, for messages."""
        return names_of(self.captures)

    @property
    def size(self) -> int:
        """Bytes that are read."""
        return self.what.path.stat().st_size

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


def carry_out(job: Job, progress: Progress) -> tuple[Collector, Result]:
    """Do the job; its exchanges are in the collector, and the result's runs are those that are on disk."""
    collector = Collector(job.scratch, job.number)
    if isinstance(job, TapJob):
        with Tap(job.what.path, job.folder, job.ports, progress, job.name) as tap:
            part = job.what if isinstance(job.what, Part) else None
            if part and part.numbers:
                named = tuple(found(tap, job.place(), part.numbers))
                return collector, Result(collector.facts, [], names=named)
            TapReader(collector, job.ends()).read(tap, job.place(), part.messages if part else 0)
            broken = isinstance(job.what, Source) and job.what.cut_short
            collector.facts.counts["cut_short"] += tap.cut_short or broken
        return collector, Result(collector.facts, collector.exchanges.runs)
    return _read_directly(job, collector, progress)


def _read_directly(job: DirectJob, collector: Collector, progress: Progress) -> tuple[Collector, Result]:
    segments = Segments(job.ports)
    connections = Connections(partial(Conversation, collector, job.opens), job.ports, job.number, job.of)
    elsewhere, damaged, packets = 0, 0, AllPackets(job.sources, progress)
    for source, frame, data, record in packets:
        if record.link == DAMAGED:
            damaged += 1
            continue
        segment = segments.of(record.link, data, record.packet, record.captured, record.length)
        if isinstance(segment, Elsewhere):
            elsewhere += 1
        elif segment is not None:
            connections.packet(segment, Packet(source.number, frame, record.time_ns))
    connections.finish()
    if job.number == 0:
        collector.facts.counts["cut_short"] += packets.cut_short
        collector.facts.counts["damaged_packets"] += damaged
    facts = collector.facts.without(collector.forgotten)
    result = Result(
        facts,
        collector.exchanges.runs,
        forgotten=frozenset(collector.forgotten),
        handed_over=tuple(connections.handed_over),
        elsewhere=elsewhere,
    )
    return collector, result
