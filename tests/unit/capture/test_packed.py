"""Packed captures: in members and frames, broken off, packed twice; and those that come to too much."""

from __future__ import annotations

import gzip
import struct
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest
from helpers.command import THREE_USERS
from helpers.mutate import PCAP_HEADER

from smbench.capture import tshark
from smbench.capture.decode import DecodeOptions, decode
from smbench.capture.reading import Decoder
from smbench.errors import SetupError, UsageError

MIB = 1 << 20
DATA = THREE_USERS.read_bytes()
HEADER = DATA[:PCAP_HEADER]
EMPTY = struct.pack("<4I", 1, 0, 0, 0)
"""A packet of which there is nothing."""
EXCHANGES = 310


def of_gzip(data: bytes) -> bytes:
    return gzip.compress(data)


def of_zstandard(data: bytes) -> bytes:
    packed = pa.BufferOutputStream()
    with pa.CompressedOutputStream(packed, "zstd") as out:
        out.write(data)
    return packed.getvalue().to_pybytes()


packed = pytest.mark.parametrize("pack", [of_gzip, of_zstandard])


@packed
@pytest.mark.parametrize("decoder", [Decoder.AUTO, Decoder.TSHARK])
def test_what_comes_to_more_than_it_may_is_refused_in_a_sentence_and_leaves_nothing(
    pack: Callable[[bytes], bytes], decoder: Decoder, tmp_path: Path
) -> None:
    (tmp_path / "bomb").write_bytes(pack(HEADER + EMPTY * (4 * MIB // 16)))
    with pytest.raises(UsageError) as caught:
        decode([tmp_path / "bomb"], tmp_path, DecodeOptions(decoder=decoder, decoder_unpacked_bytes=MIB))
    assert str(caught.value) == (
        f"{tmp_path}/bomb unpacks to more than the 1 MiB that are read of a file of its size; where it is "
        "known to be good, raise --decoder-unpacked of ingest"
    )
    assert [path.name for path in tmp_path.iterdir()] == ["bomb"]


@packed
@pytest.mark.parametrize("decoder", [Decoder.AUTO, Decoder.TSHARK])
def test_what_comes_to_just_as_much_is_read(
    pack: Callable[[bytes], bytes], decoder: Decoder, tmp_path: Path
) -> None:
    (tmp_path / "x").write_bytes(pack(DATA))
    options = DecodeOptions(decoder=decoder, decoder_unpacked_bytes=len(DATA))
    assert decode([tmp_path / "x"], tmp_path, options).info.exchanges == EXCHANGES


def test_several_processes_refuse_it_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("smbench.capture.reading._WORTH_SHARING", 0)
    (tmp_path / "bomb").write_bytes(of_gzip(HEADER + EMPTY * (4 * MIB // 16)))
    with pytest.raises(UsageError, match=r"bomb unpacks to more than the 1 MiB .*--decoder-unpacked"):
        decode([tmp_path / "bomb"], tmp_path, DecodeOptions(jobs=2, decoder_unpacked_bytes=MIB))


def test_of_another_format_no_more_is_converted_than_may_come_of_it(tmp_path: Path) -> None:
    with (tmp_path / "x.snoop").open("wb") as file:
        tshark.convert(THREE_USERS, file, "snoop")
    (tmp_path / "x.snoop.gz").write_bytes(of_gzip((tmp_path / "x.snoop").read_bytes()))
    for name in ("x.snoop", "x.snoop.gz"):
        assert decode([tmp_path / name], tmp_path).info.exchanges == EXCHANGES
        with pytest.raises(
            SetupError, match=rf"made more of it than the 64 KiB .*{name}.*--decoder-unpacked"
        ):
            decode([tmp_path / name], tmp_path, DecodeOptions(decoder_unpacked_bytes=64 << 10))


@packed
def test_zeros_behind_a_capture_are_no_packets(pack: Callable[[bytes], bytes], tmp_path: Path) -> None:
    """As a file system leaves them behind a crash."""
    (tmp_path / "x").write_bytes(pack(DATA + bytes(4 * MIB)))
    info = decode([tmp_path / "x"], tmp_path).info
    assert (info.exchanges, info.grade["cut_short"]) == (EXCHANGES, 1)
    (tmp_path / "zeros").write_bytes(pack(HEADER + bytes(4 * MIB)))
    with pytest.raises(UsageError, match="breaks off, or is damaged, ahead of its first packet"):
        decode([tmp_path / "zeros"], tmp_path)


def test_packets_of_which_nothing_was_captured_go_to_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tshark, "_path", lambda: None)
    tshark.find_tshark.cache_clear()
    (tmp_path / "x").write_bytes(HEADER + EMPTY * 1000)
    with pytest.raises(UsageError, match="holds no SMB2 or SMB3 traffic"):
        decode([tmp_path / "x"], tmp_path)
    tshark.find_tshark.cache_clear()


@packed
def test_several_members_one_after_the_other_are_one_file(
    pack: Callable[[bytes], bytes], tmp_path: Path
) -> None:
    half = len(DATA) // 2
    (tmp_path / "x").write_bytes(pack(DATA[:half]) + pack(DATA[half:]))
    info = decode([tmp_path / "x"], tmp_path).info
    assert (info.exchanges, info.grade.get("cut_short", 0)) == (EXCHANGES, 0)


@packed
def test_what_is_packed_twice_is_no_capture(pack: Callable[[bytes], bytes], tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(pack(of_gzip(DATA)))
    with pytest.raises(UsageError, match=r"/x (is no capture|does not unpack to a pcap or pcapng file)"):
        decode([tmp_path / "x"], tmp_path)
