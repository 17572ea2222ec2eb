"""Packets → the TCP segments in them: links, VLANs, IP, fragments, tunnels. Pure; payloads are not looked at.

What may hold SMB and is not TCP over IP over a known link or tunnel (RDMA, QUIC) is told apart, not judged:
tshark dissects it.
"""

from __future__ import annotations

import struct
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NamedTuple

from smbench.capture.tunnels import (
    ETHERNET,
    IPV4,
    IPV6,
    MPLS,
    PROTOCOLS,
    in_datagram,
    in_labels,
    in_protocol,
)
from smbench.smb2.constants import NETBIOS_PORT, PORT

_VLAN_TYPES = (b"\x81\x00", b"\x88\xa8", b"\x91\x00")
_TCP, _UDP = 6, 17
_IN_FRAGMENTS = (_TCP, _UDP, *PROTOCOLS)
"""What is put together again: a tunnel makes packets too long for where it goes through."""
_EXTENSIONS = (0, 43, 60)
"""Headers of IPv6 that may stand ahead of TCP: hop-by-hop, routing, destination options ([RFC 8200] 4)."""
_FRAGMENT = 44
_MOST_NESTED = 16
"""Packets within each other that are looked into: no network has as many, and a hostile one has thousands."""
_LEAST_HEADER = 20
"""Bytes of an IPv4 header ([RFC 791] 3.1)."""
_MOST_DATAGRAMS = 1000
"""Datagrams whose fragments are waited for at once."""
_MOST_PIECES = 2048
"""Fragments of one that are waited for; by the least that links carry ([RFC 791] 3.2), 64 KiB are 1,366."""
FIN, SYN, RST, ACK = 1, 2, 4, 16
SMB_PORTS = (PORT, NETBIOS_PORT)

Payload = Callable[[bytes, int], tuple[bytes, int]]
"""A packet's bytes and where it begins → (ethertype of what is inside, where that begins)."""


def _ethernet(data: bytes, at: int) -> tuple[bytes, int]:
    kind, at = data[at + 12 : at + 14], at + 14
    while kind in _VLAN_TYPES:
        kind, at = data[at + 2 : at + 4], at + 4
    return kind, at


def _raw(data: bytes, at: int) -> tuple[bytes, int]:
    version = data[at] >> 4 if len(data) > at else 0
    return (IPV4 if version == 4 else IPV6 if version == 6 else b""), at


def _cooked(data: bytes, at: int) -> tuple[bytes, int]:
    return data[at + 14 : at + 16], at + 16


def _cooked2(data: bytes, at: int) -> tuple[bytes, int]:
    return data[at : at + 2], at + 20


def _loopback(data: bytes, at: int) -> tuple[bytes, int]:
    return _raw(data, at + 4)


LINKS: dict[int, Payload] = {
    0: _loopback, 1: _ethernet, 12: _raw, 14: _raw, 101: _raw, 108: _loopback, 113: _cooked, 228: _raw,
    229: _raw, 276: _cooked2,
}  # fmt: skip
"""Link types ([pcap-linktype]) whose inside is found without guessing."""

_NO_SMB_TYPES = (b"\x08\x06", b"\x88\xcc", b"\x88\x8e")
_NO_SMB_PROTOCOLS = (1, 2, 58, 89, 112)
_NO_SMB_PORTS = frozenset(
    (53, 67, 68, 88, 123, 137, 138, 161, 162, 319, 320, 389, 464, 500, 514, 546, 547, 1900, 3702, 5353, 5355)
)
"""ARP, LLDP, EAPOL; ICMP, IGMP, ICMPv6, OSPF, VRRP; and the UDP ports of names, addresses, time, logs,
directories: what stands in every capture and never holds SMB."""


class Segment(NamedTuple):
    """A TCP segment; addresses are packed, each with its port's two bytes behind it."""

    source: bytes
    target: bytes
    sequence: int
    acknowledged: int
    """-1 where the segment acknowledges nothing."""
    flags: int
    data: bytes
    start: int
    end: int
    """The payload, as far as it was captured, is `data[start:end]`."""
    length: int
    """Bytes of payload on the wire."""


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """What is no TCP segment and may hold SMB all the same."""

    packet: bytes = b""
    """The IP packet that was put together of fragments; nothing: what was captured is it."""


ELSEWHERE: Final = Elsewhere()


def _packet(protocol: int, source: bytes, target: bytes, payload: bytes) -> bytes:
    """An IP packet of what came in fragments; longer than one may be, it goes without its length."""
    header = 20 if len(source) == 4 else 0
    size = header + len(payload)
    size = size if size < 1 << 16 else 0
    if header:
        return struct.pack("!BBHHHBBH4s4s", 0x45, 0, size, 0, 0, 64, protocol, 0, source, target) + payload
    return struct.pack("!IHBB16s16s", 6 << 28, size, protocol, 64, source, target) + payload


class Segments:
    """Finds the segments of connections to or from `ports`; holds the fragments that are not whole yet."""

    def __init__(self, ports: frozenset[int]) -> None:
        self._ports = frozenset(port.to_bytes(2, "big") for port in ports)
        self._datagrams: OrderedDict[bytes, _Datagram | None] = OrderedDict()
        """Whose fragments are not all there, and None for those that were whole: they may come again."""
        self._nested = 0

    def of(self, link: int, data: bytes, at: int, end: int, length: int) -> Segment | Elsewhere | None:
        """The segment of a packet `data[at:end]` with `length` bytes on the wire; None: nothing of SMB's."""
        payload = LINKS.get(link)
        if payload is None:
            return ELSEWHERE
        self._nested = 0
        kind, inside = payload(data, at)
        if inside >= end:
            # Nothing of it was captured, and what stands there is another packet's.
            return None
        # Where lengths are missing, as in what offloading makes, the packet's own length tells; some writers
        # leave that out, too.
        beyond = max(at + length, end)
        return self._network(kind, data, inside, end, beyond)

    def _network(
        self, kind: bytes, data: bytes, at: int, end: int, beyond: int
    ) -> Segment | Elsewhere | None:
        self._nested += 1
        if self._nested > _MOST_NESTED:
            return ELSEWHERE
        if kind == IPV4:
            return self._ipv4(data, at, end, beyond)
        if kind == IPV6:
            return self._ipv6(data, at, end, beyond)
        if kind == ETHERNET:
            kind, at = _ethernet(data, at)
            return self._network(kind, data, at, end, beyond)
        if kind in MPLS and (inside := in_labels(data, at, end)):
            return self._network(inside[0], data, inside[1], end, beyond)
        return None if kind in _NO_SMB_TYPES else ELSEWHERE

    def _ipv4(self, data: bytes, at: int, end: int, beyond: int) -> Segment | Elsewhere | None:
        if end < at + _LEAST_HEADER:
            return None
        (size, fragment) = struct.unpack_from("!2xH2xH", data, at)
        header, protocol = (data[at] & 15) * 4, data[at + 9]
        if header < _LEAST_HEADER:
            return None
        stop = min(at + size, beyond) if size else beyond
        source, target = data[at + 12 : at + 16], data[at + 16 : at + 20]
        at += header
        if fragment & 0x3FFF and protocol in _IN_FRAGMENTS:
            name = source + target + data[at - header + 4 : at - header + 6]
            offset, more = (fragment & 0x1FFF) * 8, bool(fragment & 0x2000)
            return self._fragment(
                name, offset, more, data[at : min(end, stop)], stop - at, protocol, source, target
            )
        return self._inside(protocol, source, target, data, at, end, stop)

    def _ipv6(self, data: bytes, at: int, end: int, beyond: int) -> Segment | Elsewhere | None:
        if end < at + 40:
            return None
        (size,) = struct.unpack_from("!H", data, at + 4)
        following = data[at + 6]
        source, target = data[at + 8 : at + 24], data[at + 24 : at + 40]
        stop = min(at + 40 + size, beyond) if size else beyond
        at += 40
        while following in _EXTENSIONS and at + 8 <= end:
            following, at = data[at], at + 8 + 8 * data[at + 1]
        if following == _FRAGMENT and at + 8 <= end:
            following, offset, name = struct.unpack_from("!BxH4s", data, at)
            at += 8
            piece = data[at : min(end, stop)]
            more, offset = bool(offset & 1), offset & ~7
            return self._fragment(
                source + target + name, offset, more, piece, stop - at, following, source, target
            )
        return self._inside(following, source, target, data, at, end, stop)

    def _inside(
        self, protocol: int, source: bytes, target: bytes, data: bytes, at: int, end: int, stop: int
    ) -> Segment | Elsewhere | None:
        if protocol != _TCP:
            return self._no_tcp(protocol, data, at, end, stop)
        mine, other = data[at : at + 2], data[at + 2 : at + 4]
        if end < at + 20 or (mine not in self._ports and other not in self._ports):
            return None
        sequence, acknowledged, offset, flags = struct.unpack_from("!IIBB", data, at + 4)
        start = at + (offset >> 4) * 4
        return Segment(
            source + mine, target + other, sequence, acknowledged if flags & ACK else -1, flags, data,
            start, min(end, stop), max(0, stop - start),
        )  # fmt: skip

    def _no_tcp(self, protocol: int, data: bytes, at: int, end: int, stop: int) -> Segment | Elsewhere | None:
        if protocol in _NO_SMB_PROTOCOLS:
            return None
        if protocol == _UDP:
            if end >= at + 4 and _NO_SMB_PORTS & {*struct.unpack_from("!HH", data, at)}:
                return None
            inside = in_datagram(data, at, end)
        else:
            inside = in_protocol(protocol, data, at, end)
        return ELSEWHERE if inside is None else self._network(inside[0], data, inside[1], end, stop)

    def _fragment(
        self, name: bytes, offset: int, more: bool, piece: bytes, length: int, protocol: int,
        source: bytes, target: bytes,
    ) -> Segment | Elsewhere | None:  # fmt: skip
        """The segment of a datagram that is whole with this fragment."""
        if len(self._datagrams) >= _MOST_DATAGRAMS:
            self._datagrams.popitem(last=False)
        known = self._datagrams.setdefault(name, _Datagram({}, None, 0))
        if known is None:
            return None
        whole = known.with_piece(offset, more, piece, length)
        self._datagrams[name] = whole
        data = whole.data()
        if data is None:
            if len(whole.pieces) >= _MOST_PIECES:
                del self._datagrams[name]
            return None
        self._datagrams[name] = None
        found = self._inside(protocol, source, target, data, 0, len(data), len(data))
        return Elsewhere(_packet(protocol, source, target, data)) if found is ELSEWHERE else found


class _Datagram(NamedTuple):
    pieces: dict[int, bytes]
    size: int | None
    """Known from the last fragment on."""
    have: int
    """Bytes of all pieces: with less than `size` there is nothing to be put together yet."""

    def with_piece(self, offset: int, more: bool, piece: bytes, length: int) -> _Datagram:
        if len(piece) == length:
            # What the capture cut is no piece: the datagram stays without it, as a lost one does.
            have = self.have + len(piece) - len(self.pieces.get(offset, b""))
            self.pieces[offset] = piece
        else:
            have = self.have
        return self._replace(have=have, size=self.size if more else offset + length)

    def data(self) -> bytes | None:
        """All of it, once it is there."""
        if self.size is None or self.have < self.size:
            return None
        made = bytearray()
        for offset, piece in sorted(self.pieces.items()):
            if offset > len(made):
                return None
            made += piece[len(made) - offset :]
        return bytes(made[: self.size]) if len(made) >= self.size else None
