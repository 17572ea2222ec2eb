"""Scans and change notifications."""

from __future__ import annotations

from pathlib import Path

from helpers.story import Wire, lifted

from smbench.smb2.ntstatus import Status
from smbench.workload.calls import (
    List,
    Notify,
    StatHandle,
)


def test_one_scan_is_one_listing(tmp_path: Path) -> None:
    wire = Wire()
    opened = wire.client("alice").opens_directory("")
    opened.lists("a", flags=1).lists("b").ends_listing()
    opened.lists("a", flags=1).asks(5).ends_listing().closes()
    story = lifted(wire, tmp_path)
    assert story.calls[1:] == [
        List(0, "*", 37, True, 65536, 3),
        List(0, "*", 37, True, 65536, 1),
        StatHandle(0, 1, 5, 4096),
        List(0, "*", 37, False, 65536, 1),
        story.calls[-1],
    ]
    assert [operation.expected for operation in story.operations][1:5] == [0, 0, 0, Status.NO_MORE_FILES]
    assert story.operations[1].exchanges == (1, 2, 3)


def test_a_scan_that_goes_on_to_its_entries_is_read_in_pieces(tmp_path: Path) -> None:
    """As rm -r and git gc do it: one lane is enough, and the end is asked for after the removal again."""
    wire = Wire()
    alice = wire.client("alice")
    opened = alice.opens_directory("d")
    opened.lists("a", flags=1).lists("b")
    alice.looks("d/a")
    opened.ends_listing()
    opened.lists("a", flags=1)
    alice.looks("e/a")
    wire.client("bob").looks("d/a")
    opened.ends_listing().closes()
    story = lifted(wire, tmp_path)
    listings = [operation.exchanges for operation in story.operations if isinstance(operation.call, List)]
    assert [len(exchanges) for exchanges in listings] == [1, 1, 1, 2]
    assert [call.calls for call in story.calls if isinstance(call, List)] == [1, 1, 1, 2]
    assert story.kinds[:5] == ["Open", "List", "List", "Stat", "List"]


def test_a_scan_that_is_left_before_its_end_asks_no_further(tmp_path: Path) -> None:
    wire = Wire()
    opened = wire.client("alice").opens_directory("d")
    opened.lists("a", flags=1).lists("b").closes()
    assert lifted(wire, tmp_path).kinds == ["Open", "List", "List", "Close"]


def test_a_scan_of_single_entries_stays_one_by_one(tmp_path: Path) -> None:
    wire = Wire()
    opened = wire.client("alice").opens_directory("d")
    opened.lists("a", flags=2).lists("b", flags=2).closes()
    assert lifted(wire, tmp_path).kinds == ["Open", "List", "List", "Close"]


def test_listing_that_finds_nothing(tmp_path: Path) -> None:
    wire = Wire()
    wire.client("alice").opens_directory("d").lists(pattern="none*", status=Status.NO_SUCH_FILE).closes()
    story = lifted(wire, tmp_path)
    assert story.calls[1] == List(0, "none*", 37, False, 65536, 1)
    assert story.operations[1].expected == Status.NO_SUCH_FILE


def test_notify_waits_beside_everything_else(tmp_path: Path) -> None:
    wire = Wire()
    alice = wire.client("alice")
    watched = alice.opens_directory("d")
    watched.watches(takes_ns=50_000_000)
    alice.looks("x")
    watched.watches(None)
    alice.looks("y", at_ns=10**9)
    story = lifted(wire, tmp_path)
    assert story.calls[1] == Notify(0, 3, True)
    assert [operation.lane for operation in story.operations] == [0, 1, 0, 2, 0]
    assert story.workload.info.lanes == [3]
