"""`ingest` and `inspect` as a user runs them: the shipped capture, and input that is none."""

from __future__ import annotations

import gzip
import json
import re
import struct
from collections.abc import Callable
from pathlib import Path

import pytest
from helpers.command import THREE_USERS, run

PCAP_HEADER = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)


def ethernet_tcp(payload: bytes, port: int) -> bytes:
    """One packet record from a client to 10.0.0.2:`port`."""
    tcp = struct.pack("!HHIIBBHHH", 50000, port, 1, 1, 0x50, 0x18, 8192, 0, 0) + payload
    ip = (
        struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(tcp), 1, 0, 64, 6, 0, b"\x0a\0\0\1", b"\x0a\0\0\2")
        + tcp
    )
    frame = b"\x02" * 12 + b"\x08\x00" + ip
    return struct.pack("<IIII", 1, 0, len(frame), len(frame)) + frame


SMB1_NEGOTIATE = b"\0\0\0\x2f\xffSMB\x72" + b"\0" * 27 + b"\0\x0c\0\x02NT LM 0.12\0"


def test_the_shipped_capture_is_accounted_for_to_the_last_exchange(tmp_path: Path) -> None:
    ran = run("ingest", THREE_USERS, "-o", tmp_path / "w.workload", "--json")
    document = json.loads(ran.out)
    assert ran.status == 0
    assert document["exchanges"] == 310
    assert sum(document["coverage"].values()) == 310
    assert document["coverage"]["unsupported"] == 0
    assert [user["name"] for user in document["users"]] == ["user01", "user02", "user03"]
    assert (
        json.loads(run("inspect", tmp_path / "w.workload", "--json").out)["coverage"] == document["coverage"]
    )


def test_a_compressed_capture_gives_the_same_workload(tmp_path: Path) -> None:
    packed = tmp_path / "three-users.pcap.gz"
    packed.write_bytes(gzip.compress(THREE_USERS.read_bytes()))
    plain = json.loads(run("ingest", THREE_USERS, "-o", tmp_path / "a.workload", "--json").out)
    again = json.loads(run("ingest", packed, "-o", tmp_path / "b.workload", "--json").out)
    for key in ("commands", "coverage", "operations", "namespace", "users"):
        assert again[key] == plain[key]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (lambda: b"\x17" * 5000, "is no capture that tshark can read"),
        (lambda: b"", r"is empty \(0 bytes\)"),
        (lambda: PCAP_HEADER, "has no packets"),
        # Newer tsharks take it for a log, which cannot be written as packets.
        (lambda: b"hello\n", "if it is a capture at all|is no capture that tshark can read"),
        (lambda: PCAP_HEADER + ethernet_tcp(b"GET / HTTP/1.0\r\n\r\n", 80), "holds no SMB2 or SMB3 traffic"),
        (lambda: PCAP_HEADER + ethernet_tcp(SMB1_NEGOTIATE, 445), "holds SMB1 only"),
        (None, "there is no capture"),
    ],
)
def test_what_is_no_smb2_capture_ends_in_one_sentence_and_status_2(
    tmp_path: Path, content: Callable[[], bytes] | None, says: str
) -> None:
    capture = tmp_path / "given.pcap"
    if content is not None:
        capture.write_bytes(content())
    ran = run("ingest", capture, "-o", tmp_path / "w.workload")
    assert ran.status == 2
    assert re.search(says, ran.sentence)
    assert not (tmp_path / "w.workload").exists()


def test_an_existing_workload_is_replaced_only_when_told(tmp_path: Path) -> None:
    output = tmp_path / "w.workload"
    assert run("ingest", THREE_USERS, "-o", output).status == 0
    refused = run("ingest", THREE_USERS, "-o", output)
    assert refused.status == 2
    assert "--force" in refused.sentence
    assert run("ingest", THREE_USERS, "-o", output, "--force").status == 0


def test_a_folder_that_is_no_workload_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "thesis.txt").write_text("years of work")
    ran = run("ingest", THREE_USERS, "-o", tmp_path / "precious", "--force")
    assert ran.status == 2
    assert (tmp_path / "precious" / "thesis.txt").read_text() == "years of work"


def test_operations_can_be_read_one_by_one(tmp_path: Path) -> None:
    run("ingest", THREE_USERS, "-o", tmp_path / "w.workload")
    ran = run("inspect", tmp_path / "w.workload", "--operations", "--user", "user02", "--json")
    rows = json.loads(ran.out)["operations"]
    assert {row["user"] for row in rows} == {"user02"}
    assert any(row["path"] == "office/ledger.csv" and row["kind"] == "Write" for row in rows)
    unknown = run("inspect", tmp_path / "w.workload", "--operations", "--user", "nobody-there")
    assert unknown.status == 2
    assert "user01, user02, user03" in unknown.sentence


def test_the_packet_behind_an_exchange_is_shown(tmp_path: Path) -> None:
    run("ingest", THREE_USERS, "-o", tmp_path / "w.workload")
    ran = run("inspect", tmp_path / "w.workload", "--frame", "4", "--capture", THREE_USERS)
    assert ran.status == 0
    assert "Negotiate Protocol" in ran.out
    assert run("inspect", tmp_path / "w.workload", "--frame", "4").status == 2


def test_options_may_stand_in_a_file_and_the_command_line_wins(tmp_path: Path) -> None:
    (tmp_path / "options.toml").write_text(f'output = "{tmp_path}/from-file.workload"\nuser = ["user01"]\n')
    ran = run("ingest", THREE_USERS, "--config", tmp_path / "options.toml", "--json")
    assert json.loads(ran.out)["workload"] == str(tmp_path / "from-file.workload")
    assert (tmp_path / "from-file.workload").is_dir()
    (tmp_path / "wrong.toml").write_text("outputs = 1\n")
    wrong = run("ingest", THREE_USERS, "--config", tmp_path / "wrong.toml")
    assert wrong.status == 2
    assert "'outputs'" in wrong.sentence
