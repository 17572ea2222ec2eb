"""The protocol of the tap: the lines that tap.lua writes inside tshark (its head lists them), as values.

Nothing here knows what a message means.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from smbench.capture.pdus import Identity, Pdu, Sealed, Stream
from smbench.capture.records import TIMES
from smbench.errors import SetupError


class Lack(NamedTuple):
    """How often a stream lacks something, by the end of the capture."""

    what: str
    stream: bytes
    number: int


class End(NamedTuple):
    """All frames are read; `failed` are those that the script could not take."""

    frames: int
    failed: int


_LACKS = (b"tcp_gaps", b"malformed", b"snapped", b"smb1")
_SHOWN = 80
"""Bytes of a line that a message shows."""


class Frame(NamedTuple):
    """A frame of the file that is done with, by its number there."""

    number: int


Line = Stream | Pdu | Sealed | Lack | End | Frame

_NO_NAME = ("", "NULL")
"""How Wireshark shows an empty name in NTLM."""


Place = Callable[[int], tuple[int, int]]
"""Frame number as tshark counts → (capture, frame number in it)."""


def read_lines(lines: Iterable[bytes], place: Place) -> Iterator[Line]:
    """Values for lines; SetupError for one that the script never writes."""
    streams: set[bytes] = set()
    for line in lines:
        try:
            value = _value(line, place)
            if isinstance(value, Stream):
                streams.add(value.stream)
            elif isinstance(value, Pdu | Sealed) and value.stream not in streams:
                raise ValueError
        except (ValueError, IndexError):
            shown = line[:_SHOWN].decode("ascii", "backslashreplace")
            raise SetupError(
                f"tshark printed a line that cannot be read: {shown!r}; something else writes where "
                "smbench's script does; try smbench-mount doctor, or another tshark"
            ) from None
        yield value


def _value(line: bytes, place: Place) -> Line:
    """ValueError or IndexError where the line is none."""
    kind, *columns = line.split(b"\t")
    if kind == b"P":
        number, time, stream, origin, data, *identity = columns
        time_ns = _nanoseconds(time)
        if time_ns not in TIMES:
            return Lack("damaged", stream, 1)
        at = _count(number)
        if not at:
            raise ValueError
        capture, frame = place(at)
        who = _identity(identity) if identity else None
        return Pdu(capture, frame, time_ns, stream, origin, _from_hex(data), who)
    if kind == b"C":
        stream, source, source_port, target, target_port = columns
        return Stream(
            stream,
            source.decode("utf-8", "replace"),
            _count(source_port),
            target.decode("utf-8", "replace"),
            _count(target_port),
        )
    if kind == b"U":
        _, time, stream, session = columns
        time_ns = _nanoseconds(time)
        if time_ns not in TIMES:
            return Lack("damaged", stream, 1)
        return Sealed(time_ns, stream, int.from_bytes(_from_hex(session)[:8], "little"))
    if kind == b"G":
        what, stream, number = columns
        if what not in _LACKS:
            raise ValueError
        return Lack(what.decode("ascii"), stream, _count(number))
    if kind == b"F":
        (number,) = columns
        return Frame(_count(number))
    if kind == b"Z":
        frames, failed = columns
        return End(_count(frames), _count(failed))
    raise ValueError


def _count(column: bytes) -> int:
    if not column.isdigit():
        raise ValueError
    return int(column)


def _from_hex(column: bytes) -> bytes:
    return bytes.fromhex(column.decode("ascii"))


def _nanoseconds(text: bytes) -> int:
    seconds, _, fraction = text.removeprefix(b"-").partition(b".")
    time_ns = int(seconds) * 1_000_000_000 + int(fraction.ljust(9, b"0")[:9] or 0)
    return -time_ns if text.startswith(b"-") else time_ns


def _identity(columns: Sequence[bytes]) -> Identity | None:
    account, domain, workstation, principal, realm = (_text(column) for column in columns)
    if account or workstation:
        return Identity(account, domain, workstation)
    return Identity(principal, realm, None) if principal else None


def _text(column: bytes) -> str | None:
    text = re.sub("\x1b(.)", lambda found: chr(ord(found[1]) - 64), column.decode("utf-8", "replace"))
    return None if text in _NO_NAME else text
