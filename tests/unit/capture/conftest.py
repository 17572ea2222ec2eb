"""Captures beside the project, and messages made by hand."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from smbench.capture.pdus import Identity, Pdu

CAPTURES = Path(__file__).parents[3].parent / "shared" / "captures"


@pytest.fixture(scope="session")
def captures() -> Path:
    if not CAPTURES.is_dir():
        pytest.skip(f"the folder of public captures is not here: {CAPTURES}")
    return CAPTURES


@pytest.fixture(scope="session")
def header() -> Callable[..., bytes]:
    """SMB2 headers: 64 bytes that say what the arguments say."""

    def make(
        command: int,
        message_id: int,
        response: bool = False,
        status: int = 0,
        session: int = 7,
        tree: int = 3,
        flags: int = 0,
        following: int = 0,
        async_id: int | None = None,
    ) -> bytes:
        flags |= (1 if response else 0) | (2 if async_id is not None else 0)
        place = tree << 32 if async_id is None else async_id
        fields = (64, 1, status, command, 1, flags, following, message_id, place, session)
        return struct.pack("<4sHHIHHIIQQQ", b"\xfeSMB", *fields) + bytes(16)

    return make


@pytest.fixture(scope="session")
def pdu() -> Callable[..., Pdu]:
    """One message as the script hands it over."""

    def make(frame: int, data: bytes, time_ns: int | None = None, origin: bytes = b"1",
             identity: Identity | None = None) -> Pdu:  # fmt: skip
        return Pdu(0, frame, frame * 1000 if time_ns is None else time_ns, b"0", origin, data, identity)

    return make
