"""No name of a capture leads out of a target; what it may be called stays as it is, to the letter."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smbench.paths.nt_names import (
    NameRefusedError,
    extended_root,
    is_device,
    is_remote,
    nt_root,
    relative_name,
)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (r"\\server\share", r"\??\UNC\server\share"),
        ("//server/share/a/b", r"\??\UNC\server\share\a\b"),
        ("\\\\10.0.0.5\\admin$\\", r"\??\UNC\10.0.0.5\admin$"),
        (r"\\?\UNC\server\share\a", r"\??\UNC\server\share\a"),
        (r"C:\dir with space\x", r"\??\C:\dir with space\x"),
        ("d:/x/", r"\??\D:\x"),
        ("C:\\", "\\??\\C:\\"),
        (r"\\?\C:\x", r"\??\C:\x"),
    ],
)
def test_roots(path: str, expected: str) -> None:
    assert nt_root(path) == expected
    assert is_remote(expected) == ("UNC" in expected)
    assert extended_root(path) == expected.replace("\\??", "\\\\?")


@pytest.mark.parametrize(
    "path",
    ["", "relative", "C:relative", "C:", r"\\server", "\\\\server\\", r"\\.\pipe\x",
     r"\\?\GLOBALROOT\Device\x",
     r"\??\C:\x", r"\Device\HarddiskVolume1", r"C:\a\..\b", r"\\server\share\..\other", r"\\server\sha:re",
     r"C:\file:stream", r"\\?\Volume{0}\x", "/tmp/x", "CON"],
)  # fmt: skip
def test_what_is_no_root(path: str) -> None:
    with pytest.raises(NameRefusedError):
        nt_root(path)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("", ""),
        ("a", "a"),
        ("a/b/c.txt", r"a\b\c.txt"),
        ("a/file:stream", r"a\file:stream"),
        ("file:stream:$DATA", "file:stream:$DATA"),
        ("file:stream:$data", "file:stream:$data"),
        ("trailing. . ", "trailing. . "),
        ("...", "..."),
        (".hidden", ".hidden"),
        ("console/com/com10/nulls.txt/lpt", r"console\com\com10\nulls.txt\lpt"),
        ("a.con/x.nul", r"a.con\x.nul"),
        ("\uf022wild\uf02a", "\uf022wild\uf02a"),
        ("lone \ud800 surrogate", "lone \ud800 surrogate"),
        ("*?<>|", "*?<>|"),
    ],
)
def test_names(path: str, expected: str) -> None:
    assert relative_name(path) == expected


@pytest.mark.parametrize(
    "path",
    ["..", ".", "a/..", "../a", "a/../b", "a/./b", "/", "/a", "//server/share", "a//b", "a/", "C:", "c:/x",
     "C:\\x", "a\\..\\b", "\\", "a\0b", "CON", "con", "NUL.txt", "nul.tar.gz", "a/aux", "aux/a", "COM1",
     "com¹", "LPT9 .x",
     "CONIN$", "conout$", "PRN :s", "NUL:s", "a:b/c", ":s", ":", "a:", "a::$DATA", "a::$INDEX_ALLOCATION",
     "d:$I30:$INDEX_ALLOCATION", "a:b:c", "a:b:$DATA:x", "a:..", "a:b\\..\\c", "x" * 40000],
)  # fmt: skip
def test_what_is_refused(path: str) -> None:
    with pytest.raises(NameRefusedError):
        relative_name(path)


parts = st.sampled_from(
    ["..", ".", "", "a", "NUL", "c:", "\\", "\0", ":s", "x:s", "COM1.x", "name ", "name."]
) | st.text(max_size=5)


@given(st.lists(parts, max_size=6).map("/".join) | st.text())
def test_a_name_that_passes_goes_down_only(path: str) -> None:
    try:
        name = relative_name(path)
    except NameRefusedError:
        return
    assert name.replace("\\", "/") == path, "nothing is changed"
    components = name.split("\\") if name else []
    assert not {"", ".", ".."} & set(components)
    assert "\0" not in name
    assert not name.startswith("\\")
    assert not any(":" in component for component in components[:-1])
    assert not any(is_device(component) for component in components)
