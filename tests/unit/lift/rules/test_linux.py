"""What the Linux kernel's client adds by itself, and what it does not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from helpers.story import DIRECTORY, WRITE, Client, Lifted, Wire, lifted

from smbench.smb2.ntstatus import Status
from smbench.workload.calls import Call, Flush, Open, Rename, SetAttributes, SetTimes, Stat, Truncate, Unlink
from smbench.workload.store import with_client_calls

CIFS: dict[str, Any] = {"request": {"contexts": ("QFid",)}}
SECOND = 10**9


def by_client(story: Lifted) -> list[tuple[Call, tuple[int, ...]]]:
    """What only another client repeats, with the exchanges that it stands for."""
    every = with_client_calls(story.workload).operations
    return [(operation.call, operation.exchanges) for operation in every if operation.by_client]


def mounts(client: Client) -> None:
    """What cifs.ko 6.1 sends when it mounts, after TREE_CONNECT."""
    root = client.opens("", access=0x80, attributes=DIRECTORY, **CIFS)
    for level in (5, 4, 1, 11):
        root.asks(level, info_type=2)
    root.closes()
    for _ in range(2):
        client.opens("", access=0x80, attributes=DIRECTORY, **CIFS).closes()
    client.looks("", attributes=DIRECTORY, **CIFS)


def test_mounting_is_the_clients(tmp_path: Path) -> None:
    wire = Wire()
    alice = wire.client("alice")
    mounts(alice)
    alice.looks("", attributes=DIRECTORY, **CIFS)
    alice.looks("x", **CIFS)
    story = lifted(wire, tmp_path)
    assert [call.path for call in story.calls] == ["", "x"]
    assert story.rules == [*["mount-probe"] * 6, *["mount-look"] * 7, *["stat"] * 6]


def test_another_clients_first_looks_are_its_users(tmp_path: Path) -> None:
    wire = Wire()
    alice = wire.client("alice")
    root = alice.opens("", access=0x80, attributes=DIRECTORY)
    root.asks(5, info_type=2).asks(1, info_type=2).closes()
    alice.looks("", attributes=DIRECTORY)
    assert lifted(wire, tmp_path).kinds == ["Open", "StatFs", "StatFs", "Close", "Stat"]


def test_statvfs_on_a_mount_that_is_in_use(tmp_path: Path) -> None:
    wire = Wire()
    alice = wire.client("alice")
    mounts(alice)
    alice.looks("x", **CIFS)
    alice.opens("", access=0x80, attributes=DIRECTORY, **CIFS).asks(7, info_type=2).closes()
    assert lifted(wire, tmp_path).kinds == ["Stat", "Open", "StatFs", "Close"]


def test_the_look_after_mkdir(tmp_path: Path) -> None:
    wire = Wire()
    alice = wire.client("alice")
    alice.looks("x", **CIFS)
    alice.makes_directory("d")
    alice.looks("d", attributes=DIRECTORY, **CIFS)
    alice.looks("d", attributes=DIRECTORY, **CIFS)
    story = lifted(wire, tmp_path)
    assert story.kinds == ["Stat", "MakeDirectory", "Stat"]
    assert story.rules[5:8] == ["look-after-mkdir"] * 3
    assert by_client(story) == [(Stat("d"), (5, 6, 7))]


def test_truncating_sends_more_than_the_size(tmp_path: Path) -> None:
    wire = Wire()
    alice = wire.client("alice")
    alice.looks("x", **CIFS)
    opened = alice.opens("x", access=WRITE, disposition=5, action=3)
    opened.flushes().truncates(0).sets(4, attributes=0, written_ns=SECOND, changed_ns=SECOND)
    opened.flushes().truncates(70).sets(4, attributes=0, written_ns=SECOND)
    opened.flushes().controls(0x900C4).truncates(7000).sets(4, attributes=0, written_ns=SECOND)
    opened.flushes().sets(4, attributes=0, accessed_ns=SECOND).closes()
    story = lifted(wire, tmp_path)
    assert story.kinds == ["Stat", "Open", "Truncate", "Truncate", "SetTimes", "Close"]
    assert isinstance(story.calls[1], Open)
    assert story.calls[2:5] == [Truncate(1, 70), Truncate(1, 7000), SetTimes(1, None, SECOND, None, None)]
    assert [len(operation.exchanges) for operation in story.operations] == [3, 4, 3, 4, 2, 1]
    assert [getattr(call, "times", None) for call in story.calls[1:4]] == [
        (-1, -1, SECOND, SECOND),
        (-1, -1, SECOND, -1),
        (-1, -1, SECOND, -1),
    ]
    assert [call.sparse for call in story.calls[2:4]] == [False, True]
    assert story.calls[4].flushed
    assert {row["disposition"] for row in story.coverage} == {"exact"}


def test_a_client_that_sets_no_times_at_a_truncation_flushes_before_it(tmp_path: Path) -> None:
    """cifs.ko 7.2; what sets the size that a file had when it was opened is still the client's, of a copy."""
    wire = Wire()
    alice, windows = wire.client("alice"), wire.client("windows")
    alice.looks("x", **CIFS)
    opened = alice.opens("x", access=WRITE, size=4711, request={"contexts": ("QFid",)})
    opened.flushes().truncates(70).flushes().controls(0x900C4).truncates(7000)
    opened.flushes().truncates(4711).flushes().truncates(80).closes()
    windows.opens("y", access=WRITE).flushes().truncates(70).closes()
    later = alice.opens("x", access=WRITE)
    later.flushes()
    alice.looks("z", **CIFS)
    later.truncates(60).closes()
    story = lifted(wire, tmp_path)
    assert story.kinds[-5:] == ["Open", "Flush", "Stat", "Truncate", "Close"]
    assert story.kinds[:-5] == [
        *("Stat", "Open", "Truncate", "Truncate", "Flush", "Truncate", "Close"),
        *("Open", "Flush", "Truncate", "Close"),
    ]
    truncations = [call for call in story.calls if isinstance(call, Truncate)]
    assert [call.size for call in truncations] == [70, 7000, 80, 70, 60]
    assert [call.flushed for call in truncations] == [True, True, True, False, False]
    assert [call.sparse for call in truncations] == [False, True, False, False, False]
    assert all(call.times is None for call in truncations)
    assert [call for call, _ in by_client(story)] == [Truncate(1, 4711)]


def test_the_size_that_a_file_has_is_set_by_the_client_before_it_is_copied(tmp_path: Path) -> None:
    wire = Wire()
    alice, windows = wire.client("alice"), wire.client("windows")
    alice.looks("x", **CIFS)
    opened = alice.opens("x", access=WRITE, size=4711, request={"contexts": ("QFid",)})
    opened.truncates(4711).truncates(5000).closes()
    windows.opens("y", access=WRITE, size=4711).truncates(4711).closes()
    story = lifted(wire, tmp_path)
    assert story.kinds == ["Stat", "Open", "Truncate", "Close", "Open", "Truncate", "Close"]
    assert story.calls[2] == Truncate(1, 5000)
    assert [call for call, _ in by_client(story)] == [Truncate(1, 4711)]


def test_a_flush_that_nothing_follows_is_a_flush(tmp_path: Path) -> None:
    wire = Wire()
    alice = wire.client("alice")
    alice.looks("x", **CIFS)
    opened = alice.opens("x", access=WRITE)
    opened.writes(0, 10).flushes().flushes().truncates(5).flushes().sets(4, attributes=2).closes()
    story = lifted(wire, tmp_path)
    assert story.kinds == [
        "Stat",
        "Open",
        "Write",
        "Flush",
        "Truncate",
        "Flush",
        "SetAttributes",
        "Close",
    ]


def sets_by_name(client: Client, path: str, **told: int) -> None:
    """What cifs.ko 6.12 sends to set attributes of a file, after the flush of what is open for writing."""
    with client:
        client.opens(path, access=0x100, **CIFS).sets(4, **(told or {"attributes": 0, **TIMES})).closes()


TIMES = {"written_ns": SECOND, "changed_ns": SECOND}


def test_the_flush_before_attributes_are_set_by_name_is_the_clients(tmp_path: Path) -> None:
    wire = Wire()
    alice = wire.client("alice")
    alice.looks("x", **CIFS)
    opened = alice.opens("x", access=WRITE)
    other = alice.opens("y", access=WRITE)
    opened.writes(0, 10).flushes().flushes()
    other.flushes()
    sets_by_name(alice, "x", attributes=2)
    opened.flushes().writes(10, 10)
    sets_by_name(alice, "x")
    opened.closes()
    story = lifted(wire, tmp_path)
    assert story.kinds == [
        *("Stat", "Open", "Open", "Write", "Flush", "Flush", "Open", "SetAttributes", "Close"),
        *("Flush", "Write", "Open", "SetTimes", "Close", "Close"),
    ]
    assert story.rules.count("flush-before") == 1
    assert by_client(story) == [(Flush(1), (7,))]


def test_a_call_that_ends_with_times_by_the_name_is_one(tmp_path: Path) -> None:
    """The same operations as those of a client that sets them on the open (`test_truncating…`)."""
    wire = Wire()
    alice = wire.client("alice")
    alice.looks("x", **CIFS)
    opened = alice.opens("x", access=WRITE, disposition=5, action=3)
    opened.flushes().truncates(0)
    sets_by_name(alice, "x")
    opened.flushes().truncates(70)
    sets_by_name(alice, "x")
    opened.flushes().controls(0x900C4).truncates(7000)
    sets_by_name(alice, "x")
    opened.flushes()
    sets_by_name(alice, "x")
    opened.closes()
    story = lifted(wire, tmp_path)
    assert story.kinds == ["Stat", "Open", "Truncate", "Truncate", "SetTimes", "Close"]
    assert story.calls[2:5] == [Truncate(1, 70), Truncate(1, 7000), SetTimes(1, None, None, SECOND, SECOND)]
    assert [len(operation.exchanges) for operation in story.operations] == [3, 6, 5, 6, 4, 1]
    assert [getattr(call, "times", None) for call in story.calls[1:4]] == [(-1, -1, SECOND, SECOND)] * 3
    assert [call.sparse for call in story.calls[2:4]] == [False, True]
    assert [call.times_by_name for call in story.calls[1:5]] == [True] * 4
    assert {row["disposition"] for row in story.coverage} == {"exact"}


def test_what_is_set_by_name_after_another_change_of_size_is_by_itself(tmp_path: Path) -> None:
    wire = Wire()
    alice = wire.client("alice")
    alice.looks("x", **CIFS)
    opened = alice.opens("x", access=WRITE)
    opened.flushes().truncates(70)
    sets_by_name(alice, "x", attributes=1)
    opened.flushes().truncates(80)
    sets_by_name(alice, "y")
    opened.closes()
    story = lifted(wire, tmp_path)
    assert story.kinds == [
        *("Stat", "Open", "Truncate", "Open", "SetAttributes", "Close"),
        *("Truncate", "Open", "SetTimes", "Close", "Close"),
    ]
    assert by_client(story) == []


def removes_open(client: Client, path: str, name: str) -> None:
    """What cifs.ko 7.2 sends for the unlink of a file that is open."""
    with client:
        opened = client.opens(path, access=0x10100, **CIFS).sets(4, attributes=0x22)
        opened.renames(name).dooms().closes()


def test_an_open_file_that_is_removed_by_renaming_is_an_unlink(tmp_path: Path) -> None:
    wire = Wire()
    alice = wire.client("alice")
    alice.looks("d/x", **CIFS)
    opened = alice.opens("d/x", access=WRITE)
    alice.looks("d/.__smbfile_silly1", status=Status.OBJECT_NAME_NOT_FOUND, **CIFS)
    removes_open(alice, "d/x", "d/.__smbfile_silly1")
    opened.writes(0, 10).closes()
    story = lifted(wire, tmp_path)
    assert story.kinds == ["Stat", "Open", "Unlink", "Write", "Close"]
    assert story.calls[2] == Unlink("d/x", on_close=False)
    assert [operation.path for operation in story.operations[2:5]] == ["d/x"] * 3
    assert len(story.operations[2].exchanges) == 5
    assert story.rules.count("look-before") == 3


def test_a_file_that_is_hidden_renamed_otherwise_and_removed_is_so(tmp_path: Path) -> None:
    wire = Wire()
    alice = wire.client("alice")
    alice.looks("x", **CIFS)
    removes_open(alice, "x", "y")
    story = lifted(wire, tmp_path)
    assert story.kinds == ["Stat", "Open", "SetAttributes", "Rename", "SetDelete", "Close"]


def test_another_clients_flush_before_it_sets_attributes_is_its_users(tmp_path: Path) -> None:
    wire = Wire()
    alice = wire.client("alice")
    opened = alice.opens("x", access=WRITE).flushes()
    with alice:
        alice.opens("x", access=0x100).sets(4, attributes=0, written_ns=SECOND).closes()
    opened.closes()
    story = lifted(wire, tmp_path)
    assert story.kinds == ["Open", "Flush", "Open", "SetTimes", "Close", "Close"]
    assert by_client(story) == []


def test_other_clients_mean_what_they_send(tmp_path: Path) -> None:
    wire = Wire()
    opened = wire.client("alice").opens("x", access=WRITE, disposition=5, action=3)
    opened.flushes().truncates(0).sets(4, attributes=0, written_ns=SECOND).closes()
    story = lifted(wire, tmp_path)
    assert story.kinds == ["Open", "Flush", "Truncate", "SetTimes", "Close"]
    assert (story.calls[0].times, story.calls[2].times, story.calls[3].flushed) == (None, None, False)


def test_pipes_by_name_where_the_tree_is_older_than_the_capture(tmp_path: Path) -> None:
    wire = Wire()
    alice = wire.client("alice", "unknown-5", None)
    alice.opens("srvsvc").writes(0, 10).closes()
    odd = alice.opens("custom")
    odd.controls(0x11C017).reads(0, 10).closes()
    alice.opens("srvsvc.txt").closes()
    story = lifted(wire, tmp_path)
    assert story.rules == [*["pipe"] * 3, "open", *["pipe"] * 3, "open", "close"]


NOT_FOUND = 0xC0000034


def test_the_last_look_before_a_mkdir_is_the_clients(tmp_path: Path) -> None:
    wire = Wire()
    alice = wire.client("alice")
    alice.looks("there", **CIFS)
    alice.looks("d", NOT_FOUND, **CIFS)
    alice.looks("d", NOT_FOUND, **CIFS)
    alice.makes_directory("d")
    story = lifted(wire, tmp_path)
    assert story.kinds == ["Stat", "Stat", "MakeDirectory"]
    assert story.rules[6:9] == ["look-before"] * 3
    assert by_client(story) == [(Stat("d"), (6, 7, 8))]


def test_what_the_client_does_is_counted_apart_and_stands_for_its_exchanges(tmp_path: Path) -> None:
    wire = Wire()
    alice = wire.client("alice")
    alice.looks("d", NOT_FOUND, **CIFS)
    alice.makes_directory("d")
    alice.looks("d", attributes=DIRECTORY, **CIFS)
    story = lifted(wire, tmp_path)
    info = story.workload.info
    assert (info.operations, info.operations_by_user, info.client_calls) == ({"MakeDirectory": 1}, [1], 2)
    assert [row["operation"] for row in story.coverage] == [0, 0, 0, 1, 1, 2, 2, 2]
    assert [row["disposition"] for row in story.coverage] == [
        *["client"] * 3,
        *["exact"] * 2,
        *["client"] * 3,
    ]
    every = list(with_client_calls(story.workload).operations)
    assert [operation.expected for operation in every] == [NOT_FOUND, 0, 0]
    assert {operation.lane for operation in every} == {0}


def test_a_look_that_nothing_follows_is_a_users(tmp_path: Path) -> None:
    wire = Wire()
    alice, bob = wire.client("alice"), wire.client("bob")
    alice.looks("there", **CIFS)
    alice.looks("d", NOT_FOUND, **CIFS)
    bob.makes_directory("d")
    for _ in range(5):
        alice.looks("there", **CIFS)
    alice.makes_directory("d")
    alice.looks("at the end", NOT_FOUND, **CIFS)
    story = lifted(wire, tmp_path)
    assert story.kinds.count("Stat") == 8
    assert "look-before" not in story.rules


def test_the_look_for_a_renames_target_is_the_clients(tmp_path: Path) -> None:
    wire = Wire()
    alice = wire.client("alice")
    alice.looks("old", **CIFS)
    alice.looks("new", NOT_FOUND, **CIFS)
    with alice:
        alice.opens("old", access=0x10000, **CIFS).renames("new").closes()
    story = lifted(wire, tmp_path)
    assert story.kinds == ["Stat", "Open", "Rename", "Close"]
    opened = story.calls[1]
    assert isinstance(opened, Open)
    assert opened.compound
    assert story.rules[3:6] == ["look-before"] * 3
    assert by_client(story) == [(Stat("new"), (3, 4, 5))]


CANNOT_DELETE = 0xC0000121
READONLY_OFF = 0x80


def unlinks_read_only(client: Client, path: str, then: str | None = None) -> None:
    """What cifs.ko sends for one unlink of a file that is read-only."""
    with client:
        client.opens(path, status=CANNOT_DELETE, access=0x10000, options=0x201000, **CIFS).closes()
    with client:
        opened = client.opens(then or path, access=0x100, **CIFS)
        opened.sets(4, attributes=READONLY_OFF).closes()
    with client:
        client.opens(then or path, access=0x10000, options=0x201000, **CIFS).closes()


def test_the_clients_retry_of_a_removal_is_its_own(tmp_path: Path) -> None:
    wire = Wire()
    alice = wire.client("alice")
    alice.looks("x", **CIFS)
    unlinks_read_only(alice, "x")
    story = lifted(wire, tmp_path)
    assert story.kinds == ["Stat", "Unlink"]
    assert story.rules[3:] == [*["removal-refused"] * 2, *["make-removable"] * 3, *["unlink"] * 2]
    assert story.operations[1].expected == 0
    calls = [call for call, _ in by_client(story)]
    assert [type(call).__name__ for call in calls] == ["Unlink", "Open", "SetAttributes", "Close"]
    assert isinstance(calls[2], SetAttributes)
    assert calls[2].attributes == READONLY_OFF


def test_a_refused_removal_that_nothing_makes_good_is_a_users(tmp_path: Path) -> None:
    wire = Wire()
    alice = wire.client("alice")
    alice.looks("x", **CIFS)
    unlinks_read_only(alice, "x", then="y")
    story = lifted(wire, tmp_path)
    assert story.kinds == ["Stat", "Unlink", "Open", "SetAttributes", "Close", "Unlink"]
    assert story.operations[1].expected == CANNOT_DELETE
    assert by_client(story) == []


def test_what_another_client_does_after_a_refused_removal_is_its_users(tmp_path: Path) -> None:
    wire = Wire()
    alice = wire.client("alice")
    for status in (CANNOT_DELETE, 0):
        with alice:
            alice.opens("x", status=status, access=0x10000, options=0x1000).closes()
        if status:
            with alice:
                alice.opens("x", access=0x100).sets(4, attributes=READONLY_OFF).closes()
    story = lifted(wire, tmp_path)
    assert story.kinds == ["Unlink", "Open", "SetAttributes", "Close", "Unlink"]
    assert by_client(story) == []


def test_an_open_that_empties_is_told_from_a_truncation_that_follows_it(tmp_path: Path) -> None:
    wire = Wire()
    alice = wire.client("alice")
    alice.looks("x", **CIFS)
    opened = alice.opens("x", access=WRITE, disposition=5, action=3)
    opened.flushes().truncates(7).sets(4, attributes=0, written_ns=SECOND).closes()
    story = lifted(wire, tmp_path)
    assert story.calls[1].times is None
    assert "open-truncating" not in story.rules


def renames_in_one(client: Client, target: str, status: int = 0, path: str = "d") -> None:
    """What cifs.ko sends for a rename: one compound."""
    with client:
        client.opens(path, access=0x10000, attributes=DIRECTORY, **CIFS).renames(target, status).closes()


def test_a_denied_rename_is_tried_again_by_the_client(tmp_path: Path) -> None:
    wire = Wire()
    alice = wire.client("alice")
    for _ in range(2):
        alice.looks("e", Status.OBJECT_NAME_NOT_FOUND, **CIFS)
        for _ in range(4):
            renames_in_one(alice, "e", Status.ACCESS_DENIED)
    alice.looks("e", Status.OBJECT_NAME_NOT_FOUND, **CIFS)
    renames_in_one(alice, "e")
    story = lifted(wire, tmp_path)
    assert story.kinds.count("Rename") == 3
    assert story.rules.count("rename-again") == 2 * 3 * 3
    again = [call for call, _ in by_client(story)]
    assert [type(call).__name__ for call in again[:4]] == ["Stat", "Open", "Rename", "Close"]
    assert sum(isinstance(call, Rename) for call in again) == 6
    assert [call.denied_on_linux for call in story.calls if isinstance(call, Rename)] == [True, True, False]


def removes_in_one(client: Client, path: str) -> None:
    with client:
        client.opens(path, access=0x10000, options=0x1040, **CIFS).closes()


def test_what_has_the_name_of_a_denied_rename_is_removed_by_the_client(tmp_path: Path) -> None:
    wire = Wire()
    alice = wire.client("alice")
    alice.looks("e", **CIFS)
    for _ in range(4):
        renames_in_one(alice, "e", Status.ACCESS_DENIED)
    removes_in_one(alice, "e")
    renames_in_one(alice, "e", Status.ACCESS_DENIED)
    renames_in_one(alice, "e", Status.ACCESS_DENIED)
    removes_in_one(alice, "e")
    story = lifted(wire, tmp_path)
    assert story.kinds == ["Stat", *["Open", "Rename", "Close"] * 2, "Unlink"]
    assert story.rules.count("removal-for-rename") == 2
    assert story.rules.count("rename-again") == 3 * 3 + 3
    assert sum(isinstance(call, Unlink) for call, _ in by_client(story)) == 1


def test_what_its_caller_tries_again_is_no_clients(tmp_path: Path) -> None:
    wire = Wire()
    alice, other = wire.client("alice"), wire.client("bob")
    other.opens("d", access=0x10000, attributes=DIRECTORY).renames("e", Status.ACCESS_DENIED).closes()
    other.opens("d", access=0x10000, attributes=DIRECTORY).renames("e", Status.ACCESS_DENIED).closes()
    for _ in range(5):
        renames_in_one(alice, "e", Status.ACCESS_DENIED)
    renames_in_one(alice, "f", Status.OBJECT_NAME_COLLISION)
    renames_in_one(alice, "f", Status.OBJECT_NAME_COLLISION)
    story = lifted(wire, tmp_path)
    assert story.kinds.count("Rename") == 2 + 2 + 2
    assert story.rules.count("rename-again") == 9
