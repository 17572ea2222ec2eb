"""The capture files of a decode, and their packets one after the other."""

from __future__ import annotations

import heapq
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from io import BufferedIOBase
from pathlib import Path

from smbench.capture import formats
from smbench.capture.formats import Format, Packing
from smbench.capture.given import State
from smbench.capture.limits import NO_LIMITS, Limits
from smbench.capture.records import Buffer, Record, pcap_records, pcapng_records
from smbench.capture.tshark import convert
from smbench.errors import SetupError, UsageError

_END = 1 << 80
"""Later than any time that a capture can tell, in nanoseconds."""
RECORDS: Mapping[Format, Callable[[Buffer], Iterator[Record]]] = {
    Format.PCAP: pcap_records,
    Format.PCAPNG: pcapng_records,
}


@dataclass(frozen=True, slots=True)
class Source:
    """One capture file, as `formats.examine` found it; `number` is its place among those that were given.

    Where it had to be made readable, `path` is what that made, and `given` the capture.
    """

    number: int
    path: Path
    packing: Packing
    format: Format
    given: Path
    cut_short: bool = False
    """It could not be made readable to its end."""
    at_first: State | None = None
    """Of the file that was given, before it was read."""
    limits: Limits = NO_LIMITS

    @property
    def size(self) -> int:
        """Bytes that are read of the file: as many as it had at first, though somebody goes on writing it."""
        size = self.path.stat().st_size
        same = self.at_first is not None and self.path == self.at_first.path
        return min(size, self.at_first.bytes) if same and self.at_first is not None else size

    def stream(self, file: BufferedIOBase) -> BufferedIOBase:
        """What this file, open, holds without its packing; UsageError behind as much as may come of it."""
        found = formats.unpacked(file, self.packing, self.size)
        if self.packing is Packing.PLAIN:
            return found
        return formats.Bounded(found, self.limits.unpacked(self.size), self.given)

    def changed(self) -> str:
        """What has become of the given file since it was examined, in a sentence; nothing where it is the
        same."""
        return "" if self.at_first is None else self.at_first.changed(self.given)


def examine(captures: Sequence[Path], names: Sequence[Path] = (), limits: Limits = NO_LIMITS) -> list[Source]:
    """The files as sources, under their paths or these names; UsageError where one can be no capture at
    all."""
    if not captures:
        raise UsageError("no capture was given: name at least one pcap or pcapng file")
    return [
        Source(number, path, *formats.examine(path, given), given, at_first=State.of(path), limits=limits)
        for number, (path, given) in enumerate(zip(captures, names or captures, strict=True))
    ]


def readable(source: Source, scratch: Path) -> Source:
    """The source as pcap or pcapng: tshark knows other formats, and writes what it reads as pcapng."""
    if source.format is not Format.OTHER:
        return source
    if source.packing is Packing.ZSTD:
        raise UsageError(f"{source.given} does not unpack to a pcap or pcapng file: give one that does")
    made = scratch / f"{source.number}.pcapng"
    with made.open("wb") as file:
        whole = convert(source.path, file, name=str(source.given), limits=source.limits)
    return replace(
        source,
        path=made,
        packing=Packing.PLAIN,
        format=Format.PCAPNG,
        cut_short=not whole or source.cut_short,
    )


def unpacked(source: Source, scratch: Path) -> Source:
    """The source as a file that tshark reads whatever it was built with; UsageError where too much comes of
    it."""
    if source.packing is Packing.PLAIN:
        return source
    by_tshark = source.packing is Packing.GZIP
    made = Path(os.devnull) if by_tshark else scratch / f"{source.number}.unpacked"
    with source.path.open("rb") as packed, made.open("wb") as file:
        whole = formats.copy(source.stream(packed), file)
    return source if by_tshark else replace(source, path=made, packing=Packing.PLAIN, cut_short=not whole)


_Packet = tuple[int, bytes, Record]
_Turn = tuple[int, int, _Packet, Iterator[_Packet]]
"""A source whose next packet is known: its time, the source's place, the packet, those behind it."""


class Packets:
    """The records of a source that hold packets: (frame as tshark counts, the file's bytes, the record).

    `hear` is told how far the file is read.
    """

    def __init__(self, source: Source, hear: Callable[[int], None] | None = None) -> None:
        if source.format is Format.OTHER:
            raise SetupError(f"{source.given} is no pcap or pcapng file")
        self._source = source
        self._hear = hear
        self.cut_short = False
        """After reading: the file ends in the middle of a record."""

    def __iter__(self) -> Iterator[_Packet]:
        frame, pieces = 0, 0
        with self._source.path.open("rb") as file:
            buffer = Buffer(self._source.stream(file))
            for record in RECORDS[self._source.format](buffer):
                frame += record.frame
                if self._hear is not None and buffer.pieces != pieces:
                    pieces = buffer.pieces
                    self._hear(file.tell())
                if record.packet >= 0:
                    yield frame, buffer.data, record
            self.cut_short = buffer.cut_short or self._source.cut_short


class AllPackets:
    """The packets of several sources by time: (source, frame, the file's bytes, the record).

    Captures may be taken side by side, one for each direction, and may hold the same packets. A source is
    open only while its turn is. `hear` is told how many bytes are read of all.
    """

    def __init__(self, sources: Sequence[Source], hear: Callable[[int], None] | None = None) -> None:
        self._sources = sources
        self._hear = hear
        self._positions = dict.fromkeys(range(len(sources)), 0)
        self.cut_short = 0
        """After reading: how many files end in the middle of a record."""

    def __iter__(self) -> Iterator[tuple[Source, int, bytes, Record]]:
        waiting = sorted(
            ((first_time_ns(source), place) for place, source in enumerate(self._sources)), reverse=True
        )
        turns: list[_Turn] = []
        while turns or waiting:
            if waiting and (not turns or waiting[-1][0] <= turns[0][0]):
                _, place = waiting.pop()
                packets = self._read(place)
                if (first := next(packets, None)) is not None:
                    heapq.heappush(turns, (first[2].time_ns, place, first, packets))
                continue
            _, place, packet, packets = heapq.heappop(turns)
            # As far as no other source has an earlier one.
            limit = min(turns[0][0] if turns else _END, waiting[-1][0] if waiting else _END)
            source = self._sources[place]
            yield source, *packet
            for packet in packets:
                if packet[2].time_ns > limit:
                    heapq.heappush(turns, (packet[2].time_ns, place, packet, packets))
                    break
                yield source, *packet

    def _read(self, place: int) -> Iterator[_Packet]:
        def hear(position: int) -> None:
            self._positions[place] = position
            if self._hear is not None:
                self._hear(sum(self._positions.values()))

        packets = Packets(self._sources[place], hear)
        yield from packets
        self.cut_short += packets.cut_short
        hear(self._sources[place].size)


def first_time_ns(source: Source) -> int:
    """When the first packet was taken, in nanoseconds since 1970; 0 where there is none."""
    return next((record.time_ns for _, _, record in Packets(source)), 0)
