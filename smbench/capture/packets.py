"""Packets of pcap and pcapng files, and the connection that each belongs to: what splitting a capture needs.

Nothing is dissected here: a packet is assigned to a part by its addresses and ports, so that every part has
whole connections. What is not plainly TCP over IP over a known link goes to the first part, unjudged.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator
from typing import IO, NamedTuple

_CHUNK = 4 << 20
_VLAN_TYPES = (b"\x81\x00", b"\x88\xa8", b"\x91\x00")
_IPV4, _IPV6 = b"\x08\x00", b"\x86\xdd"
_IPV6_EXTENSIONS = (0, 43, 60)
_MOST_FRAGMENTED = 10_000
_MOST_CONNECTIONS = 200_000
"""Connections that are placed by size; so many even out by chance."""
_LARGEST_RECORD = 64 << 20

Payload = Callable[[bytes, int], tuple[bytes, int]]
"""A packet's bytes and where it begins → (ethertype of what is inside, where that begins)."""


def _ethernet(data: bytes, at: int) -> tuple[bytes, int]:
    kind, at = data[at + 12 : at + 14], at + 14
    while kind in _VLAN_TYPES:
        kind, at = data[at + 2 : at + 4], at + 4
    return kind, at


def _raw(data: bytes, at: int) -> tuple[bytes, int]:
    version = data[at] >> 4 if len(data) > at else 0
    return (_IPV4 if version == 4 else _IPV6 if version == 6 else b""), at


def _cooked(data: bytes, at: int) -> tuple[bytes, int]:
    return data[at + 14 : at + 16], at + 16


def _cooked2(data: bytes, at: int) -> tuple[bytes, int]:
    return data[at : at + 2], at + 20


def _loopback(data: bytes, at: int) -> tuple[bytes, int]:
    return _raw(data, at + 4)


_LINKS: dict[int, Payload] = {
    0: _loopback, 1: _ethernet, 12: _raw, 14: _raw, 101: _raw, 108: _loopback, 113: _cooked, 228: _raw,
    229: _raw, 276: _cooked2,
}  # fmt: skip
"""Link types ([pcap-linktype]) whose inside is found without guessing."""


SMB_PORTS = (445, 139)
_USUAL = {port.to_bytes(2, "big") for port in SMB_PORTS}
_SMB = (445).to_bytes(2, "big")
ServerPorts = dict[tuple[bytes, int], int]
"""The real server port of connections whose port was rewritten, by the client's address and port."""


class Router:
    """Assigns packets to parts by connection; None for TCP that is not SMB's.

    Further `ports` are SMB's as well. tshark takes lengths above 128 KiB on port 445 only, so that a packet
    to or from one of them must get that port instead: `rewrite` says where, and `server_ports` remembers.
    """

    def __init__(self, parts: int, ports: tuple[int, ...] = ()) -> None:
        self.rewrite = -1
        """Where the last packet has a server port to be replaced by 445; -1: nowhere."""
        self.server_ports: ServerPorts = {}
        self._parts = parts
        self._further = {port.to_bytes(2, "big") for port in ports} - _USUAL
        self._ports = _USUAL | self._further
        self._fragments: dict[bytes, int | None] = {}
        self._homes: dict[bytes, int] = {}
        self.load = [0] * parts
        """Bytes of each part so far, as the caller counts them: a new connection goes where least are."""

    def part(self, link: int, data: bytes, at: int) -> int | None:
        """The part of the packet that begins at `at` of `data`."""
        self.rewrite = -1
        payload = _LINKS.get(link)
        if payload is None:
            return 0
        kind, at = payload(data, at)
        if kind == _IPV4:
            return self._ipv4(data, at)
        if kind == _IPV6:
            return self._ipv6(data, at)
        return 0

    def _ipv4(self, data: bytes, at: int) -> int | None:
        if data[at + 9 : at + 10] != b"\x06":
            return 0
        fragment = int.from_bytes(data[at + 6 : at + 8], "big") & 0x3FFF
        if fragment:
            # Only the first fragment has the ports: the others follow it by addresses and identification.
            datagram = data[at + 12 : at + 20] + data[at + 4 : at + 6]
            if fragment & 0x1FFF:
                return self._fragments.get(datagram, 0)
            if len(self._fragments) > _MOST_FRAGMENTED:
                self._fragments.clear()
        ports = at + (data[at] & 15) * 4
        part = self._connection(data[at + 12 : at + 16], data[at + 16 : at + 20], data, ports)
        if fragment:
            self._fragments[datagram] = part
        return part

    def _ipv6(self, data: bytes, at: int) -> int | None:
        following, ports = data[at + 6 : at + 7], at + 40
        while following and following[0] in _IPV6_EXTENSIONS:
            following, ports = (
                data[ports : ports + 1],
                ports + 8 + 8 * int.from_bytes(data[ports + 1 : ports + 2]),
            )
        if following != b"\x06":
            return 0
        return self._connection(data[at + 8 : at + 24], data[at + 24 : at + 40], data, ports)

    def _connection(self, source: bytes, target: bytes, data: bytes, at: int) -> int | None:
        mine, other = data[at : at + 2], data[at + 2 : at + 4]
        if mine not in self._ports and other not in self._ports:
            return None if len(other) == 2 else 0
        if self._further:
            self._note(source, mine, target, other, at)
        near, far = source + mine, target + other
        ends = near + far if near < far else far + near
        home = self._homes.get(ends)
        return self._home(ends) if home is None else home

    def _home(self, ends: bytes) -> int:
        if len(self._homes) >= _MOST_CONNECTIONS:
            return zlib.crc32(ends) % self._parts
        home = self._homes[ends] = self.load.index(min(self.load))
        return home

    def rewritten(self, data: bytes, start: int) -> bytes:
        """The record `data`, which began at `start` when its packet was looked at, with port 445."""
        at = self.rewrite - start
        return data[:at] + _SMB + data[at + 2 :]

    def _note(self, source: bytes, mine: bytes, target: bytes, other: bytes, at: int) -> None:
        if other in self._further and mine not in _USUAL:
            self.rewrite = at + 2
            self.server_ports[(source, int.from_bytes(mine, "big"))] = int.from_bytes(other, "big")
        elif mine in self._further and other not in _USUAL:
            self.rewrite = at
            self.server_ports[(target, int.from_bytes(other, "big"))] = int.from_bytes(mine, "big")


class Buffer:
    """A stream read in large pieces; what is being looked at is whole in `data`, from `at` on."""

    def __init__(self, stream: IO[bytes]) -> None:
        self.data = b""
        self.at = 0
        self._stream = stream

    def need(self, size: int) -> bool:
        """Whether `size` bytes are there, read if need be; a stream that breaks off has ended."""
        have = len(self.data) - self.at
        if have >= size:
            return True
        pieces = [self.data[self.at :]]
        self.at = 0
        while have < size:
            try:
                piece = self._stream.read(max(_CHUNK, size - have))
            except (OSError, EOFError, zlib.error):
                # A compressed file that ends early: what came before it counts.
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
    """When the packet was taken, in nanoseconds since 1970; 0 where the file does not say."""


def pcap_records(buffer: Buffer) -> Iterator[Record]:
    """The packets of a pcap file, its header first as a shared record."""
    if not buffer.need(24):
        return
    start = buffer.at
    magic = buffer.data[start : start + 4]
    order = pcap_order(magic)
    unit = 1 if magic in NANOSECOND_PCAPS else 1000
    link = struct.unpack_from(order + "I", buffer.data, start + 20)[0] & 0xFFFF
    fields = struct.Struct(order + "3I")
    buffer.at += 24
    yield Record(start, buffer.at, -1, link, shared=True, frame=False)
    while buffer.need(16):
        seconds, fraction, captured = fields.unpack_from(buffer.data, buffer.at)
        if captured > _LARGEST_RECORD or not buffer.need(16 + captured):
            return
        start = buffer.at
        buffer.at = start + 16 + captured
        yield Record(
            start, buffer.at, start + 16, link, False, True, seconds * 1_000_000_000 + fraction * unit
        )


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
    numerator: int = 1000
    denominator: int = 1
    offset_ns: int = 0
    """time in ns = offset_ns + ticks * numerator / denominator"""

    def time_ns(self, high: int, low: int) -> int:
        return self.offset_ns + (high << 32 | low) * self.numerator // self.denominator


def _interface(block: bytes, order: str) -> _Interface:
    made = _Interface(struct.unpack_from(order + "H", block, 8)[0])
    at, end = 16, len(block) - 4
    while at + 4 <= end:
        code, size = struct.unpack_from(order + "HH", block, at)
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


_UNKNOWN = _Interface(-1)


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
            number, high, low = struct.unpack_from(
                order + ("III" if kind == _ENHANCED else "HxxII"), buffer.data, start + 8
            )
            taken = interfaces[number] if number < len(interfaces) else _UNKNOWN
            yield Record(start, end, start + 28, taken.link, False, True, taken.time_ns(high, low))
        elif kind == _SIMPLE and size >= 16:
            yield Record(start, end, start + 12, interfaces[0].link if interfaces else -1)
        else:
            yield Record(start, end, -1, 0, frame=kind in _OTHER_FRAMES)
