"""Ranges that are taken out of a file, or put in, where the file system cannot do it."""

from __future__ import annotations

import os
from errno import EINVAL
from pathlib import Path

import pytest

from smbench.executors.posix import shifting
from smbench.executors.posix.shifting import shift_data

DATA = bytes(range(256)) * 10


@pytest.mark.parametrize("piece", [100, 1 << 20])
@pytest.mark.parametrize(("offset", "length"), [(0, 1), (0, 2559), (7, 1000), (2000, 30), (2559, 5000)])
@pytest.mark.parametrize("insert", [False, True])
def test_what_comes_after_moves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, piece: int, offset: int, length: int, insert: bool
) -> None:
    monkeypatch.setattr(shifting, "_PIECE", piece)
    path = tmp_path / "f"
    path.write_bytes(DATA)
    with path.open("rb+") as file:
        if insert:
            shift_data(file.fileno(), offset, length, insert=True)
            expected = DATA[:offset] + bytes(length) + DATA[offset:]
        elif offset + length < len(DATA):
            shift_data(file.fileno(), offset, length, insert=False)
            expected = DATA[:offset] + DATA[offset + length :]
        else:
            with pytest.raises(OSError, match="Invalid") as refused:
                shift_data(file.fileno(), offset, length, insert=False)
            assert refused.value.errno == EINVAL
            expected = DATA
    assert path.read_bytes() == expected


@pytest.mark.parametrize(("offset", "length"), [(2560, 1), (0, 0)])
def test_beyond_the_end_and_of_nothing_there_is_nothing_to_put_in(
    tmp_path: Path, offset: int, length: int
) -> None:
    path = tmp_path / "f"
    path.write_bytes(DATA)
    descriptor = os.open(path, os.O_RDWR)
    with pytest.raises(OSError, match="Invalid"):
        shift_data(descriptor, offset, length, insert=True)
    os.close(descriptor)
    assert path.read_bytes() == DATA
