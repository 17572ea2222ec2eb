"""Who reads what, of captures that are given together, converted, broken or cut."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest
from helpers.command import THREE_USERS
from helpers.mutate import records
from helpers.packets import cut
from helpers.recovery import content

from smbench.capture import tshark
from smbench.capture.decode import DecodeOptions, decode
from smbench.capture.reading import Decoder
from smbench.errors import SetupError, UsageError

GCM = "smbclient_311_encrypted_gcm.pcap"
GCM_KEY = "0xbc3c720c,779cfb003b31612827f4773692da20fe\n"
BY_TSHARK = DecodeOptions(decoder=Decoder.TSHARK)


def folder(path: Path) -> Path:
    path.mkdir()
    return path


def halves(folder: Path) -> list[Path]:
    """The shipped capture as two files, the later one first."""
    data = THREE_USERS.read_bytes()
    packets = list(records(data))
    made = [folder / "2.pcap", folder / "1.pcap"]
    middle = len(packets) // 2
    for path, part in zip(made, (packets[middle:], packets[:middle]), strict=True):
        path.write_bytes(data[:24] + b"".join(part))
    return made


@pytest.mark.parametrize("packed", [False, True])
def test_captures_given_together_are_one_by_either_decoder(packed: bool, tmp_path: Path) -> None:
    files = halves(tmp_path)
    if packed:
        with pa.CompressedOutputStream(str(tmp_path / "2.zst"), "zstd") as out:
            out.write(files[0].read_bytes())
        files[0] = tmp_path / "2.zst"
    ours, theirs = decode(files, folder(tmp_path / "1")), decode(files, folder(tmp_path / "2"), BY_TSHARK)
    exchanges = list(theirs.exchanges)
    assert list(ours.exchanges) == exchanges
    assert ours.info == theirs.info
    assert {e.capture for e in exchanges} == {0, 1}
    whole = decode([THREE_USERS], tmp_path).exchanges
    assert [content(e) for e in exchanges] == [content(e) for e in whole]


def test_what_breaks_off_among_several_is_counted_by_either(tmp_path: Path) -> None:
    later, earlier = halves(tmp_path)
    earlier.write_bytes(earlier.read_bytes()[:-10])
    for decoder in Decoder:
        info = decode([later, earlier], tmp_path, DecodeOptions(decoder=decoder)).info
        assert info.grade["cut_short"] == 1


def test_a_capture_that_is_converted_up_to_where_it_breaks_off_is_counted(tmp_path: Path) -> None:
    with (tmp_path / "x").open("wb") as file:
        tshark.convert(THREE_USERS, file, "snoop")
    (tmp_path / "x").write_bytes((tmp_path / "x").read_bytes()[:150_000])
    info = decode([tmp_path / "x"], tmp_path).info
    assert 100 < info.exchanges < 310
    assert info.grade["cut_short"] == 1


def test_a_zstandard_file_that_breaks_off_is_read_by_tshark_up_to_there(tmp_path: Path) -> None:
    noise = random.Random(1).randbytes(200_000)
    data = THREE_USERS.read_bytes() + b"\0" * 8 + len(noise).to_bytes(4, "little") * 2 + noise
    packed = pa.BufferOutputStream()
    with pa.CompressedOutputStream(packed, "zstd") as out:
        out.write(data)
    (tmp_path / "x.zst").write_bytes(packed.getvalue().to_pybytes()[:-50_000])
    info = decode([tmp_path / "x.zst"], tmp_path, BY_TSHARK).info
    assert (info.exchanges, info.grade["cut_short"]) == (310, 1)


@pytest.fixture
def ended(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """In tshark's place one that is ended in the middle of a line."""
    version = tshark.find_tshark().version
    # pytest's own folders are closed to whom tshark runs as.
    with tempfile.TemporaryDirectory(prefix="smbench-test-") as folder:
        program = Path(folder) / "tshark"
        program.write_text("#!/bin/sh\nprintf half\nkill -9 $$\n")
        program.chmod(0o755)
        Path(folder).chmod(0o755)
        monkeypatch.setattr(tshark, "find_tshark", lambda: tshark.Tshark(str(program), version))
        yield


@pytest.mark.captures
@pytest.mark.usefixtures("ended")
def test_what_ends_while_it_reads_a_part_or_a_copy_is_told_of_the_captures(
    captures: Path, tmp_path: Path
) -> None:
    (tmp_path / "key").write_text(GCM_KEY)
    files = halves(tmp_path)
    (tmp_path / "x.snoop").write_bytes(b"snoop\0\0\0" + bytes(90))
    for given, options in (
        ([captures / GCM], DecodeOptions(session_key_file=tmp_path / "key")),
        (files, BY_TSHARK),
        ([tmp_path / "x.snoop"], DecodeOptions()),
    ):
        name = " and ".join(str(path) for path in given)
        with pytest.raises(SetupError, match=rf"was ended by signal 9 \(SIGKILL\) while it read {name};"):
            decode(given, tmp_path, options)


@pytest.mark.captures
@pytest.mark.parametrize("snap_length", [80, 100, 128])
def test_of_an_encrypted_capture_of_which_nothing_is_whole_there_is_what_is_in_the_clear(
    snap_length: int, captures: Path, tmp_path: Path
) -> None:
    data = (captures / GCM).read_bytes()
    packets = cut(snap_length)(list(records(data)), random.Random(0))
    (tmp_path / "x.pcap").write_bytes(data[:24] + b"".join(packets))
    (tmp_path / "key").write_text(GCM_KEY)
    options = DecodeOptions(session_key_file=tmp_path / "key")
    if snap_length == 80:
        with pytest.raises(
            UsageError, match=r"x.pcap nothing can be read: \d+ packets are cut short by the snap"
        ):
            decode([tmp_path / "x.pcap"], tmp_path, options)
        return
    trace = decode([tmp_path / "x.pcap"], tmp_path, options)
    assert set(trace.info.commands) == {"NEGOTIATE", "SESSION_SETUP"}
    assert trace.info.grade["lost_messages"] == 48
