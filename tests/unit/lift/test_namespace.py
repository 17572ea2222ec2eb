"""What must be there before, and what must not, from every answer that tells."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.story import DIRECTORY, NORMAL, REMOVE, WRITE, Wire, lifted

from smbench.smb2.ntstatus import Status
from smbench.trace.values import DirectoryEntry
from smbench.workload.model import Kind, NamespaceEntry

THEN = 1_600_000_000 * 10**9


def test_an_open_that_opened_tells_size_times_and_parents(tmp_path: Path) -> None:
    wire = Wire()
    wire.client("alice").opens("a/b/x", size=1234, times=THEN, attributes=0x22).closes()
    story = lifted(wire, tmp_path)
    assert list(story.namespace.values()) == [
        NamespaceEntry("a", Kind.DIRECTORY),
        NamespaceEntry("a/b", Kind.DIRECTORY),
        NamespaceEntry("a/b/x", Kind.FILE, True, 1234, True, 0x22, THEN, THEN, THEN),
    ]


@pytest.mark.parametrize(
    ("status", "present", "absent"),
    [
        (Status.OBJECT_NAME_NOT_FOUND, ["d"], ["d/x"]),
        (Status.OBJECT_PATH_NOT_FOUND, [], ["d"]),
        (Status.OBJECT_NAME_COLLISION, ["d", "d/x"], []),
        (Status.SHARING_VIOLATION, ["d", "d/x"], []),
        (Status.FILE_IS_A_DIRECTORY, ["d", "d/x"], []),
        (Status.ACCESS_DENIED, ["d", "d/x"], []),
        (Status.OBJECT_NAME_INVALID, [], []),
        (None, [], []),
    ],
)
def test_refusals_tell(tmp_path: Path, status: int | None, present: list[str], absent: list[str]) -> None:
    wire = Wire()
    wire.client("alice").opens("d/x", status)
    story = lifted(wire, tmp_path)
    assert story.present == present
    assert story.absent == absent
    if status == Status.FILE_IS_A_DIRECTORY:
        assert story.namespace["d/x"].kind is Kind.DIRECTORY


def test_what_the_workload_makes_was_not_there(tmp_path: Path) -> None:
    wire = Wire()
    alice = wire.client("alice")
    alice.makes_directory("d")
    alice.creates("d/x").writes(0, 100).closes(size=100, attributes=0x20)
    alice.opens("d/x", size=100).closes()
    alice.looks("d/y", Status.OBJECT_NAME_NOT_FOUND)
    story = lifted(wire, tmp_path)
    assert story.present == []
    assert story.absent == ["d"]


def test_the_first_evidence_wins(tmp_path: Path) -> None:
    wire = Wire()
    alice = wire.client("alice")
    alice.looks("x", Status.OBJECT_NAME_NOT_FOUND)
    alice.opens("x", size=5).closes()
    alice.opens("y", size=5).closes()
    alice.opens("y", size=9).closes()
    story = lifted(wire, tmp_path)
    assert story.absent == ["x"]
    assert story.namespace["y"].size == 5


def test_sizes_after_a_write_are_not_of_the_beginning(tmp_path: Path) -> None:
    wire = Wire()
    opened = wire.client("alice").opens("x", size=None, access=WRITE)
    opened.writes(0, 5000).asks(18, size=5000, written_ns=THEN).closes(size=5000)
    story = lifted(wire, tmp_path)
    assert story.namespace["x"] == NamespaceEntry("x", Kind.FILE, attributes=NORMAL)


def test_reads_presume_at_least_what_they_returned(tmp_path: Path) -> None:
    wire = Wire()
    alice = wire.client("alice")
    alice.opens("x", size=None).reads(100, 50)
    alice.opens("y", size=None).reads(100, 50, count=20).reads(500, 50, count=50)
    story = lifted(wire, tmp_path)
    assert (story.namespace["x"].size, story.namespace["x"].size_known) == (150, False)
    assert (story.namespace["y"].size, story.namespace["y"].size_known) == (120, True)


def test_overwritten_files_were_there(tmp_path: Path) -> None:
    wire = Wire()
    wire.client("alice").opens("x", disposition=5, action=3, size=0).closes(size=0)
    assert lifted(wire, tmp_path).namespace["x"] == NamespaceEntry("x", Kind.FILE)


def test_listings_tell_of_their_entries(tmp_path: Path) -> None:
    wire = Wire()
    entries = [
        DirectoryEntry(".", DIRECTORY),
        DirectoryEntry("..", DIRECTORY),
        DirectoryEntry("sub", DIRECTORY, 0),
        DirectoryEntry("file", 0x20, 77, written_ns=THEN),
        DirectoryEntry("a/b"),
    ]
    wire.client("alice").opens_directory("d").lists(*entries).closes()
    story = lifted(wire, tmp_path)
    assert story.present == ["d", "d/file", "d/sub"]
    assert story.namespace["d/file"].size == 77
    assert story.namespace["d/file"].written_ns == THEN
    assert story.namespace["d/sub"].kind is Kind.DIRECTORY


def test_names_that_differ_by_case_are_one(tmp_path: Path) -> None:
    wire = Wire()
    alice = wire.client("alice")
    alice.opens("Dir/File").closes()
    alice.opens("dir/FILE").closes()
    alice.opens_directory("DIR").lists(
        DirectoryEntry("fILE", NORMAL), DirectoryEntry("Other", NORMAL)
    ).closes()
    alice.opens("dir/other").closes()
    story = lifted(wire, tmp_path)
    assert story.present == ["Dir", "Dir/File", "Dir/Other"]
    assert {operation.path for operation in story.operations} == {"Dir/File", "Dir", "Dir/Other"}


def test_what_was_learned_after_a_rename_was_so_under_the_old_name(tmp_path: Path) -> None:
    wire = Wire()
    alice = wire.client("alice")
    alice.opens_directory("old", access=REMOVE).renames("new").closes()
    alice.opens("new/x", size=9).closes()
    alice.looks("old", Status.OBJECT_NAME_NOT_FOUND)
    alice.creates("old").closes()
    alice.opens("new/x", access=REMOVE).renames("new/y", replace=True).closes()
    alice.looks("new/y")
    story = lifted(wire, tmp_path)
    assert story.present == ["old", "old/x"]
    assert story.absent == ["new"]
    assert story.namespace["old/x"].size == 9
    assert story.namespace["old"].kind is Kind.DIRECTORY


def test_refused_renames_tell_of_their_targets(tmp_path: Path) -> None:
    wire = Wire()
    opened = wire.client("alice").opens("x", access=REMOVE)
    opened.renames("there", Status.OBJECT_NAME_COLLISION).renames("no/y", Status.OBJECT_PATH_NOT_FOUND)
    story = lifted(wire, tmp_path)
    assert story.present == ["there", "x"]
    assert story.absent == ["no"]


def test_deleted_and_made_again(tmp_path: Path) -> None:
    wire = Wire()
    alice = wire.client("alice")
    alice.unlinks("x")
    alice.looks("x", Status.OBJECT_NAME_NOT_FOUND)
    alice.creates("x").closes()
    alice.opens("x", size=0, attributes=0x21).closes()
    story = lifted(wire, tmp_path)
    assert story.present == ["x"]
    assert story.namespace["x"].attributes == NORMAL


def test_delete_on_close_waits_for_the_last_open(tmp_path: Path) -> None:
    wire = Wire()
    alice = wire.client("alice")
    keeps = alice.opens("d/x")
    alice.opens("d/x", access=REMOVE).dooms().closes()
    keeps.reads(0, 10).closes()
    alice.opens("d/x", disposition=2, action=2).closes()
    story = lifted(wire, tmp_path)
    assert story.present == ["d", "d/x"]


def test_a_directory_that_was_not_empty_gets_something(tmp_path: Path) -> None:
    wire = Wire()
    alice = wire.client("alice")
    for name in ("d", "e"):
        if name == "e":
            alice.opens("e/known").closes()
        gone = alice.opens(name, access=REMOVE, attributes=DIRECTORY, options=1)
        gone.dooms(Status.DIRECTORY_NOT_EMPTY).closes()
    assert lifted(wire, tmp_path).present == ["d", "d/smbench-not-empty", "e", "e/known"]


def test_streams_stand_beside_their_file(tmp_path: Path) -> None:
    wire = Wire()
    alice = wire.client("alice")
    alice.opens("f:s:$DATA", size=5).closes()
    alice.opens("f::$DATA", size=8).asks(22, streams=("::$DATA 8", ":t:$DATA 3")).closes()
    alice.creates("g:new").closes()
    story = lifted(wire, tmp_path)
    assert story.present == ["f", "f:s", "f:t"]
    assert story.namespace["f"] == NamespaceEntry("f", Kind.FILE, True, 8, True, NORMAL)
    assert (story.namespace["f:s"].kind, story.namespace["f:s"].size) == (Kind.STREAM, 5)
    assert story.namespace["f:t"].size == 3
    assert story.absent == ["g:new"]


def test_evidence_counts_from_its_answer(tmp_path: Path) -> None:
    wire = Wire()
    alice, bob = wire.client("alice"), wire.client("bob")
    slow = alice.opens("x", takes_ns=8_000_000)
    bob.creates("x").closes()
    slow.client.wire.now_ns = 20_000_000
    slow.closes()
    story = lifted(wire, tmp_path)
    assert story.absent == ["x"]


def test_hostile_paths_stay_data(tmp_path: Path) -> None:
    wire = Wire()
    alice = wire.client("alice")
    deep = "/".join(["d"] * 5000)
    for path in ("../../etc/passwd", "a\x00b", "lone\ud800", "x" * 9000, deep, "c:/windows", "a//b", "."):
        alice.opens(path).renames("../y").closes()
    story = lifted(wire, tmp_path)
    assert story.calls[0].path == "../../etc/passwd"
    assert story.calls[1].target == "../y"
    assert "../../etc/passwd" in story.present
    assert not any(len(path) > 4096 for path in story.namespace)


def test_several_shares_are_folders(tmp_path: Path) -> None:
    wire = Wire()
    alice = wire.client("alice", "Files")
    other = alice.connects("data")
    again = alice.connects("FILES")
    alice.opens("x").closes()
    alice.opens("x", tree=other).closes()
    alice.opens_directory("", tree=again).lists(DirectoryEntry("y", NORMAL)).closes()
    story = lifted(wire, tmp_path)
    assert {operation.path for operation in story.operations} == {"Files/x", "data/x", "Files"}
    assert story.present == ["Files", "Files/x", "Files/y", "data", "data/x"]


def test_a_directory_that_was_open_before_the_capture_and_is_watched_was_there(tmp_path: Path) -> None:
    wire = Wire()
    early = wire.client("alice").opens_directory("d/e")
    early.watches()
    wire.exchanges.pop(0)
    story = lifted(wire, tmp_path)
    assert story.present == ["d", "d/e"]
    assert story.namespace["d/e"].kind is Kind.DIRECTORY


def test_a_folder_that_is_called_as_a_stream_is_there_once(tmp_path: Path) -> None:
    wire = Wire()
    alice = wire.client("alice")
    alice.opens("a:b/x").closes()
    alice.opens("a:b").closes()
    entries = lifted(wire, tmp_path).workload.namespace
    assert [entry.path for entry in entries] == ["a", "a:b", "a:b/x"]
