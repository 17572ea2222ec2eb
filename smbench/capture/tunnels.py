"""What is inside a tunnel: the headers of those that mirror and carry packets in data centres. Pure."""

from __future__ import annotations

import struct

IPV4, IPV6, ETHERNET = b"\x08\x00", b"\x86\xdd", b"\x65\x58"
MPLS = (b"\x88\x47", b"\x88\x48")
_ERSPAN_2, _ERSPAN_3 = b"\x88\xbe", b"\x22\xeb"
PROTOCOLS = _IPV4_IN_IP, _IPV6_IN_IP, _GRE = 4, 41, 47
_VXLAN_PORTS, _GENEVE_PORT = (4789, 8472), 6081

Inside = tuple[bytes, int]
"""Ethertype of what is inside, and where that begins."""


def in_labels(data: bytes, at: int, end: int) -> Inside | None:
    """Behind the labels of MPLS ([RFC 3032] 2.1), which do not say what follows: an IP version does."""
    while at + 4 < end:
        last = data[at + 2] & 1
        at += 4
        if last:
            return {4: (IPV4, at), 6: (IPV6, at)}.get(data[at] >> 4)
    return None


def in_protocol(protocol: int, data: bytes, at: int, end: int) -> Inside | None:
    """Behind the header of an IP protocol other than TCP; None: no tunnel that is known here."""
    if protocol == _IPV4_IN_IP:
        return IPV4, at
    if protocol == _IPV6_IN_IP:
        return IPV6, at
    if protocol == _GRE and at + 4 <= end:
        return _in_gre(data, at, end)
    return None


def _in_gre(data: bytes, at: int, end: int) -> Inside | None:
    """GRE ([RFC 2784], [RFC 2890]) and what mirrors ports over it (ERSPAN I to III)."""
    flags, kind = data[at], data[at + 2 : at + 4]
    if data[at + 1] & 7:
        return None
    sequence = bool(flags & 0x10)
    at += 4 + 4 * (bool(flags & 0x80) + bool(flags & 0x20) + sequence)
    if kind == _ERSPAN_2:
        # The first version has no header, and no sequence number either.
        return ETHERNET, at + 8 * sequence
    if kind == _ERSPAN_3 and at + 12 <= end:
        return ETHERNET, at + 12 + 8 * (data[at + 11] & 1)
    return (kind, at) if kind in (IPV4, IPV6, ETHERNET) else None


def in_datagram(data: bytes, at: int, end: int) -> Inside | None:
    """In a UDP datagram: VXLAN ([RFC 7348] 5) and Geneve ([RFC 8926] 3.4), known by their ports."""
    if at + 16 > end:
        return None
    (port,) = struct.unpack_from("!2xH", data, at)
    at += 8
    if port in _VXLAN_PORTS and data[at] & 8:
        return ETHERNET, at + 8
    if port == _GENEVE_PORT:
        kind, at = data[at + 2 : at + 4], at + 8 + 4 * (data[at] & 0x3F)
        return (kind, at) if kind in (IPV4, IPV6, ETHERNET) else None
    return None
