"""A capture is told from others of its name, and known again when it was packed or unpacked."""

from __future__ import annotations

import gzip
import shutil
from pathlib import Path

import pyarrow as pa
import pytest
from helpers.command import THREE_USERS

from smbench.capture.fingerprint import find_capture, fingerprint
from smbench.errors import UsageError

NAMES = ["three-users.pcap"]


@pytest.fixture
def known():
    return [fingerprint(THREE_USERS)]


def test_what_is_known_of_a_capture():
    found = fingerprint(THREE_USERS)
    assert (found.name, found.bytes, found.packing) == (NAMES[0], THREE_USERS.stat().st_size, "plain")
    assert len(found.sha256) == 64


def test_the_same_file_is_found_by_any_name_and_packing(tmp_path: Path, known):
    data = THREE_USERS.read_bytes()
    copies = [tmp_path / name for name in ("renamed.pcap", "a.pcap.gz", "a.pcap.zst")]
    shutil.copy(THREE_USERS, copies[0])
    copies[1].write_bytes(gzip.compress(data))
    with pa.CompressedOutputStream(str(copies[2]), "zstd") as out:
        out.write(data)
    for copy in (THREE_USERS, *copies):
        assert find_capture(copy, NAMES, known) == [0]
    assert find_capture(THREE_USERS, NAMES, [fingerprint(copies[2])]) == [0]


def test_of_several_the_right_one_and_of_a_double_both(tmp_path: Path, known):
    other = tmp_path / "three-users.pcap"
    other.write_bytes(THREE_USERS.read_bytes()[:-100])
    both = [fingerprint(other), *known]
    assert find_capture(THREE_USERS, NAMES * 2, both) == [1]
    assert find_capture(other, NAMES * 2, both) == [0]
    assert find_capture(THREE_USERS, NAMES * 3, [*both, *known]) == [1, 2]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda data: data[:-100], r"it has 245 KiB \(251,298 bytes\), that had 251,398"),
        (lambda data: data[:40] + b"?" + data[41:], "it begins with other packets"),
    ],
)
def test_another_of_the_same_name_is_refused_with_what_differs(tmp_path: Path, known, change, why):
    other = tmp_path / "three-users.pcap"
    other.write_bytes(change(THREE_USERS.read_bytes()))
    with pytest.raises(UsageError, match=f"although it is called so: {why}; give three-users.pcap"):
        find_capture(other, NAMES, known)


def test_any_other_is_refused_in_a_sentence(tmp_path: Path, known):
    other = tmp_path / "other.pcap"
    other.write_bytes(THREE_USERS.read_bytes()[:-100])
    with pytest.raises(
        UsageError, match=r"other.pcap is not what the workload was made from; give three-users"
    ):
        find_capture(other, NAMES, known)
    with pytest.raises(UsageError, match="there is no capture"):
        find_capture(tmp_path / "none.pcap", NAMES, known)


def test_where_nothing_but_the_names_is_known_they_must_do(tmp_path: Path):
    assert find_capture(THREE_USERS, ["a.pcap", *NAMES], []) == [1]
    with pytest.raises(UsageError, match=r"give a.pcap, b, c, d or another"):
        find_capture(THREE_USERS, ["a.pcap", "b", "c", "d", "e"], [])


@pytest.mark.parametrize("share", [0.3, 0.9])
def test_a_packed_capture_that_breaks_off_has_a_fingerprint_too(share: float, tmp_path: Path) -> None:
    packed = gzip.compress(THREE_USERS.read_bytes())
    broken = packed[: int(share * len(packed))]
    (tmp_path / "x.gz").write_bytes(broken)
    whole, half = fingerprint(THREE_USERS), fingerprint(tmp_path / "x.gz")
    assert (half.name, half.bytes) == ("x.gz", len(broken))
    assert whole.sha256 != half.sha256
    (tmp_path / "x.gz").write_bytes(packed[:-8] + bytes(8))
    assert fingerprint(tmp_path / "x.gz").sha256 == whole.sha256
