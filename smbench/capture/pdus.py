"""What either decoder hands on: messages as bytes of the wire, the ends of their connections, who speaks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from smbench.trace.model import Command

_PAYLOAD_LIMIT = 128
"""Bytes of a READ response or WRITE request that are taken over: header and fixed part, no data."""
_LISTING_LIMIT = 9 << 20
"""More than the largest transaction that servers offer (8 MiB)."""

LIMITS: Mapping[int, int] = {
    Command.READ * 2 + 1: _PAYLOAD_LIMIT,
    Command.WRITE * 2: _PAYLOAD_LIMIT,
    Command.QUERY_DIRECTORY * 2 + 1: _LISTING_LIMIT,
    Command.CHANGE_NOTIFY * 2 + 1: _LISTING_LIMIT,
}
"""Bytes of a message that are needed, by command * 2 + (1 for a response)."""
LIMIT = 65_600
"""Of all others."""


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
