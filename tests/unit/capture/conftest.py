"""Captures beside the project, and messages made by hand."""

from __future__ import annotations

import os
import struct
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from smbench.capture.pdus import Identity, Pdu
from smbench.capture.tshark import find_tshark

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


@pytest.fixture
def open_to_all() -> Iterator[Path]:
    """A folder that whoever tshark runs as may write to: pytest's own are closed to others."""
    with tempfile.TemporaryDirectory(prefix="smbench-test-") as place:
        Path(place).chmod(0o777)
        yield Path(place)


@pytest.fixture
def stand_in(open_to_all: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Puts a shell script in tshark's place; `--version` it answers as a good one does."""

    def make(script: str, version: str = "TShark 4.4.2 with Lua 5.4") -> None:
        program = open_to_all / "tshark"
        program.write_text(f'#!/bin/sh\n[ "$1" != --version ] || {{ echo "{version}"; exit; }}\n{script}\n')
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{open_to_all}:{os.environ['PATH']}")
        find_tshark.cache_clear()

    yield make
    find_tshark.cache_clear()
