"""Reads and writes; pieces of large calls."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.story import Open, Wire, lifted

from smbench.smb2.constants import USE_FILE_POINTER_POSITION, WRITE_TO_END_OF_FILE
from smbench.smb2.ntstatus import Status
from smbench.workload.calls import (
    Flush,
    Read,
    Write,
)

PIECE = 1 << 20


def test_reads_and_writes_keep_extent_and_count(tmp_path: Path) -> None:
    wire = Wire()
    opened = wire.client("alice").opens("x")
    opened.reads(5, 100, count=60).reads(65, 100, status=Status.END_OF_FILE).writes(0, 10, flags=1).flushes()
    story = lifted(wire, tmp_path)
    assert story.calls[1:] == [Read(0, 5, 100), Read(0, 65, 100), Write(0, 0, 10, True), Flush(0)]
    assert [operation.received for operation in story.operations] == [None, 60, None, 10, None]
    assert story.operations[2].expected == Status.END_OF_FILE


def pieces(
    opened: Open, count: int, apart_ns: int = 10_000, takes_ns: int = 900_000, last: int = PIECE
) -> None:
    start = opened.client.wire.now_ns + 1_000_000
    for number in range(count):
        length = last if number == count - 1 else PIECE
        opened.reads(number * PIECE, length, at_ns=start + number * apart_ns, takes_ns=takes_ns)


def test_pieces_sent_together_are_one_read(tmp_path: Path) -> None:
    wire = Wire()
    opened = wire.client("alice").opens("x")
    pieces(opened, 4, last=1000)
    opened.closes()
    story = lifted(wire, tmp_path)
    assert story.calls[1] == Read(0, 0, 3 * PIECE + 1000)
    operation = story.operations[1]
    assert operation.exchanges == (1, 2, 3, 4)
    assert operation.received == 3 * PIECE + 1000
    assert operation.service_ns == 930_000
    assert [row["disposition"] for row in story.coverage] == ["exact", *["approximate"] * 4, "exact"]


def test_pieces_of_a_write_too(tmp_path: Path) -> None:
    wire = Wire()
    opened = wire.client("alice").opens("x")
    opened.writes(0, PIECE).writes(PIECE, PIECE, at_ns=wire.now_ns + 1000).closes()
    assert lifted(wire, tmp_path).calls[1] == Write(0, 0, 2 * PIECE, False)


def test_a_loop_of_reads_stays_a_loop(tmp_path: Path) -> None:
    wire = Wire()
    opened = wire.client("alice").opens("x")
    pieces(opened, 3, apart_ns=1_000_000)
    assert lifted(wire, tmp_path).kinds == ["Open", "Read", "Read", "Read"]


@pytest.mark.parametrize(
    ("offset", "length", "status"),
    [(PIECE + 1, PIECE, 0), (PIECE, 2 * PIECE, 0), (PIECE, PIECE, Status.ACCESS_DENIED)],
)
def test_what_is_no_next_piece(tmp_path: Path, offset: int, length: int, status: int) -> None:
    wire = Wire()
    opened = wire.client("alice").opens("x")
    opened.reads(0, PIECE).reads(offset, length, status=status, at_ns=wire.now_ns + 1000)
    assert lifted(wire, tmp_path).kinds == ["Open", "Read", "Read"]


def test_small_reads_are_never_pieces(tmp_path: Path) -> None:
    wire = Wire()
    opened = wire.client("alice").opens("x")
    opened.reads(0, 4096).reads(4096, 4096, at_ns=wire.now_ns + 1000)
    assert lifted(wire, tmp_path).kinds == ["Open", "Read", "Read"]


def test_a_write_at_the_end_of_the_file_is_an_append(tmp_path: Path) -> None:
    wire = Wire()
    opened = wire.client("alice").opens("x")
    opened.writes(WRITE_TO_END_OF_FILE, 40).writes(WRITE_TO_END_OF_FILE, 7, flags=1)
    story = lifted(wire, tmp_path)
    assert story.calls[1:] == [
        Write(0, WRITE_TO_END_OF_FILE, 40, append=True),
        Write(0, WRITE_TO_END_OF_FILE, 7, through=True, append=True),
    ]
    assert [row["disposition"] for row in story.coverage[1:]] == ["approximate"] * 2
    assert [one.received for one in story.operations[1:]] == [40, 7]


def test_a_write_there_that_was_refused_asked_for_that_offset(tmp_path: Path) -> None:
    wire = Wire()
    wire.client("alice").opens("x").writes(WRITE_TO_END_OF_FILE, 40, status=Status.INVALID_PARAMETER)
    assert lifted(wire, tmp_path).calls[1:] == [Write(0, WRITE_TO_END_OF_FILE, 40)]


def test_a_write_at_the_file_s_pointer_is_none_that_can_be_repeated(tmp_path: Path) -> None:
    wire = Wire()
    wire.client("alice").opens("x").writes(USE_FILE_POINTER_POSITION, 40)
    story = lifted(wire, tmp_path)
    assert story.kinds == ["Open"]
    assert story.coverage[1]["disposition"] == "unsupported"
    assert "the file's pointer" in story.coverage[1]["reason"]
