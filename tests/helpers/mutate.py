"""Captures as networks and disks damage them: bits flipped, packets lost, doubled, moved, cut; seeded."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

PCAP_HEADER = 24
_RECORD = struct.Struct("<4I")
_PCAP = b"\xd4\xc3\xb2\xa1"
_MOST = 20
_IN_A_ROW = 300


def records(data: bytes) -> Iterator[bytes]:
    """The packet records of a little-endian pcap file."""
    at = PCAP_HEADER
    while at + _RECORD.size <= len(data):
        size = _RECORD.unpack_from(data, at)[2]
        yield data[at : at + _RECORD.size + size]
        at += _RECORD.size + size


def _flip(packets: list[bytes], place: int, chance: random.Random) -> None:
    packet = bytearray(packets[place])
    for _ in range(chance.randrange(1, 4)):
        if len(packet) > _RECORD.size:
            packet[chance.randrange(_RECORD.size, len(packet))] ^= 1 << chance.randrange(8)
    packets[place] = bytes(packet)


def _flip_in_message(packets: list[bytes], place: int, chance: random.Random) -> None:
    """In an SMB2 header or behind it, where it counts: not in payload, nor in the layers below."""
    packet = bytearray(packets[place])
    at = packet.find(b"\xfeSMB")
    if at >= 0:
        packet[min(at + chance.randrange(4, 200), len(packet) - 1)] ^= 1 << chance.randrange(8)
    packets[place] = bytes(packet)


def _drop(packets: list[bytes], place: int, chance: random.Random) -> None:
    del packets[place : place + chance.choice((1, 1, 1, 5))]


def _double(packets: list[bytes], place: int, chance: random.Random) -> None:
    packets.insert(chance.randrange(place, min(len(packets), place + 8)), packets[place])


def _move(packets: list[bytes], place: int, chance: random.Random) -> None:
    near = chance.random() < 0.7
    target = place + chance.randrange(-4, 5) if near else chance.randrange(len(packets))
    packets.insert(max(0, target), packets.pop(place))


def _snap(packets: list[bytes], place: int, chance: random.Random) -> None:
    """The packet's end is not in the capture, as a snap length cuts it."""
    head, body = packets[place][: _RECORD.size], packets[place][_RECORD.size :]
    seconds, fraction, _, length = _RECORD.unpack(head)
    kept = body[: chance.randrange(len(body) + 1)]
    packets[place] = _RECORD.pack(seconds, fraction, len(kept), length) + kept


_DAMAGE: tuple[Callable[[list[bytes], int, random.Random], None], ...] = (
    _flip, _flip_in_message, _flip_in_message, _drop, _double, _move, _snap,
)  # fmt: skip


def excerpt(data: bytes, chance: random.Random) -> bytes:
    """Some packets in a row of a pcap file; another file as it is."""
    if data[:4] != _PCAP:
        return data
    packets = list(records(data))
    first = chance.choice((0, chance.randrange(len(packets))))
    return data[:PCAP_HEADER] + b"".join(packets[first : first + chance.randrange(1, _IN_A_ROW)])


def mutated(data: bytes, chance: random.Random) -> bytes:
    """A pcap file with up to `_MOST` of these done to it, sometimes broken off; another file with bits
    flipped anywhere in it."""
    if data[:4] != _PCAP:
        changed = bytearray(data)
        for _ in range(chance.randrange(1, _MOST)):
            changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
        return _broken_off(bytes(changed), chance)
    packets = list(records(data))
    for _ in range(chance.randrange(1, _MOST)):
        if packets:
            chance.choice(_DAMAGE)(packets, chance.randrange(len(packets)), chance)
    return _broken_off(data[:PCAP_HEADER] + b"".join(packets), chance)


def _broken_off(data: bytes, chance: random.Random) -> bytes:
    if chance.random() < 0.2:
        return data[: chance.randrange(PCAP_HEADER, max(PCAP_HEADER + 1, len(data)))]
    return data


def write_without(capture: Path, target: Path, packet: int) -> None:
    """Write a little-endian pcap file again, without one of its packets (1 is the first)."""
    data = capture.read_bytes()
    packets = list(records(data))
    del packets[packet - 1]
    target.write_bytes(data[:PCAP_HEADER] + b"".join(packets))
