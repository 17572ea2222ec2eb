"""The lines that tap.lua writes inside tshark, as values; nothing here knows what a message means."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple


class Stream(NamedTuple):
    """A connection's first message: its ends, as that message went."""

    stream: bytes
    source: str
    source_port: int
    destination: str
    destination_port: int


class Identity(NamedTuple):
    """Who a SESSION_SETUP says it is, as far as the dissector could read it."""

    account: str | None
    domain: str | None
    workstation: str | None


class Pdu(NamedTuple):
    """One SMB2 message; `origin` tells a frame's buffers apart and ends in `e` where it was decrypted."""

    capture: int
    frame: int
    time_ns: int
    stream: bytes
    origin: bytes
    data: bytes
    identity: Identity | None


class Sealed(NamedTuple):
    """An encrypted message that no key opened."""

    time_ns: int
    stream: bytes
    session_id: int


class Lack(NamedTuple):
    """How often a stream lacks something, by the end of the capture."""

    what: str
    stream: bytes
    number: int


class End(NamedTuple):
    """All frames are read; `failed` are those that the script could not take."""

    frames: int
    failed: int


Line = Stream | Pdu | Sealed | Lack | End

_NO_NAME = ("", "NULL")
"""How Wireshark shows an empty name in NTLM."""


Place = Callable[[int], tuple[int, int]]
"""Frame number as tshark counts → (capture, frame number in it)."""


def read_lines(lines: Iterable[bytes], place: Place) -> Iterator[Line]:
    """Values for lines."""
    for line in lines:
        kind, *columns = line.split(b"\t")
        if kind == b"P":
            number, time, stream, origin, data, *identity = columns
            capture, frame = place(int(number))
            who = _identity(identity) if identity else None
            yield Pdu(capture, frame, _nanoseconds(time), stream, origin, _from_hex(data), who)
        elif kind == b"C":
            source, source_port, target, target_port = (
                column.decode("utf-8", "replace") for column in columns[1:5]
            )
            yield Stream(columns[0], source, int(source_port), target, int(target_port))
        elif kind == b"U":
            session = int.from_bytes(_from_hex(columns[3]), "little") if columns[3:] else 0
            yield Sealed(_nanoseconds(columns[1]), columns[2], session)
        elif kind == b"G":
            yield Lack(columns[0].decode("ascii"), columns[1], int(columns[2]))
        elif kind == b"Z":
            yield End(int(columns[0]), int(columns[1]))


def _from_hex(column: bytes) -> bytes:
    return bytes.fromhex(column.decode("ascii"))


def _nanoseconds(text: bytes) -> int:
    seconds, _, fraction = text.partition(b".")
    return int(seconds) * 1_000_000_000 + int(fraction.ljust(9, b"0")[:9] or 0)


def _identity(columns: Sequence[bytes]) -> Identity | None:
    account, domain, workstation, principal, realm = (_text(column) for column in columns[:5])
    if account or workstation:
        return Identity(account, domain, workstation)
    return Identity(principal, realm, None) if principal else None


def _text(column: bytes) -> str | None:
    text = re.sub("\x1b(.)", lambda found: chr(ord(found[1]) - 64), column.decode("utf-8", "replace"))
    return None if text in _NO_NAME else text
