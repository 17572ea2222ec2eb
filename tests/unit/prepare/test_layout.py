"""A namespace put in order."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smbench.prepare.layout import Layout, lay_out
from smbench.workload.model import Kind, NamespaceEntry

PARTS = st.sampled_from(
    ["a", "b", "B", "c.txt", "..", ".", "", "x:y", "n\0l", "back\\slash", ".smbench-prepared.jsonl"]
)
PATHS = st.lists(PARTS, min_size=0, max_size=4).map("/".join)
ENTRIES = st.builds(NamespaceEntry, PATHS, st.sampled_from(Kind), st.booleans(), st.integers(0, 9))


def file(path: str, size: int = 0) -> NamespaceEntry:
    return NamespaceEntry(path, Kind.FILE, size=size)


def paths(layout: Layout) -> tuple[list[str], list[str]]:
    return [item.path for item in layout.directories], [item.path for item in layout.files]


def test_parents_that_nobody_named_are_made_before_their_children() -> None:
    assert paths(lay_out([file("a/b/c/f"), file("z")])) == (["a", "a/b", "a/b/c"], ["a/b/c/f", "z"])


def test_streams_belong_to_their_file_and_bring_it_along() -> None:
    layout = lay_out(
        [NamespaceEntry("d/f:s", Kind.STREAM, size=5), NamespaceEntry("d/f:t:$DATA", Kind.STREAM)]
    )
    assert paths(layout) == (["d"], ["d/f"])
    assert [stream.path for stream in layout.files[0].streams] == ["d/f:s", "d/f:t:$DATA"]
    assert [entry.path for entry in layout.entries] == ["d", "d/f", "d/f:s", "d/f:t:$DATA"]


@pytest.mark.parametrize(
    "path",
    ["../x", "/etc/passwd", "a/../../b", "a//b", "a/./b", "a\\b", "n\0l", "x:y", ".SMBench-prepared.jsonl"],
)
def test_a_name_that_no_file_can_have_is_refused(path: str) -> None:
    layout = lay_out([file(path)])
    assert paths(layout) == ([], [])
    assert [refused.path for refused in layout.refused] == [path]


@pytest.mark.parametrize("path", [":a", "d/:a", "d/f:", "d/:"])
def test_a_stream_of_nothing_and_one_without_a_name(path: str) -> None:
    """Its file would have no name, which no manifest may hold."""
    layout = lay_out([NamespaceEntry(path, Kind.STREAM)])
    assert [refused.path for refused in layout.refused] == [path]
    assert list(layout.entries) == []


def test_what_lies_deeper_than_it_can_be_removed_is_refused() -> None:
    deep = [NamespaceEntry("/".join("d" * levels), Kind.FILE) for levels in (256, 257)]
    layout = lay_out(deep)
    assert [len(item.path.split("/")) for item in layout.files] == [256]
    assert [(len(one.path.split("/")), "256 folders deep" in one.reason) for one in layout.refused] == [
        (257, True)
    ]


def test_a_file_that_is_also_a_folder_stays_a_file() -> None:
    layout = lay_out([file("a"), file("a/b")])
    assert paths(layout) == ([], ["a"])
    assert "file and as a folder" in layout.refused[0].reason


def test_what_is_there_and_not_there_is_made() -> None:
    layout = lay_out([file("a/b"), NamespaceEntry("a", Kind.DIRECTORY, present=False)])
    assert paths(layout) == (["a"], ["a/b"])
    assert layout.absent == frozenset()
    assert len(layout.refused) == 1


@given(st.lists(ENTRIES, max_size=8))
def test_every_layout_can_be_made_in_its_order(entries: list[NamespaceEntry]) -> None:
    layout = lay_out(entries)
    made: set[str] = set()
    for item in (*layout.directories, *layout.files):
        parent = item.path.rpartition("/")[0]
        assert not parent or parent in made
        assert item.path not in made
        made.add(item.path)
    assert not layout.absent & made
    known = made | layout.absent | {refused.path for refused in layout.refused}
    streams = {stream.path for item in (*layout.directories, *layout.files) for stream in item.streams}
    gone = {entry.path for entry in entries if entry.kind is Kind.STREAM and not entry.present}
    assert {entry.path for entry in entries} <= known | streams | gone | {""}
