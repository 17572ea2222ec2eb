"""Captures that are damaged, or made to do damage: a trace, or the project's own error in one sentence.

What tshark would be given is written, and left unread: this is about the direct decoder.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from helpers.command import THREE_USERS
from helpers.mutate import records
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from smbench.capture import reading, tshark
from smbench.capture.decode import DecodeOptions, decode
from smbench.capture.jobs.job import TapJob
from smbench.errors import SmbenchError, UsageError

PACKETS = 70
Change = Callable[[list[bytearray]], None]
"""Does damage to the pieces of a file: its header, its records or blocks."""


@pytest.fixture
def unread(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No tshark: what it is to read is written, and nothing comes of it."""
    carry_out = reading._carry_out

    def without_tshark(jobs: Sequence[Any], *arguments: Any) -> Any:
        return [] if all(isinstance(job, TapJob) for job in jobs) else carry_out(jobs, *arguments)

    monkeypatch.setattr(reading, "_carry_out", without_tshark)
    monkeypatch.setattr(reading, "_is_there", lambda: True)
    monkeypatch.setattr(tshark, "_path", lambda: None)
    tshark.find_tshark.cache_clear()
    yield
    tshark.find_tshark.cache_clear()


def of_pcap() -> list[bytearray]:
    data = THREE_USERS.read_bytes()
    return [bytearray(data[:24]), *(bytearray(record) for record in islice(records(data), PACKETS))]


def block(kind: int, body: bytes) -> bytearray:
    size = struct.pack("<I", 12 + len(body) + -len(body) % 4)
    return bytearray(struct.pack("<I", kind) + size + body + bytes(-len(body) % 4) + size)


def of_pcapng() -> list[bytearray]:
    """The same with two interfaces of all options, a name, an event, and every fifth packet a simple one."""
    options = struct.pack("<HHB3xHHqHH", 9, 1, 6, 14, 8, 0, 0, 0)
    described = block(1, struct.pack("<HHI", 1, 0, 0) + options)
    made = [block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1)), described, described]
    made += [block(4, bytes(8)), block(9, b"{}")]
    for number, record in enumerate(islice(records(THREE_USERS.read_bytes()), PACKETS)):
        seconds, fraction, captured, length = struct.unpack_from("<4I", record)
        ticks, data = seconds * 1_000_000 + fraction, record[16:]
        head = struct.pack("<5I", number % 2, ticks >> 32, ticks & 0xFFFFFFFF, captured, length)
        made.append(block(3, struct.pack("<I", length) + data) if number % 5 == 4 else block(6, head + data))
    return made


PLACES = st.integers(0, PACKETS - 1)
NUMBERS = st.sampled_from([0, 1, 3, 4, 127, 128, 255, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF]).map(
    lambda number: number.to_bytes(4, "little")
)
WORDS = st.integers(0, 50).map(lambda word: 4 * word)


def overwrite(place: int, at: int, data: bytes) -> Change:
    def change(pieces: list[bytearray]) -> None:
        piece = pieces[place % len(pieces)]
        at_ = at % max(1, len(piece))
        piece[at_ : at_ + len(data)] = data

    return change


def cut(place: int, at: int, size: int) -> Change:
    def change(pieces: list[bytearray]) -> None:
        del pieces[place % len(pieces)][at : at + size]

    return change


def move(place: int, to: int, times: int) -> Change:
    """The record is elsewhere, or doubled, or not there."""

    def change(pieces: list[bytearray]) -> None:
        if len(pieces) > 1:
            piece = pieces.pop(place % len(pieces))
            pieces[to % (len(pieces) + 1) : to % (len(pieces) + 1)] = [bytearray(piece)] * times

    return change


CHANGES = st.one_of(
    # The heads of records, links, IP and TCP, and of SMB: 16 + 14 + 20 + 20 + 4 + 64 bytes and more.
    st.builds(overwrite, PLACES, st.integers(0, 200), st.binary(min_size=1, max_size=4)),
    st.builds(overwrite, PLACES, WORDS, NUMBERS),
    st.builds(overwrite, PLACES, st.integers(0, 1500), st.binary(min_size=1, max_size=40)),
    st.builds(overwrite, st.integers(0, 5), st.integers(0, 60), st.binary(min_size=1, max_size=8)),
    st.builds(cut, PLACES, st.integers(0, 200), st.integers(1, 100)),
    st.builds(move, PLACES, PLACES, st.integers(0, 2)),
)  # fmt: skip
KEYTAB = b"\5\2"


@pytest.mark.parametrize("pieces", [of_pcap, of_pcapng])
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=st.lists(CHANGES, min_size=1, max_size=6), keyed=st.booleans())
def test_whatever_the_bytes_it_is_a_trace_or_one_sentence(
    pieces: Callable[[], list[bytearray]], changes: list[Change], keyed: bool, tmp_path: Path, unread: None
) -> None:
    made = pieces()
    for change in changes:
        change(made)
    attempt(b"".join(made), keyed, tmp_path)


def test_times_that_are_no_times_are_told(tmp_path: Path) -> None:
    """By a resolution that one interface does not have: found by the property above."""
    made = of_pcapng()
    overwrite(1, 30, b"\x00\xa8")(made)
    assert attempt(b"".join(made), False, tmp_path) == -1
    with pytest.raises(UsageError, match=r"x have no times of one capture \(from the year \d+ to \d+\)"):
        decode([tmp_path / "x"], tmp_path)


def attempt(capture: bytes, keyed: bool, folder: Path) -> int:
    """How many exchanges there are in a capture; -1: the project's own error."""
    (folder / "x").write_bytes(capture)
    (folder / "keytab").write_bytes(KEYTAB)
    try:
        trace = decode([folder / "x"], folder, DecodeOptions(keytab=folder / "keytab" if keyed else None))
    except SmbenchError as error:
        return _sentence(str(error))
    exchanges = list(trace.exchanges)
    assert len(exchanges) == trace.info.exchanges == sum(trace.info.commands.values()) > 0
    return len(exchanges)


def _sentence(said: str) -> int:
    assert "\n" not in said
    return -1


def test_undamaged_these_captures_are_traces(tmp_path: Path, unread: None) -> None:
    of_one, of_other = (attempt(b"".join(pieces()), False, tmp_path) for pieces in (of_pcap, of_pcapng))
    assert of_one == of_other > 20
