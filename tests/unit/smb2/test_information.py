"""The layouts that classes and controls carry, byte by byte ([MS-FSCC] 2.3, 2.4; [MS-SMB2] 2.2.31)."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smbench.smb2 import information
from smbench.smb2.constants import NAMES

UNKNOWN = 99
"""A class of no directory."""
YEAR_2024_NS = 1_704_067_200_000_000_000
YEAR_2024_FILETIME = 133_485_408_000_000_000


def test_basic_information_leaves_what_is_not_given() -> None:
    content = information.basic_information(written_ns=YEAR_2024_NS, attributes=0x21)
    assert len(content) == 40
    assert struct.unpack("<4QI", content[:36]) == (0, 0, YEAR_2024_FILETIME, 0, 0x21)


def test_newer_classes_have_flags() -> None:
    assert information.takes_flags(65)
    assert not information.takes_flags(10)
    assert information.disposition_information(True, 13) == b"\x01"
    assert information.disposition_information(True, 64) == b"\x01\0\0\0"
    assert information.disposition_information(False, 64) == bytes(4)


def test_sizes_beyond_63_bits_are_no_sizes() -> None:
    assert information.size_information((1 << 63) - 1) == b"\xff" * 7 + b"\x7f"
    with pytest.raises(OverflowError):
        information.size_information(1 << 63)


@given(st.integers(0, 1 << 40), st.integers(0, 1 << 40), st.integers(0, 40 << 20))
def test_chunks_cover_the_range_once(source: int, target: int, length: int) -> None:
    key = bytes(range(32))
    at = 0
    for content in information.copy_chunks(key, source, target, length):
        assert content[:24] == key[:24]
        (count,) = struct.unpack_from("<I", content, 24)
        assert 0 < count <= 16
        assert len(content) == 32 + 24 * count
        for number in range(count):
            chunk = struct.unpack_from("<QQI", content, 32 + 24 * number)
            assert chunk[:2] == (source + at, target + at)
            assert 0 < chunk[2] <= 1 << 20
            at += chunk[2]
    assert at == length


@given(
    st.tuples(st.integers(0, 300), st.integers(0, 300)).filter(lambda at: at[0] != at[1]),
    st.binary(max_size=2000),
    st.integers(1, 400),
)
def test_a_shift_moves_every_byte_whole(between: tuple[int, int], after: bytes, largest: int) -> None:
    """Carried out chunk by chunk, also where what is moved overlaps with where it goes."""
    source, target = between
    file = bytearray(max(source, target) + len(after))
    file[source : source + len(after)] = after
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(information, "LARGEST_CHUNK_BYTES", largest)
        lists = list(information.chunks_of_shift(bytes(24), source, target, len(after)))
    for content in lists:
        (count,) = struct.unpack_from("<I", content, 24)
        assert 0 < count <= 256
        assert len(content) == 32 + 24 * count
        for number in range(count):
            start, to, length = struct.unpack_from("<QQI", content, 32 + 24 * number)
            assert 0 < length <= largest
            file[to : to + length] = file[start : start + length]
    assert file[target : target + len(after)] == after


def test_zeros_end_beyond_the_last_byte() -> None:
    assert struct.unpack("<QQ", information.zero_data(100, 50)) == (100, 150)
    assert struct.unpack("<QQ", information.byte_range(100, 50)) == (100, 50)


@given(st.lists(st.integers(1, 40), max_size=20))
def test_entries_are_counted_by_their_chain(sizes: list[int]) -> None:
    entries = [size * 8 for size in sizes]
    buffer = b"".join(
        struct.pack("<I", size if number < len(entries) - 1 else 0).ljust(size, b"\xee")
        for number, size in enumerate(entries)
    )
    assert information.count_entries(memoryview(buffer), len(buffer), UNKNOWN) == len(sizes)


@given(st.sampled_from(sorted(information.NAME_AT)), st.lists(st.sampled_from([".", "..", ".x", "a", "…"])))
def test_the_directory_and_its_parent_are_no_entries(level: int, names: list[str]) -> None:
    name_at = information.NAME_AT[level]
    buffer = b""
    for number, name in enumerate(names):
        encoded = name.encode("utf-16-le")
        entry = bytearray(name_at + len(encoded))
        struct.pack_into("<I", entry, 8 if level == NAMES else 60, len(encoded))
        entry[name_at:] = encoded
        entry += b"\0" * (-len(entry) % 8)
        struct.pack_into("<I", entry, 0, len(entry) if number < len(names) - 1 else 0)
        buffer += entry
    counted = information.count_entries(memoryview(buffer), len(buffer), level)
    assert counted == sum(name not in (".", "..") for name in names)


@given(st.binary(max_size=256), st.integers(0, 256), st.sampled_from([*information.NAME_AT, UNKNOWN]))
def test_a_broken_chain_ends(buffer: bytes, used: int, level: int) -> None:
    used = min(used, len(buffer))
    assert 0 <= information.count_entries(memoryview(buffer), used, level) <= used
