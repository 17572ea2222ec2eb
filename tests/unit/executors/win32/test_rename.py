"""The new name of a rename as NT's calls take it, byte by byte."""

from __future__ import annotations

import struct

import pytest

from smbench.executors.win32.rename import rename_information


@pytest.mark.parametrize("name", ["a", "dir\\name", ""])
def test_rename_information(name: str) -> None:
    content = rename_information(True, 0x1234, name, 10)
    assert len(content) >= 24, "the I/O manager wants the whole structure, however short the name"
    replace, root, length = struct.unpack_from("<B7xQI", content)
    assert (replace, root, length) == (1, 0x1234, 2 * len(name))
    assert content[20 : 20 + length].decode("utf-16-le") == name


def test_the_newer_class_looks_the_same_where_nothing_but_replacing_is_asked() -> None:
    assert rename_information(True, 7, "x", 65) == rename_information(True, 7, "x", 10)
