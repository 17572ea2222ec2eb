"""The shipped capture at another time, by other connections."""

from __future__ import annotations

import struct
from pathlib import Path

from helpers.command import THREE_USERS

_HEADER, _RECORD = 24, struct.Struct("<IIII")


def later(path: Path, seconds: int) -> Path:
    """Writes it so many seconds later, its clients' ports moved by 1,000."""
    data = THREE_USERS.read_bytes()
    magic, link = struct.unpack("<I", data[:4])[0], struct.unpack("<I", data[20:24])[0]
    assert magic in (0xA1B2C3D4, 0xA1B23C4D), "another byte order"
    made, at = [data[:_HEADER]], _HEADER
    while at < len(data):
        second, fraction, kept, length = _RECORD.unpack_from(data, at)
        packet = bytearray(data[at + _RECORD.size : at + _RECORD.size + kept])
        network = {1: 14, 113: 16, 276: 20}[link]
        tcp = network + 4 * (packet[network] & 15)
        for port in (tcp, tcp + 2):
            number = int.from_bytes(packet[port : port + 2])
            if number != 445:
                packet[port : port + 2] = (number + 1000).to_bytes(2)
        made += [_RECORD.pack(second + seconds, fraction, kept, length), bytes(packet)]
        at += _RECORD.size + kept
    path.write_bytes(b"".join(made))
    return path
