"""Who is like no other in a tree: by what is kept of a path, below it and above it."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smbench.anonymize.risk import risk_of, shape


@pytest.mark.parametrize(
    ("paths", "kept", "unique"),
    [
        ([], [], 0),
        (["aaaa"], [1], 1),
        (["aaaa", "bbbb"], [1, 1], 0),
        (["aaaa", "bbbb"], [1, 2], 2),
        (["aaaa", "bbbbb"], [1, 1], 2),
        (["aaaa.txt", "bbbb.csv"], [1, 1], 2),
        (["aaaa.zzzzz", "bbbb.yyyyy"], [1, 1], 0),
        (["aaaa", "bbbb", "aaaa/cccc", "bbbb/dddd"], [1, 1, 1, 1], 0),
        (["aaaa", "bbbb", "aaaa/cccc", "bbbb/dddd"], [1, 1, 1, 2], 4),
        (["aaaa/cccc"], [1], 1),
        (["aaaa/cccc", "bbbb/cccc", "bbbb/dddd", "bbbb/eeee"], [1] * 4, 2),
        (["aaaa/cccc", "bbbb/cccc", "bbbb/dddd", "eeee/dddd"], [1] * 4, 0),
    ],
)
def test_known_trees(paths: list[str], kept: list[int], unique: int) -> None:
    risk = risk_of(paths, kept)
    assert (risk.paths, risk.unique) == (len(paths), unique)
    assert risk.share == (unique / len(paths) if paths else 0)


@given(st.data())
def test_unique_is_what_every_renaming_leaves_in_its_place(data: st.DataObject) -> None:
    """By trying all renamings of small trees that keep structure and labels."""
    parents = data.draw(st.lists(st.integers(-1, 4), max_size=6))
    parents = [parent if parent < at else -1 for at, parent in enumerate(parents)]
    labels = data.draw(st.lists(st.integers(0, 1), min_size=len(parents), max_size=len(parents)))
    paths: list[str] = []
    for at, parent in enumerate(parents):
        name = "abcdef"[at] * 4
        paths.append(name if parent < 0 else f"{paths[parent]}/{name}")
    moved: set[int] = set()
    for order in permutations(range(len(parents))):
        if all(
            labels[order[at]] == labels[at] and parents[order[at]] == (order[parent] if parent >= 0 else -1)
            for at, parent in enumerate(parents)
        ):
            moved.update(at for at in order if order[at] != at)
    assert risk_of(paths, labels).unique == len(parents) - len(moved)


def test_a_size_tells_a_path_where_no_other_of_its_kind_had_it() -> None:
    paths, kept = ["aaaa", "bbbb", "cccc"], [4096] * 3
    assert risk_of(paths, kept, [16, 16, 20], [True, False, False]).unique == 0
    assert risk_of(paths, kept, [16, 20, 20], [True, False, False]).unique == 1
    assert risk_of(paths, kept, [16, 20, 24], [True, True, False]).unique == 3


def test_names_that_the_decoder_made_up_are_no_words() -> None:
    alike = ["unknown-1", "unknown-1/unknown-5", "unknown-1/unknown-7", "unknown-5", "unknown-5/unknown-9"]
    assert risk_of(alike, [1] * 5).unique == 3


def test_of_a_name_its_length_and_known_extension_are_seen() -> None:
    assert shape("abcdefabcdef.docx") == "12.docx"
    assert shape("~$abcdefabcdef.docx") == "~$12.docx"
    assert shape("abcdefabcdef.q2bcd") == "12.5"
