"""What the helper hands over, and what it tells of the kernel's client."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pytest

from smbench.privileged.access import Access, sessions_of
from smbench.privileged.system import Caller, RefusedError

PCAP = b"\xd4\xc3\xb2\xa1" + bytes(20)
PCAPNG = b"\x0a\x0d\x0d\x0a" + bytes(24)
ROOT = Caller(1, 1000, 1000, None)


def packed(content: bytes) -> bytes:
    """The same at every call: the names of tests are made of it."""
    return gzip.compress(content, mtime=0)


def test_open_files_are_known_by_their_sessions() -> None:
    head = "# <tree id> <ses id> <persistent fid> <flags> <count> <pid> <uid> <filename> <mid>\n"
    rows = "0x5 0x1f 0xd3 0x8000 1 1242 0 ledger.csv 0x141\n0x5 0x20 0xd4 0x8000 1 1242 0 a b.md 0x142\n"
    assert sessions_of(head + rows) == [0x1F, 0x20]
    assert sessions_of(head) == []


@pytest.mark.parametrize("content", [PCAP, PCAPNG, packed(PCAP), packed(PCAPNG + bytes(9000))])
def test_captures_are_handed_over(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "it").write_bytes(content)
    descriptor = Access(ROOT).read(str(tmp_path / "it"))
    try:
        assert os.read(descriptor, 1 << 16) == content
    finally:
        os.close(descriptor)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"root:*:20000:0:99999:7:::\n", "begin as a capture"),
        (b"", "begin as a capture"),
        (packed(b"root:*:20000:0:99999:7:::\n"), "begin as a capture"),
        (packed(b"etc/\0" + bytes(1 << 20)), "begin as a capture"),
        (packed(PCAP)[:10], "begin as a capture"),
        (b"\x1f\x8b" + PCAP, "begin as a capture"),
        (b"\x28\xb5\x2f\xfd" + bytes(40), "unpack it first"),
    ],
)
def test_what_else_root_keeps_is_not(tmp_path: Path, content: bytes, why: str) -> None:
    """A packed file may be a backup of anything: it is looked into."""
    (tmp_path / "it").write_bytes(content)
    before = {*Path("/proc/self/fd").iterdir()}
    with pytest.raises(RefusedError, match=why):
        Access(ROOT).read(str(tmp_path / "it"))
    assert {*Path("/proc/self/fd").iterdir()} == before


def test_who_may_only_mount_reads_and_captures_nothing(tmp_path: Path) -> None:
    (tmp_path / "it").write_bytes(PCAP)
    access = Access(Caller(1, 1000, 1000, 1000))
    with pytest.raises(RefusedError, match="by whoever may read it"):
        access.read(str(tmp_path / "it"))
    with pytest.raises(RefusedError, match="sees no traffic of others"):
        access.capture(1, 2, interface="lo", addresses=["127.0.0.1"], port=445)
