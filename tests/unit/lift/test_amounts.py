"""What operations moved in the capture, where it must be the same again."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.story import Open, Wire, lifted

from smbench.smb2.constants import FSCTL_SRV_COPYCHUNK, FSCTL_SRV_REQUEST_RESUME_KEY
from smbench.smb2.ntstatus import Status
from smbench.trace.messages import IoctlResponse, ReadRequest
from smbench.trace.model import Command
from smbench.trace.values import CopyChunk
from smbench.workload.calls import CopyRange, List, Read

PIECE = 1 << 20


def amounts(wire: Wire, into: Path, kind: type) -> list[int | None]:
    return [one.received for one in lifted(wire, into).operations if isinstance(one.call, kind)]


def test_a_piece_that_is_not_told_of_leaves_the_read_unknown(tmp_path: Path) -> None:
    wire = Wire()
    opened = wire.client("alice").opens("x")
    start = wire.now_ns + 1_000_000
    opened.reads(0, PIECE, at_ns=start, takes_ns=900_000)
    cut = ReadRequest("", PIECE, PIECE)
    opened.sends(Command.READ, cut, 0, None, at_ns=start + 1000, takes_ns=900_000)
    opened.reads(2 * PIECE, 100, count=60)
    assert amounts(wire, tmp_path, Read) == [None, 60]


@pytest.mark.parametrize(
    ("status", "total", "dealt"),
    [
        (0, 350, [100, 200, 50]),
        (0, 120, [100, 20, 0]),
        (Status.INVALID_PARAMETER, 1 << 20, [None, None, None]),
        (0, None, [None, None, None]),
    ],
)
def test_copied_bytes_are_dealt_out_in_the_order_of_the_chunks(
    tmp_path: Path, status: int, total: int | None, dealt: list[int | None]
) -> None:
    wire = Wire()
    alice = wire.client("alice")
    source, target = alice.opens("a"), alice.opens("b")
    source.controls(FSCTL_SRV_REQUEST_RESUME_KEY, response=IoctlResponse(resume_key="k" * 48))
    chunks = tuple(CopyChunk(at, at, length) for at, length in ((0, 100), (100, 200), (300, 50)))
    target.controls(
        FSCTL_SRV_COPYCHUNK, status, IoctlResponse(count=total), resume_key="k" * 48, chunks=chunks
    )
    assert amounts(wire, tmp_path, CopyRange) == dealt


def scanned(opened: Open, *, flags: int = 0, lost_bytes: int = 0, pattern: str = "*") -> Open:
    opened.lists(".", "..", "a", flags=flags, pattern=pattern, lost_bytes=lost_bytes)
    return opened.lists("b", "c", pattern=pattern).lists(pattern=pattern, status=Status.NO_MORE_FILES)


def test_a_directory_that_is_read_from_end_to_end_has_its_entries(tmp_path: Path) -> None:
    wire = Wire()
    opened = wire.client("alice").opens_directory("d")
    scanned(scanned(opened), flags=1).closes()
    assert amounts(wire, tmp_path, List) == [3, 3]


def test_an_empty_directory_has_none(tmp_path: Path) -> None:
    wire = Wire()
    wire.client("alice").opens_directory("d").lists(".", "..").ends_listing().closes()
    assert amounts(wire, tmp_path, List) == [0]


def test_what_is_the_server_s_choice_or_not_told_is_not_known(tmp_path: Path) -> None:
    wire = Wire()
    alice = wire.client("alice")
    alice.opens_directory("one-answer").lists("a").closes()
    alice.opens_directory("not-to-its-end").lists("a").lists("b").closes()
    goes_on = alice.opens_directory("goes-on").lists("a", flags=2)
    goes_on.lists("b").ends_listing().closes()
    scanned(alice.opens_directory("some"), pattern="?").closes()
    scanned(alice.opens_directory("cut"), lost_bytes=120).closes()
    alice.opens_directory("unknown-class").lists(level=99).lists(
        level=99, status=Status.NO_MORE_FILES
    ).closes()
    assert amounts(wire, tmp_path, List) == [None] * 8


def test_a_scan_on_an_open_that_the_capture_lacks_may_have_begun_before_it(tmp_path: Path) -> None:
    wire = Wire()
    alice = wire.client("alice")
    opened = alice.opens_directory("d")
    wire.exchanges.clear()
    scanned(opened)
    scanned(opened, flags=1)
    for number, exchange in enumerate(wire.exchanges):
        object.__setattr__(exchange, "index", number)
    assert amounts(wire, tmp_path, List) == [None, 3]
