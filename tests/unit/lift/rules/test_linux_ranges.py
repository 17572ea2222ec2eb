"""What the Linux kernel's client sends for ranges of a file, each as one call."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from helpers.story import WRITE, Client, Open, Wire, lifted

from smbench.smb2.ntstatus import Status
from smbench.trace import messages as m
from smbench.trace.values import CopyChunk
from smbench.workload.calls import AllocatedRanges, CopyRange, PunchHole, ShiftRange, Truncate
from smbench.workload.store import with_client_calls

CIFS: dict[str, Any] = {"request": {"contexts": ("QFid",)}}
KEY, COPY, ZERO, SPARSE, RANGES, SNAPSHOTS = 0x140078, 0x1480F2, 0x980C8, 0x900C4, 0x940CF, 0x144064


def linux(wire: Wire) -> tuple[Client, Open]:
    """A client of Linux, and a file that it has open."""
    alice = wire.client("alice")
    alice.looks("x", **CIFS)
    return alice, alice.opens("x", access=WRITE)


def asks_key(source: Open, key: str = "k") -> None:
    source.controls(KEY, response=m.IoctlResponse(resume_key=key))


def copies(target: Open, *chunk: int, key: str = "k", status: int = 0) -> None:
    target.controls(COPY, resume_key=key, chunks=(CopyChunk(*chunk),), status=status)


def test_a_hole_in_a_file_that_becomes_sparse(tmp_path: Path) -> None:
    wire = Wire()
    _, opened = linux(wire)
    opened.controls(SPARSE, sparse=True).controls(ZERO, offset=0, length=10)
    opened.controls(ZERO, offset=20, length=10).controls(SPARSE, sparse=False).truncates(90).closes()
    story = lifted(wire, tmp_path)
    assert story.calls[2:-1] == [PunchHole(1, 0, 10), PunchHole(1, 20, 10), Truncate(1, 90)]
    assert [call.sparse for call in story.calls[2:4]] == [True, False]
    assert story.rules[4:] == ["punch-on-linux", "punch-on-linux", "punch", "sparse", "truncate", "close"]


def test_a_range_that_is_taken_out(tmp_path: Path) -> None:
    wire = Wire()
    _, opened = linux(wire)
    asks_key(opened)
    copies(opened, 4096, 0, 1000)
    copies(opened, 5096, 1000, 500)
    opened.truncates(1500).flushes().closes()
    story = lifted(wire, tmp_path)
    assert story.kinds == ["Stat", "Open", "ShiftRange", "Flush", "Close"]
    assert story.calls[2] == ShiftRange(1, 0, 4096, insert=False)
    assert story.calls[2].size == 1500
    assert len(story.operations[2].exchanges) == 4


def test_a_range_that_is_put_in(tmp_path: Path) -> None:
    wire = Wire()
    _, opened = linux(wire)
    opened.truncates(5000)
    asks_key(opened)
    copies(opened, 100, 1100, 3900)
    opened.controls(ZERO, offset=100, length=1000).closes()
    story = lifted(wire, tmp_path)
    assert story.kinds == ["Stat", "Open", "ShiftRange", "Close"]
    assert story.calls[2] == ShiftRange(1, 100, 1000, insert=True)
    assert story.calls[2].size == 5000


def lists(target: Open, *chunks: tuple[int, int, int]) -> None:
    target.controls(COPY, resume_key="k", chunks=tuple(CopyChunk(*chunk) for chunk in chunks))


def test_a_range_that_is_taken_out_by_lists_of_chunks(tmp_path: Path) -> None:
    wire = Wire()
    _, opened = linux(wire)
    asks_key(opened)
    lists(opened, (4096, 0, 1000), (5096, 1000, 1000))
    lists(opened, (6096, 2000, 500))
    opened.truncates(2500).closes()
    story = lifted(wire, tmp_path)
    assert story.calls[2:-1] == [ShiftRange(1, 0, 4096)]
    assert story.calls[2].listed
    assert not story.calls[2].sparse


@pytest.mark.parametrize("sparse", [True, False], ids=["marked", "sparse already"])
def test_a_range_that_is_put_in_from_the_end(tmp_path: Path, sparse: bool) -> None:
    """As clients do since they mind that the ranges overlap (6.12.113, 7.2.7)."""
    wire = Wire()
    _, opened = linux(wire)
    if sparse:
        opened.controls(SPARSE, sparse=True)
    opened.truncates(5000)
    asks_key(opened)
    lists(opened, (3000, 4000, 1000), (2000, 3000, 1000))
    lists(opened, (1000, 2000, 1000), (100, 1100, 900))
    opened.controls(ZERO, offset=100, length=1000).closes()
    story = lifted(wire, tmp_path)
    assert story.calls[2:-1] == [ShiftRange(1, 100, 1000, insert=True)]
    (call,) = story.calls[2:-1]
    assert (call.size, call.listed, call.sparse) == (5000, True, sparse)


def test_a_file_is_marked_sparse_and_grows(tmp_path: Path) -> None:
    wire = Wire()
    _, opened = linux(wire)
    opened.controls(SPARSE, sparse=True).truncates(5000)
    asks_key(opened)
    opened.closes()
    story = lifted(wire, tmp_path)
    assert story.calls[2:-1] == [Truncate(1, 5000)]
    assert story.rules[4:] == ["sparse", "truncate", "resume-key", "close"]


def test_a_range_that_is_put_in_after_a_flush_is_still_one(tmp_path: Path) -> None:
    wire = Wire()
    _, opened = linux(wire)
    opened.flushes().truncates(5000)
    asks_key(opened)
    copies(opened, 0, 1000, 4000)
    opened.controls(ZERO, offset=0, length=1000).closes()
    story = lifted(wire, tmp_path)
    assert story.kinds[2:] == ["Flush", "ShiftRange", "Close"]


@pytest.mark.parametrize("allocation", [5000, 4096])
def test_a_file_grows_with_its_allocation(tmp_path: Path, allocation: int) -> None:
    """fallocate beyond the end on 7.2; where another size was allocated, each is a call of its own."""
    wire = Wire()
    _, opened = linux(wire)
    opened.asks().sets(19, size=allocation).truncates(5000).asks().flushes().truncates(70).closes()
    story = lifted(wire, tmp_path)
    grown = [Truncate(1, 5000)] if allocation == 5000 else None
    apart = ["StatHandle", "SetAllocation", "Truncate", "StatHandle"]
    assert story.kinds[2:] == [*(["Truncate"] if grown else apart), "Truncate", "Close"]
    if grown:
        assert story.calls[2:3] == grown
        assert story.calls[2].allocated
        assert [len(operation.exchanges) for operation in story.operations[2:4]] == [4, 2]


@pytest.mark.parametrize("shape", ["other size", "other key", "down", "zeros elsewhere", "no zeros"])
def test_what_only_looks_like_a_shift(tmp_path: Path, shape: str) -> None:
    wire = Wire()
    _, opened = linux(wire)
    if shape == "zeros elsewhere" or shape == "no zeros":
        opened.truncates(5000)
    asks_key(opened)
    if shape == "other size":
        copies(opened, 4096, 0, 1000)
        opened.truncates(2000)
    elif shape == "other key":
        copies(opened, 4096, 0, 1000, key="another")
        opened.truncates(1000)
    elif shape == "down":
        copies(opened, 0, 4096, 1000)
        opened.truncates(5096)
    else:
        copies(opened, 100, 1100, 3900)
    if shape == "zeros elsewhere":
        opened.controls(ZERO, offset=0, length=1000)
    opened.closes()
    kinds = lifted(wire, tmp_path).kinds
    assert "ShiftRange" not in kinds
    assert kinds.count("CopyRange") == (shape != "other key")
    assert kinds.count("Truncate") == 1


def test_data_or_a_hole_is_sought(tmp_path: Path) -> None:
    wire = Wire()
    alice, opened = linux(wire)
    reader = alice.opens("x")
    many: dict[str, Any] = {"offset": 0, "length": 90}
    one = {**many, "output_length": 16}
    opened.asks().flushes().controls(RANGES, status=Status.BUFFER_TOO_SMALL, **one)
    reader.asks().controls(RANGES, **one)
    reader.asks()
    opened.flushes()
    reader.controls(RANGES, **one)
    reader.asks().controls(RANGES, output_length=16384, **many)
    opened.asks().flushes().truncates(5).sets(4, attributes=0, written_ns=10**9).closes()
    story = lifted(wire, tmp_path)
    sought = AllocatedRanges(1, 0, 90)
    assert story.calls[3:6] == [sought, AllocatedRanges(2, 0, 90), AllocatedRanges(2, 0, 90)]
    assert [(call.seek, call.flushed) for call in story.calls[3:6]] == [
        (True, True),
        (True, False),
        (True, False),
    ]
    assert story.kinds[6:] == ["StatHandle", "AllocatedRanges", "StatHandle", "Truncate", "Close"]
    assert not story.calls[7].seek
    assert story.rules.count("flush-before-seek") == 1
    every = with_client_calls(story.workload).operations
    assert [type(operation.call).__name__ for operation in every if operation.by_client] == ["Flush"]


def test_one_copy_by_several_requests(tmp_path: Path) -> None:
    wire = Wire()
    alice, source = linux(wire)
    target = alice.opens("y", access=WRITE)
    asks_key(source)
    copies(target, 0, 0, 1000)
    copies(target, 1000, 1000, 1000)
    copies(target, 2000, 2000, 7)
    asks_key(source)
    copies(target, 2007, 2007, 10)
    copies(target, 0, 9000, 10)
    copies(target, 10, 9010, 10, status=Status.ACCESS_DENIED)
    copies(target, 20, 9020, 10)
    story = lifted(wire, tmp_path)
    assert story.calls[3:] == [
        CopyRange(1, 2, 0, 0, 2007),
        CopyRange(1, 2, 2007, 2007, 10),
        CopyRange(1, 2, 0, 9000, 20),
        CopyRange(1, 2, 20, 9020, 10),
    ]
    assert [call.request for call in story.calls[3:]] == [1000, 0, 10, 0]
    assert [operation.expected for operation in story.operations[3:]] == [0, 0, Status.ACCESS_DENIED, 0]


def test_a_copy_goes_on_while_its_source_is_closed(tmp_path: Path) -> None:
    wire = Wire()
    alice, source = linux(wire)
    target = alice.opens("y", access=WRITE)
    asks_key(source)
    copies(target, 0, 0, 1000)
    copies(target, 1000, 1000, 1000)
    source.closes()
    target.closes()
    assert lifted(wire, tmp_path).calls[3] == CopyRange(1, 2, 0, 0, 2000)


@pytest.mark.parametrize("requests", [1, 2])
def test_a_copy_is_from_its_source_though_that_is_closed_by_then(tmp_path: Path, requests: int) -> None:
    wire = Wire()
    alice = wire.client("alice")
    source, target = alice.opens("x"), alice.opens("y", access=WRITE)
    asks_key(source)
    for number in range(requests):
        copies(target, number * 10, number * 10, 10)
    source.closes()
    target.flushes()
    story = lifted(wire, tmp_path)
    assert story.calls[2] == CopyRange(0, 1, 0, 0, 10 * requests)
    assert story.rules[3 : 3 + requests] == ["copy"] * requests
