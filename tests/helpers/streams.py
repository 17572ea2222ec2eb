"""Connections by hand: messages, the packets that carry them, and what comes of those packets."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable
from pathlib import Path

from helpers.packets import ACK, CLIENT, RAW, SYN, Sent, ipv4, pcap, tcp

from smbench.capture.connections import Connection, Connections
from smbench.capture.decode import decode
from smbench.capture.framing import Message, Packet
from smbench.capture.segments import Segment, Segments
from smbench.trace.model import Trace

FIRST_NS = 1000
PORTS = frozenset((445,))


class Heard(Connection):
    """Remembers what it is told."""

    def __init__(self, log: list[Heard], kept: Callable[[bytes, int], int], *where: object) -> None:
        super().__init__(kept, *where)  # type: ignore[arg-type]
        self.messages: list[Message] = []
        log.append(self)

    def message(self, message: Message) -> None:
        self.messages.append(
            message._replace(data=bytes(message.data[message.start : message.end]), start=0, end=0)
        )
        hole = message.holes[0][0] if message.holes else message.size
        self.use_session(message.data[message.start : min(message.end, message.start + hole)])


def smb2(command: int, number: int, size: int = 20, response: bool = False, session: int = 7) -> bytes:
    """A message as TCP carries it, with its length ahead."""
    head = struct.pack(
        "<4sHHIHHIIQQQ16x", b"\xfeSMB", 64, 1, 0, command, 1, int(response), 0, number, 0, session
    )
    body = bytes((number * 7 + place) % 256 for place in range(size))
    return struct.pack(">I", len(head) + size) + head + body


def all_of(header: bytes, size: int) -> int:
    return size


def header_only(header: bytes, size: int) -> int:
    return min(size, 100)


def heard(
    sent: Iterable[Sent], snap: int = 1 << 20, kept: Callable[[bytes, int], int] = all_of
) -> list[Heard]:
    """The connections that come of packets, in the order in which they were captured."""
    log, connections = listening(kept)
    capture(connections, as_packets(sent), snap)
    connections.finish()
    return log


def listening(kept: Callable[[bytes, int], int] = all_of, **options: int) -> tuple[list[Heard], Connections]:
    """Connections that are heard, and what hears them; `options` are those of Connections."""
    log: list[Heard] = []
    return log, Connections(lambda *where: Heard(log, kept, *where), PORTS, **options)


def as_packets(sent: Iterable[Sent], client: tuple[bytes, int] = CLIENT) -> list[bytes]:
    return [ipv4(tcp(one, client=client), one.from_server) for one in sent]


def capture(connections: Connections, packets: Iterable[bytes], snap: int = 1 << 20) -> None:
    """Let connections have IPv4 packets, of each so many bytes behind its headers."""
    segments = Segments(PORTS)
    for frame, packet in enumerate(packets, 1):
        segment = segments.of(RAW, packet[: 40 + snap], 0, min(len(packet), 40 + snap), len(packet))
        assert isinstance(segment, Segment)
        connections.packet(segment, Packet(0, frame, frame * FIRST_NS))


def traced(sent: Iterable[Sent], folder: Path, snap: int = 1 << 20) -> Trace:
    """The trace of a capture of these packets, 100 µs apart, of each so many bytes."""
    data = bytearray(pcap([], RAW))
    for number, packet in enumerate(as_packets(sent)):
        kept = packet[:snap]
        data += struct.pack("<4I", 0, number * 100, len(kept), len(packet)) + kept
    (folder / "x.pcap").write_bytes(data)
    return decode([folder / "x.pcap"], folder)


def numbers(connection: Heard) -> list[int]:
    return [int.from_bytes(message.data[24:32], "little") for message in connection.messages]


def in_pieces(stream: bytes, size: int, start: int = 1, from_server: bool = False) -> list[Sent]:
    return [Sent(from_server, start + at, stream[at : at + size]) for at in range(0, len(stream), size)]


HELLO = [Sent(False, 0, b"", flags=SYN), Sent(True, 0, b"", flags=SYN | ACK)]
FIVE = b"".join(smb2(9, number, 300) for number in range(5))
