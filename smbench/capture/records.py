"""The records of pcap and pcapng files: where each packet's bytes are, when it was taken, how long it was."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from io import BufferedIOBase
from typing import NamedTuple

from smbench.capture.formats import BROKEN

_CHUNK = 4 << 20
_LARGEST_RECORD = 64 << 20


class Buffer:
    """A stream read in large pieces; what is being looked at is whole in `data`, from `at` on."""

    def __init__(self, stream: BufferedIOBase) -> None:
        self.data = b""
        self.at = 0
        self.pieces = 0
        """How often the stream was read."""
        self._broken = False
        self._stream = stream

    @property
    def cut_short(self) -> bool:
        """At the end: the stream broke off, or in the middle of something."""
        return self._broken or self.at < len(self.data)

    def need(self, size: int) -> bool:
        """Whether `size` bytes are there, read if need be; a stream that breaks off has ended."""
        have = len(self.data) - self.at
        if have >= size:
            return True
        pieces = [self.data[self.at :]]
        self.at = 0
        self.pieces += 1
        wanted = max(_CHUNK, size)
        while have < wanted:
            try:
                # What can be had at once: a packed file that ends early gives all that came before its end.
                piece = self._stream.read1(wanted - have)
            except BROKEN:
                self._broken = True
                break
            if not piece:
                break
            pieces.append(piece)
            have += len(piece)
        self.data = b"".join(pieces)
        return have >= size


class Record(NamedTuple):
    """One record of a capture file, at `start` to `end` of the buffer's data.

    A packet has its link type and where its bytes begin; other records (`packet` is -1) matter to all parts
    if `shared`: interfaces and sections.
    """

    start: int
    end: int
    packet: int
    link: int
    shared: bool = False
    frame: bool = True
    """tshark counts it as a frame."""
    time_ns: int = 0
    """When the packet was taken, in nanoseconds since 1970; 0 where the file does not say. Always in
    `TIMES`."""
    captured: int = 0
    """Where the packet's bytes end."""
    length: int = 0
    """Bytes that it had on the wire; more than there are where the capture was taken with a snap length."""


DAMAGED = -1
"""The link type of a packet that its file does not say how to read: of an interface that it never described,
or taken at a time that cannot be."""
TIMES = range(1 << 63)
"""Times that can be: from 1970 to 2262, as 64 bits count nanoseconds."""


def pcap_records(buffer: Buffer) -> Iterator[Record]:
    """The packets of a pcap file, its header first as a shared record."""
    if not buffer.need(24):
        return
    start = buffer.at
    magic = buffer.data[start : start + 4]
    order = pcap_order(magic)
    unit = 1 if magic in NANOSECOND_PCAPS else 1000
    link = struct.unpack_from(order + "I", buffer.data, start + 20)[0] & 0xFFFF
    fields = struct.Struct(order + "4I")
    buffer.at += 24
    yield Record(start, buffer.at, -1, link, shared=True, frame=False)
    while buffer.need(16):
        seconds, fraction, captured, length = fields.unpack_from(buffer.data, buffer.at)
        if not (captured or length or seconds or fraction):
            # Nobody takes such a packet: a file system leaves zeros where a write was lost.
            return
        if captured > _LARGEST_RECORD or not buffer.need(16 + captured):
            return
        start = buffer.at
        buffer.at = start + 16 + captured
        time_ns = seconds * 1_000_000_000 + fraction * unit
        yield Record(start, buffer.at, start + 16, link, False, True, time_ns, buffer.at, length)


NANOSECOND_PCAPS = (b"\xa1\xb2\x3c\x4d", b"\x4d\x3c\xb2\xa1")
"""First bytes of pcap files whose times count nanoseconds, in both byte orders."""


def pcap_order(magic: bytes) -> str:
    """The byte order of a pcap file, as `struct` spells it."""
    return ">" if magic[:2] == b"\xa1\xb2" else "<"


_SECTION, _INTERFACE, _ENHANCED, _SIMPLE, _OBSOLETE = 0x0A0D0D0A, 1, 6, 3, 2
_OTHER_FRAMES = (9, 0x204, 0x208, 0x216)
"""Blocks that Wireshark shows as frames though they are no packets: journal entries and events."""
_RESOLUTION, _OFFSET = 9, 14
"""Options of an interface: the unit of its times, and the seconds to be added."""


class _Interface(NamedTuple):
    """What a pcapng file says of an interface: its link type, and how its times are to be read."""

    link: int
    snap_length: int = 0
    """Bytes of a packet that are kept at most; 0: all."""
    numerator: int = 1000
    denominator: int = 1
    offset_ns: int = 0
    """time in ns = offset_ns + ticks * numerator / denominator"""

    def time_ns(self, high: int, low: int) -> int:
        return self.offset_ns + (high << 32 | low) * self.numerator // self.denominator


def _interface(block: bytes, order: str) -> _Interface:
    made = _Interface(*struct.unpack_from(order + "H2xI", block, 8))
    at, end = 16, len(block) - 4
    while at + 4 <= end:
        code, size = struct.unpack_from(order + "HH", block, at)
        if at + 4 + size > end:
            break
        value = block[at + 4 : at + 4 + size]
        if code == _RESOLUTION and size == 1:
            power = value[0] & 0x7F
            made = made._replace(
                numerator=1_000_000_000, denominator=1 << power if value[0] & 0x80 else 10**power
            )
        elif code == _OFFSET and size == 8:
            made = made._replace(offset_ns=struct.unpack(order + "q", value)[0] * 1_000_000_000)
        elif code == 0:
            break
        at += 4 + size + -size % 4
    return made


_UNKNOWN = _Interface(DAMAGED)


def pcapng_records(buffer: Buffer) -> Iterator[Record]:
    """The blocks of a pcapng file ([draft-ietf-opsawg-pcapng])."""
    order, interfaces = "<", list[_Interface]()
    while buffer.need(12):
        if buffer.data[buffer.at : buffer.at + 4] == b"\x0a\x0d\x0d\x0a":
            order = ">" if buffer.data[buffer.at + 8 : buffer.at + 12] == b"\x1a\x2b\x3c\x4d" else "<"
            interfaces = []
        kind, size = struct.unpack_from(order + "II", buffer.data, buffer.at)
        if size < 12 or size > _LARGEST_RECORD or not buffer.need(size):
            return
        start = buffer.at
        buffer.at = end = start + size
        if kind == _INTERFACE and size >= 20:
            interfaces.append(_interface(buffer.data[start:end], order))
        if kind in (_SECTION, _INTERFACE):
            yield Record(start, end, -1, 0, shared=True, frame=False)
        elif kind in (_ENHANCED, _OBSOLETE) and size >= 32:
            code = "5I" if kind == _ENHANCED else "H2x4I"
            number, high, low, captured, length = struct.unpack_from(order + code, buffer.data, start + 8)
            taken = interfaces[number] if number < len(interfaces) else _UNKNOWN
            stop, time_ns = min(start + 28 + captured, end - 4), taken.time_ns(high, low)
            link = taken.link
            if time_ns not in TIMES:
                link, time_ns = DAMAGED, 0
            yield Record(start, end, start + 28, link, False, True, time_ns, stop, length)
        elif kind == _SIMPLE and size >= 16:
            (length,) = struct.unpack_from(order + "I", buffer.data, start + 8)
            taken = interfaces[0] if interfaces else _UNKNOWN
            # How many bytes there are it does not say, and they are padded.
            stop = min(start + 12 + min(length, taken.snap_length or length), end - 4)
            yield Record(start, end, start + 12, taken.link, False, True, 0, stop, length)
        else:
            yield Record(start, end, -1, 0, frame=kind in _OTHER_FRAMES)
