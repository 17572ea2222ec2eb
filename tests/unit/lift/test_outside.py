"""What somebody outside did, by the answers that nothing in the capture explains; and what explains them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from helpers.oracle import replay
from helpers.story import DIRECTORY, READ, WRITE, Wire, lifted

from smbench.smb2 import constants as c
from smbench.smb2.ntstatus import Status
from smbench.trace.values import CopyChunk, DirectoryEntry
from smbench.workload.calls import Lock, MakeDirectory, Open, RemoveDirectory, Truncate, Unlink, Write
from smbench.workload.model import Operation
from smbench.workload.outside import with_outside

GONE = Status.OBJECT_NAME_NOT_FOUND
Story = Callable[[Wire], object]


def appeared(wire: Wire) -> None:
    alice = wire.client("alice")
    alice.opens("out.txt", size=20).reads(0, 20).closes()
    alice.unlinks("out.txt")
    alice.opens("out.txt", GONE)
    alice.opens("out.txt", size=20).reads(0, 20).closes()


def gone(wire: Wire) -> None:
    alice = wire.client("alice")
    alice.looks("d/x")
    alice.looks("d/x", GONE)


def grown(wire: Wire) -> None:
    alice = wire.client("alice")
    alice.opens("log", size=100).reads(0, 1000, 100).closes()
    alice.opens("log", size=200).reads(0, 1000, 200).closes()


def grown_while_open(wire: Wire) -> None:
    log = wire.client("alice").opens("log", size=100)
    log.reads(0, 1000, 100).reads(100, 1000, status=Status.END_OF_FILE).reads(100, 1000, 50).closes()


def shrunk(wire: Wire) -> None:
    alice = wire.client("alice")
    alice.opens("log", size=100).closes()
    alice.opens("log", size=30).closes()


def replaced(wire: Wire) -> None:
    alice = wire.client("alice")
    alice.opens("thing", size=5).closes()
    alice.opens_directory("thing").closes()


def directory_made(wire: Wire) -> None:
    alice = wire.client("alice")
    alice.looks("d", GONE)
    alice.opens("d/e/x", size=7).closes()


def directory_removed(wire: Wire) -> None:
    alice = wire.client("alice")
    alice.opens("d/x").closes()
    alice.opens("d/y", GONE)
    alice.opens("d/y", Status.OBJECT_PATH_NOT_FOUND)


def listed(wire: Wire) -> None:
    alice = wire.client("alice")
    alice.unlinks("d/x")
    alice.opens_directory("d").lists(DirectoryEntry("x", 0x20, size=9)).closes()


def held(wire: Wire) -> None:
    alice = wire.client("alice")
    alice.opens("out", GONE)
    alice.opens("out", Status.SHARING_VIOLATION)
    alice.opens("out", Status.SHARING_VIOLATION)
    alice.opens("out", size=40).reads(0, 100, 40).closes()


def locked(wire: Wire) -> None:
    file = wire.client("alice").opens("db", access=READ | WRITE, size=100)
    file.locks((0, 10, 0x12), status=Status.LOCK_NOT_GRANTED)
    file.reads(0, 10, status=Status.FILE_LOCK_CONFLICT)
    file.locks((0, 10, 0x12)).reads(0, 10).closes()


@pytest.mark.parametrize(
    ("story", "changes", "calls"),
    [
        (appeared, {"appeared": 1}, [Open, Write]),
        (gone, {"gone": 1}, [Unlink]),
        (grown, {"resized": 1}, [Open, Write]),
        (grown_while_open, {"resized": 1}, [Open, Write]),
        (shrunk, {"resized": 1}, [Open, Truncate]),
        (replaced, {"gone": 1, "appeared": 1}, [Unlink, MakeDirectory]),
        (directory_made, {"appeared": 3}, [MakeDirectory, MakeDirectory, Open, Write]),
        (directory_removed, {"gone": 2}, [Unlink, RemoveDirectory]),
        (listed, {"appeared": 1}, [Open, Write]),
        (locked, {"locked": 1}, [Open, Lock]),
        (held, {"appeared": 1, "held": 1, "resized": 1}, [Open, Open, Open, Write]),
    ],
)
def test_a_change(tmp_path: Path, story: Story, changes: dict[str, int], calls: list[type]) -> None:
    told, outside = of(story, tmp_path)
    assert told == changes
    assert [type(one.call) for one in outside if type(one.call).__name__ != "Close"] == calls
    assert all(one.expected == 0 and one.exchanges == () for one in outside)


def test_it_lies_between_the_last_sight_and_the_first(tmp_path: Path) -> None:
    wire = Wire()
    grown(wire)
    workload = with_outside(lifted(wire, tmp_path).workload)
    opens = [one for one in workload.operations if isinstance(one.call, Open)]
    before, change, after = opens
    assert before.arrival_ns + before.service_ns <= change.arrival_ns <= after.arrival_ns
    assert change.user == 1
    assert [user.name for user in workload.info.trace.users] == ["alice", "outside"]


def test_long_before_it_was_seen_it_is_done_a_second_before(tmp_path: Path) -> None:
    wire = Wire()
    alice = wire.client("alice")
    alice.looks("x")
    wire.now_ns = 3600 * 10**9
    alice.looks("x", GONE)
    change, seen = list(with_outside(lifted(wire, tmp_path).workload).operations)[-2:]
    assert isinstance(change.call, Unlink)
    assert seen.arrival_ns - change.arrival_ns == 10**9


def test_an_account_may_be_called_outside(tmp_path: Path) -> None:
    wire = Wire()
    wire.client("Outside").looks("x")
    wire.client("bob").looks("x", GONE)
    workload = with_outside(lifted(wire, tmp_path).workload)
    assert [user.name for user in workload.info.trace.users] == ["Outside", "bob", "outside#2"]


def test_a_large_file_has_a_hole_behind_its_first_part(tmp_path: Path) -> None:
    wire = Wire()
    alice = wire.client("alice")
    alice.looks("x", GONE)
    alice.opens("x", size=1 << 40).closes()
    calls = [one.call for one in of_wire(wire, tmp_path)[1]]
    assert sum(call.length for call in calls if isinstance(call, Write)) == 64 << 20
    assert [call.size for call in calls if isinstance(call, Truncate)] == [1 << 40]


def test_a_holder_refuses_until_somebody_may_open_it(tmp_path: Path) -> None:
    wire = Wire()
    held(wire)
    workload = lifted(wire, tmp_path).workload
    assert [one.signature for one in replay(with_outside(workload), "held") if not one.matches] == []
    assert [one.matches for one in replay(workload, "let")].count(False) == 5


def test_a_lock_refuses_until_it_is_free(tmp_path: Path) -> None:
    wire = Wire()
    locked(wire)
    workload = lifted(wire, tmp_path).workload
    assert [one.signature for one in replay(with_outside(workload), "locked") if not one.matches] == []
    assert [one.matches for one in replay(workload, "free")].count(False) > 0


# What the capture explains


def own_removal(wire: Wire) -> None:
    alice = wire.client("alice")
    alice.opens("x").closes()
    alice.unlinks("x")
    alice.looks("x", GONE)
    alice.creates("x").closes()
    alice.looks("x")


def another_users(wire: Wire) -> None:
    alice, bob = wire.client("alice"), wire.client("bob")
    log = alice.opens("log", access=WRITE, size=0)
    bob.opens("log", size=0).closes()
    log.writes(0, 4096)
    bob.opens("log", size=4096).reads(0, 8192, 4096).closes()
    log.truncates(10)
    bob.opens("log", size=10).closes()


def in_flight(wire: Wire) -> None:
    alice, bob = wire.client("alice"), wire.client("bob")
    alice.looks("x")
    alice.unlinks("x", takes_ns=50_000_000)
    bob.looks("x")
    bob.looks("x", GONE)


def case_variants(wire: Wire) -> None:
    alice = wire.client("alice")
    alice.creates("Docs.TXT").closes()
    alice.looks("docs.txt")
    alice.unlinks("DOCS.txt")
    alice.looks("Docs.txt", GONE)


def delete_on_close(wire: Wire) -> None:
    alice, bob = wire.client("alice"), wire.client("bob")
    held = bob.opens("x")
    alice.opens("x", access=WRITE | c.DELETE).dooms().closes()
    bob.opens_directory("").lists("x").closes()
    held.closes()
    alice.looks("x", GONE)


def renamed(wire: Wire) -> None:
    alice = wire.client("alice")
    folder = alice.opens("d", access=READ | c.DELETE, attributes=DIRECTORY)
    alice.looks("d/x")
    folder.renames("e").closes()
    alice.looks("e/x")
    alice.looks("d", GONE)
    alice.looks("d/x", Status.OBJECT_PATH_NOT_FOUND)


def linked(wire: Wire) -> None:
    alice = wire.client("alice")
    one = alice.opens("one", access=READ | WRITE, size=1)
    one.sets(11, target="two", replace=False)
    one.writes(0, 100).closes()
    alice.opens("two", size=100).closes()


def unanswered(wire: Wire) -> None:
    alice = wire.client("alice")
    alice.looks("x")
    alice.opens("x", access=c.DELETE, options=c.DELETE_ON_CLOSE, status=None)
    alice.looks("x", GONE)


def listing_begun_before(wire: Wire) -> None:
    alice = wire.client("alice")
    folder = alice.opens_directory("d").lists("a")
    alice.unlinks("d/x")
    folder.lists("x").ends_listing().closes()


def sizes_of_nobody_who_reads(wire: Wire) -> None:
    alice = wire.client("alice")
    alice.opens("x", size=50).closes(size=0, attributes=0x20)
    alice.opens("x", access=c.DELETE, size=0).closes()
    alice.opens_directory("").lists(DirectoryEntry("x", 0x20, size=7)).closes()


def copied_to(wire: Wire) -> None:
    alice = wire.client("alice")
    target = alice.opens("x", access=READ | WRITE, size=0)
    target.controls(c.FSCTL_SRV_COPYCHUNK, chunks=(CopyChunk(0, 0, 300),), resume_key="ab")
    target.asks(5, size=300).closes()


def appended(wire: Wire) -> None:
    alice = wire.client("alice")
    log = alice.opens("x", access=READ | WRITE, size=10)
    log.writes((1 << 64) - 1, 5).asks(5, size=15).closes()


def held_by_the_capture(wire: Wire) -> None:
    alice, bob = wire.client("alice"), wire.client("bob")
    held = alice.opens("x", share_access=0)
    bob.opens("x", Status.SHARING_VIOLATION)
    held.closes()
    bob.opens("x").closes()


def locked_by_the_capture(wire: Wire) -> None:
    alice, bob = (wire.client(name).opens("x", access=READ | WRITE, size=9) for name in ("alice", "bob"))
    alice.locks((0, 10, 0x12))
    bob.locks((0, 10, 0x12), status=Status.LOCK_NOT_GRANTED)
    bob.reads(0, 9, status=Status.FILE_LOCK_CONFLICT)
    alice.locks((0, 10, 4))
    bob.locks((0, 10, 0x12))


def held_while_it_was_asked(wire: Wire) -> None:
    alice, bob = wire.client("alice"), wire.client("bob")
    held = alice.opens("x", share_access=0)
    bob.opens("x", Status.SHARING_VIOLATION, takes_ns=20_000_000)
    held.closes()
    bob.opens("x").closes()


def a_file_in_the_place_of_a_directory(wire: Wire) -> None:
    alice = wire.client("alice")
    alice.looks("d/x", Status.OBJECT_PATH_NOT_FOUND)
    alice.opens("d", size=3).closes()


@pytest.mark.parametrize(
    "story",
    [
        own_removal, another_users, in_flight, case_variants, delete_on_close, renamed, linked, unanswered,
        held_by_the_capture, locked_by_the_capture, held_while_it_was_asked, listing_begun_before,
        sizes_of_nobody_who_reads, copied_to, appended, a_file_in_the_place_of_a_directory,
    ],
)  # fmt: skip
def test_what_the_capture_explains(tmp_path: Path, story: Story) -> None:
    assert of(story, tmp_path) == ({}, [])


def test_a_file_that_is_no_directory_was_there_before(tmp_path: Path) -> None:
    wire = Wire()
    a_file_in_the_place_of_a_directory(wire)
    assert lifted(wire, tmp_path).present == ["d"]


def of(story: Story, folder: Path) -> tuple[dict[str, int], list[Operation]]:
    """The changes of a story, and the operations that stand for them."""
    wire = Wire()
    story(wire)
    return of_wire(wire, folder)


def of_wire(wire: Wire, folder: Path) -> tuple[dict[str, int], list[Operation]]:
    workload = lifted(wire, folder).workload
    users = len(workload.info.trace.users)
    operations = list(with_outside(workload).operations)
    return dict(workload.info.outside.changes), [one for one in operations if one.user == users]


@pytest.mark.parametrize("before", [0, 100, 1 << 62, (1 << 64) - 1])
def test_no_file_is_made_longer_than_one_can_be(before: int, tmp_path: Path) -> None:
    wire = Wire()
    alice = wire.client("alice")
    alice.opens("log", size=before).closes()
    alice.opens("log", size=before).reads((1 << 64) - 1, 1000, 100).closes()
    workload = lifted(wire, tmp_path).workload
    calls = [operation.call for operation in with_outside(workload).operations]
    assert max([call.size for call in calls if isinstance(call, Truncate)], default=0) < 1 << 63
