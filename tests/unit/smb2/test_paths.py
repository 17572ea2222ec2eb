"""Names of the wire as paths."""

from __future__ import annotations

import pytest

from smbench.smb2.paths import rename_target, renamed, share_path


@pytest.mark.parametrize(
    ("name", "dfs", "path"),
    [
        ("", False, ""),
        ("a\\b.txt", False, "a/b.txt"),
        ("\\a\\\\b\\", False, "a/b"),
        ("a.txt:stream:$DATA", False, "a.txt:stream:$DATA"),
        ("\\server\\share\\a\\b", True, "a/b"),
        ("server\\share", True, ""),
    ],
)
def test_names_become_paths(name: str, dfs: bool, path: str) -> None:
    assert share_path(name, dfs) == path


@pytest.mark.parametrize(
    ("path", "new"),
    [("a", "z"), ("a/b", "z/b"), ("a:s", "z:s"), ("ab", None), ("b/a", None)],
)
def test_a_rename_takes_along_what_is_beneath(path: str, new: str | None) -> None:
    assert renamed(path, "a", "z") == new


def test_a_stream_is_renamed_within_its_file() -> None:
    assert rename_target("d/a.txt:one", ":two:$DATA") == "d/a.txt:two:$DATA"
    assert rename_target("d/a.txt", "e\\b.txt") == "e/b.txt"
