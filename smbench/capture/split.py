"""Captures → parts with whole connections, for several tsharks at once and one after another.

tshark's memory grows with its input, about 1.5 times the capture's size: parts bound it. Each part knows
which frame of which capture each of its frames was. Captures are read one
after the other, so that a connection that goes on from one file to the next is one connection.
"""

from __future__ import annotations

import mmap
import struct
from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path
from typing import IO

from smbench.capture.formats import Format, Packing, unpacked
from smbench.capture.packets import (
    NANOSECOND_PCAPS,
    Buffer,
    Record,
    Router,
    ServerPorts,
    pcap_order,
    pcap_records,
    pcapng_records,
)
from smbench.errors import SetupError

_FLUSH = 1 << 20
_SAMPLE = 2000
_RECORDS: dict[Format, Callable[[Buffer], Iterator[Record]]] = {
    Format.PCAP: pcap_records,
    Format.PCAPNG: pcapng_records,
}


@dataclass(frozen=True, slots=True)
class Source:
    """One capture file, as `formats.examine` found it."""

    number: int
    path: Path
    packing: Packing
    format: Format


@dataclass(frozen=True, slots=True)
class Part:
    """A part on disk: the capture, and the file of 32-bit frame numbers that its frames had.

    `captures` are (frames of this part before, number of the capture), in order.
    """

    path: Path
    frames: Path
    captures: tuple[tuple[int, int], ...]
    server_ports: ServerPorts

    def place(self) -> Callable[[int], tuple[int, int]]:
        """Frame number in the part → (capture, frame number there)."""
        if not self.frames.stat().st_size:
            return lambda frame: (0, frame)
        with self.frames.open("rb") as file:
            numbers = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)).cast("I")
        starts = [before for before, _ in self.captures]
        if len(starts) == 1:
            only = self.captures[0][1]
            return lambda frame: (only, numbers[frame - 1])
        captures = self.captures
        return lambda frame: (captures[bisect_right(starts, frame - 1) - 1][1], numbers[frame - 1])


@dataclass(slots=True)
class _Writer:
    """A part that is being written."""

    path: Path
    file: IO[bytes]
    frames_file: IO[bytes]
    pending: bytearray = field(default_factory=bytearray)
    frames: array[int] = field(default_factory=lambda: array("I"))
    captures: list[tuple[int, int]] = field(default_factory=list)
    count: int = 0

    def flush(self) -> None:
        self.file.write(self.pending)
        self.pending.clear()
        self.count += len(self.frames)
        self.frames.tofile(self.frames_file)
        del self.frames[:]

    def finish(self, server_ports: ServerPorts) -> Part:
        self.flush()
        self.file.close()
        self.frames_file.close()
        return Part(self.path, Path(self.frames_file.name), tuple(self.captures), server_ports)


def split(
    sources: Sequence[Source],
    parts: int,
    folder: Path,
    ports: tuple[int, ...],
    progress: Callable[[int], None],
) -> list[Part]:
    """Write the sources' packets to `parts` files in `folder`; `progress` hears the bytes read so far.

    Parts without packets are left out. SetupError where the disk does not take them.
    """
    router = Router(parts, ports)
    try:
        writers = [
            _Writer(
                folder / f"{n}.cap", (folder / f"{n}.cap").open("wb"), (folder / f"{n}.frames").open("wb")
            )
            for n in range(parts)
        ]
        before = 0
        plain = _one_pcap(sources)
        for place, source in enumerate(sources):
            with source.path.open("rb") as file:
                hear = partial(_progress_from, progress, before)
                _split_one(source, file, writers, router, plain, place == 0, hear)
                before += source.path.stat().st_size
        made = [writer.finish(router.server_ports) for writer in writers]
    except OSError as error:
        raise SetupError(
            f"cannot write the parts of the capture to {folder}: {error.strerror or error}; "
            "it needs room for one copy of the captures"
        ) from None
    return [part for part in made if part.frames.stat().st_size]


def _progress_from(progress: Callable[[int], None], before: int, position: int) -> None:
    progress(before + position)


def _one_pcap(sources: Sequence[Source]) -> bool:
    """Whether all sources are pcap files of one kind, so that their records can stand behind one header."""
    headers = set()
    for source in sources:
        if source.format is not Format.PCAP:
            return False
        with source.path.open("rb") as file:
            header = unpacked(file, source.packing).read(24)
        headers.add(header[:4] + header[20:])
    return len(headers) == 1


def _split_one(
    source: Source, file: IO[bytes], writers: list[_Writer], router: Router, plain: bool, first: bool,
    progress: Callable[[int], None],
) -> None:  # fmt: skip
    buffer = Buffer(unpacked(file, source.packing))
    convert = _Conversion() if source.format is Format.PCAP and not plain else None
    for writer in writers:
        writer.captures.append((writer.count + len(writer.frames), source.number))
    frame, load = 0, router.load
    for start, end, packet, link, shared, is_frame, _ in _RECORDS[source.format](buffer):
        data = buffer.data
        if shared:
            if convert is not None:
                record = convert.header(data[start:end])
            elif plain and not first:
                continue
            else:
                record = data[start:end]
            for writer in writers:
                writer.pending += record
            continue
        frame += is_frame
        if packet < 0:
            continue
        part = router.part(link, data, packet)
        if part is None:
            continue
        load[part] += end - start
        writer = writers[part]
        pending = writer.pending
        record = data[start:end] if router.rewrite < 0 else router.rewritten(data[start:end], start)
        pending += record if convert is None else convert.packet(record)
        writer.frames.append(frame)
        if len(pending) > _FLUSH:
            writer.flush()
            progress(file.tell())


def first_time_ns(source: Source) -> int:
    """When the first packet was taken, in nanoseconds since 1970; 0 where there is none."""
    with source.path.open("rb") as file:
        records = _RECORDS[source.format](Buffer(unpacked(file, source.packing)))
        return next((record.time_ns for record in records if record.packet >= 0), 0)


def tshark_memory(source: Source, unpacking: int) -> int:
    """About how many bytes tshark grows by while it reads the source, judged by its first packets.

    Measured: 1.1 KB a packet, and half the bytes (what it has reassembled, it keeps).
    """
    with source.path.open("rb") as file:
        buffer = Buffer(unpacked(file, source.packing))
        packets = seen = 0
        for record in islice(_RECORDS[source.format](buffer), _SAMPLE):
            packets += record.frame
            seen += record.end - record.start
    size = source.path.stat().st_size * unpacking
    return size // 2 + (1100 * packets * size // seen if seen else 0)


class _Conversion:
    """pcap records as pcapng blocks, where captures of several kinds stand in one part."""

    def __init__(self) -> None:
        self._record = struct.Struct("<4I")
        self._units = 1_000_000

    def header(self, header: bytes) -> bytes:
        """A section and its one interface."""
        order = pcap_order(header[:4])
        self._record = struct.Struct(order + "4I")
        nanoseconds = header[:4] in NANOSECOND_PCAPS
        self._units = 1_000_000_000 if nanoseconds else 1_000_000
        link = struct.unpack(order + "I", header[20:24])[0] & 0xFFFF
        section = struct.pack("<IIIHHqI", 0x0A0D0D0A, 28, 0x1A2B3C4D, 1, 0, -1, 28)
        resolution = struct.pack("<HHB3xHH", 9, 1, 9 if nanoseconds else 6, 0, 0)
        return section + struct.pack("<IIHHI", 1, 32, link, 0, 0) + resolution + struct.pack("<I", 32)

    def packet(self, record: bytes) -> bytes:
        """An enhanced packet block."""
        seconds, fraction, captured, length = self._record.unpack_from(record)
        time = seconds * self._units + fraction
        padding = -captured % 4
        size = 32 + captured + padding
        head = struct.pack("<7I", 6, size, 0, time >> 32, time & 0xFFFFFFFF, captured, length)
        return head + record[16:] + bytes(padding) + struct.pack("<I", size)
