"""Packets by hand: TCP over IP over a link, as records of a pcap file; and captures, damaged on purpose."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable, Sequence
from typing import NamedTuple

from helpers.mutate import PCAP_HEADER, records

CLIENT, SERVER = (bytes((10, 0, 0, 1)), 50_000), (bytes((10, 0, 0, 2)), 445)
ETHERNET, RAW, NULL, SLL, SLL2 = 1, 101, 0, 113, 276
FIN, SYN, ACK = 1, 2, 16
_RECORD = struct.Struct("<4I")


class Sent(NamedTuple):
    """A segment: from the client or the server, its place in the stream, what it carries."""

    from_server: bool
    sequence: int
    payload: bytes
    acknowledges: int = 1
    flags: int = ACK


def tcp(sent: Sent, client: tuple[bytes, int] = CLIENT, server: tuple[bytes, int] = SERVER) -> bytes:
    """The segment as TCP has it."""
    ports = (server[1], client[1]) if sent.from_server else (client[1], server[1])
    head = struct.pack("!HHIIBBHHH", *ports, sent.sequence & 0xFFFFFFFF, sent.acknowledges & 0xFFFFFFFF,
                       0x50, sent.flags, 8192, 0, 0)  # fmt: skip
    return head + sent.payload


def ipv4(payload: bytes, from_server: bool = False, protocol: int = 6, offset: int = 0, more: bool = False,
         source: bytes = CLIENT[0], target: bytes = SERVER[0]) -> bytes:  # fmt: skip
    """An IPv4 packet, or a fragment of one."""
    ends = (target, source) if from_server else (source, target)
    place = offset // 8 | more << 13
    return (
        struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), 7, place, 64, protocol, 0, *ends) + payload
    )


def ipv6(payload: bytes, from_server: bool = False, following: int = 6) -> bytes:
    """An IPv6 packet."""
    ends = [bytes(15) + b"\1", bytes(15) + b"\2"]
    head = struct.pack(
        "!IHBB16s16s", 6 << 28, len(payload), following, 64, *(reversed(ends) if from_server else ends)
    )
    return head + payload


def ethernet(payload: bytes, kind: int = 0x0800, tags: Sequence[int] = ()) -> bytes:
    """An Ethernet frame, within VLANs if there are tags."""
    vlans = b"".join(struct.pack("!HH", tag, 5) for tag in tags)
    return b"\x02" * 12 + vlans + struct.pack("!H", kind) + payload


def pcap(packets: Sequence[tuple[int, bytes]], link: int = ETHERNET) -> bytes:
    """A pcap file of (microseconds, packet)."""
    head = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, link)
    return head + b"".join(
        _RECORD.pack(time // 1_000_000, time % 1_000_000, len(data), len(data)) + data
        for time, data in packets
    )


def lost(number: int | float) -> Callable[[list[bytes], random.Random], list[bytes]]:
    """Damage: so many packets, or that share of them, are not there."""

    def damage(packets: list[bytes], chance: random.Random) -> list[bytes]:
        count = number if isinstance(number, int) else max(1, int(len(packets) * number))
        gone = {*chance.sample(range(len(packets)), min(count, len(packets)))}
        return [packet for place, packet in enumerate(packets) if place not in gone]

    return damage


def moved(packets: list[bytes], chance: random.Random) -> list[bytes]:
    """Damage: a hundredth of the packets stands up to four places from where it was."""
    packets = list(packets)
    for _ in range(max(1, len(packets) // 100)):
        place = chance.randrange(len(packets))
        packet = packets.pop(place)
        packets.insert(max(0, place + chance.randrange(-4, 5)), packet)
    return packets


def doubled(packets: list[bytes], chance: random.Random) -> list[bytes]:
    """Damage: a hundredth of the packets comes again a little later."""
    packets = list(packets)
    for _ in range(max(1, len(packets) // 100)):
        place = chance.randrange(len(packets))
        packets.insert(place + chance.randrange(1, 6), packets[place])
    return packets


def cut(snap_length: int) -> Callable[[list[bytes], random.Random], list[bytes]]:
    """Damage: of every packet only so many bytes were captured."""

    def damage(packets: list[bytes], chance: random.Random) -> list[bytes]:
        del chance
        made = []
        for packet in packets:
            seconds, fraction, captured, length = _RECORD.unpack_from(packet)
            kept = min(captured, snap_length)
            made.append(_RECORD.pack(seconds, fraction, kept, length) + packet[_RECORD.size :][:kept])
        return made

    return damage


DAMAGES: dict[str, Callable[[list[bytes], random.Random], list[bytes]]] = {
    "1 lost": lost(1),
    "10 lost": lost(10),
    "1 % lost": lost(0.01),
    "1 % moved": moved,
    "1 % doubled": doubled,
    "cut at 1514": cut(1514),
    "cut at 256": cut(256),
}
"""What happens to customers' captures."""


def damaged(data: bytes, damage: str, seed: int) -> bytes:
    """A little-endian pcap file with one of DAMAGES done to it."""
    packets = DAMAGES[damage](list(records(data)), random.Random(seed))
    return data[:PCAP_HEADER] + b"".join(packets)
