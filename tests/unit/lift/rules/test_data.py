"""Reads, writes, locks, copies and holes; pieces of large calls."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.story import Open, Wire, lifted

from smbench.smb2.ntstatus import Status
from smbench.trace import messages as m
from smbench.trace.values import CopyChunk
from smbench.workload.calls import (
    AllocatedRanges,
    CopyRange,
    Flush,
    Lock,
    PunchHole,
    Read,
    Unlock,
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
    assert [fate["disposition"] for fate in story.fates] == ["exact", *["approximate"] * 4, "exact"]


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


def test_locks_one_an_element(tmp_path: Path) -> None:
    wire = Wire()
    opened = wire.client("alice").opens("x")
    opened.locks((0, 10, 0x12)).locks((20, 5, 1)).locks((0, 10, 4), (20, 5, 4))
    story = lifted(wire, tmp_path)
    assert story.calls[1:] == [
        Lock(0, 0, 10, True, False),
        Lock(0, 20, 5, False, True),
        Unlock(0, 0, 10),
        Unlock(0, 20, 5),
    ]
    assert [operation.exchanges for operation in story.operations[3:]] == [(3,), (3,)]
    assert [operation.lane for operation in story.operations] == [0] * 5
    assert story.rules == ["open", "lock", "lock", "locks"]


def test_locks_that_no_call_asks_for(tmp_path: Path) -> None:
    wire = Wire()
    opened = wire.client("alice").opens("x")
    opened.locks(status=Status.INVALID_PARAMETER).locks((0, 1, 7), status=Status.INVALID_PARAMETER)
    opened.locks((0, 1, 0x12), (5, 1, 0x12), status=Status.LOCK_NOT_GRANTED)
    story = lifted(wire, tmp_path)
    assert story.kinds == ["Open"]
    assert story.rules == ["open", "lock-invalid", "lock-invalid", "locks-refused"]


def test_server_side_copy(tmp_path: Path) -> None:
    wire = Wire()
    alice = wire.client("alice")
    source, target = alice.opens("a", size=None), alice.opens("b", access=0xC0000080)
    source.controls(0x140078, response=m.IoctlResponse(resume_key="ab"))
    chunks = (CopyChunk(0, 10, 100), CopyChunk(100, 110, 50))
    target.controls(0x1480F2, resume_key="ab", chunks=chunks)
    target.controls(0x1480F2, resume_key="cd", chunks=chunks)
    source.closes()
    target.controls(0x1480F2, resume_key="ab", chunks=chunks)
    story = lifted(wire, tmp_path)
    assert story.calls[2:4] == [CopyRange(0, 1, 0, 10, 100), CopyRange(0, 1, 100, 110, 50)]
    assert story.rules[2:] == ["resume-key", "copy", "copy-of-unknown", "close", "copy-of-unknown"]
    assert story.namespace["a"].size == 150


def test_holes_and_ranges(tmp_path: Path) -> None:
    wire = Wire()
    opened = wire.client("alice").opens("x")
    opened.controls(0x900C4, sparse=True).controls(0x980C8, offset=5, length=7)
    opened.controls(0x940CF, offset=0, length=100).controls(0x98344).controls(0x90028)
    story = lifted(wire, tmp_path)
    assert story.calls[1:] == [PunchHole(0, 5, 7), AllocatedRanges(0, 0, 100)]
    assert story.rules[1:] == ["sparse", "punch", "allocated-ranges", "clone", "other-ioctl"]
    assert story.fates[-1]["reason"].endswith("FSCTL 0x00090028")
