"""Whole captures: every way to read a file gives the same trace, and what cannot be read says why."""

from __future__ import annotations

import gzip
import os
import random
import struct
import subprocess
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from operator import attrgetter
from pathlib import Path

import pyarrow as pa
import pytest
from helpers.command import THREE_USERS
from helpers.mutate import mutated, records
from helpers.packets import cut

from smbench.capture import formats, reading
from smbench.capture.decode import DecodeOptions, decode
from smbench.capture.logons import Logon
from smbench.capture.reading import Decoder
from smbench.errors import SmbenchError, UsageError
from smbench.secret import secret
from smbench.trace.model import Exchange, Trace, command_name

pytestmark = pytest.mark.captures

GCM = "smbclient_311_encrypted_gcm.pcap"
GCM_KEY = "0xbc3c720c,779cfb003b31612827f4773692da20fe  # of alice's session in that capture\n"


NT_HASH = "ededc9ffb03e7a2e7ac3012edb4d5311"  # of alice's password, Pw_alice1


ESSENCE = attrgetter(
    "capture", "frame", "response_frame", "time_ns", "command", "session", "tree", "user", "handle", "path",
    "status", "compound", "request", "response",
)  # fmt: skip


def essence(trace: Trace) -> list[tuple[object, ...]]:
    return [ESSENCE(exchange) for exchange in trace.exchanges]


def decoded(capture: Path, into: Path) -> Trace | str:
    """The trace, or the one sentence that says why there is none."""
    try:
        return decode([capture], into)
    except SmbenchError as error:
        return str(error)


def folder(path: Path) -> Path:
    path.mkdir(parents=True)
    return path


def request_counts(capture: Path) -> Counter[str]:
    """tshark's own count of requests and of unsolicited breaks, by command."""
    argv = [
        "tshark",
        "-n",
        "-r",
        str(capture),
        "-Y",
        "smb2",
        "-T",
        "fields",
    ]
    for name in ("smb2.cmd", "smb2.flags.response", "smb2.msg_id"):
        argv += ["-e", name]
    shown = subprocess.run(argv, capture_output=True, text=True, check=False).stdout
    counts: Counter[str] = Counter()
    for line in shown.splitlines():
        for command, response, number in zip(
            *(column.split(",") for column in line.split("\t")), strict=False
        ):
            if command and (response in ("0", "False") or number == str(2**64 - 1)):
                counts[command_name(int(command))] += 1
    return counts


def test_every_capture_has_the_requests_that_tshark_counts(captures: Path, tmp_path: Path) -> None:
    rows = []
    for capture in sorted(captures.glob("*.pcap*")):
        theirs = request_counts(capture)
        trace = decoded(capture, folder(tmp_path / capture.name))
        if isinstance(trace, str):
            # Encrypted or SMB1: nothing but preparation, if that.
            assert sum(theirs.values()) <= 4, f"{capture.name}: {trace}"
            rows.append(f"{capture.name}: {trace}")
            continue
        assert trace.info.commands == theirs, capture.name
        assert sum(1 for _ in trace.exchanges) == trace.info.exchanges == sum(theirs.values()), capture.name
        rows.append(f"{capture.name}: {trace.info.exchanges} exchanges, {trace.info.grade}")
    print("\n".join(rows))
    assert len(rows) >= 30


def test_packed_files_say_the_same(captures: Path, tmp_path: Path) -> None:
    capture = captures / "torture_compound.pcap"
    plain = decode([capture], folder(tmp_path / "plain"))
    (tmp_path / "c.gz").write_bytes(gzip.compress(capture.read_bytes()))
    with pa.CompressedOutputStream(str(tmp_path / "c.zst"), "zstd") as out:
        out.write(capture.read_bytes())
    for packed in ("c.gz", "c.zst"):
        assert essence(decode([tmp_path / packed], folder(tmp_path / f"of-{packed}"))) == essence(plain)


@pytest.mark.parametrize("name", ["torture_compound.pcap", "zeek_krb_kerberos_tso.pcapng"])
def test_a_split_capture_says_the_same(
    name: str, captures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = decode([captures / name], folder(tmp_path / "whole"))
    monkeypatch.setattr(reading, "_WORTH_SHARING", 0)
    heard: list[tuple[int, int]] = []
    split = decode(
        [captures / name], folder(tmp_path / "split"), DecodeOptions(jobs=3), lambda *step: heard.append(step)
    )
    assert essence(split) == essence(whole)
    assert split.info == whole.info
    assert heard == sorted(heard)
    assert heard[-1][0] == heard[-1][1] == (captures / name).stat().st_size
    assert [path.name for path in (tmp_path / "split").iterdir()] == ["exchanges.parquet"]


def test_a_connection_goes_on_in_the_next_file(captures: Path, tmp_path: Path) -> None:
    data = (captures / "torture_lease.pcap").read_bytes()
    packets = list(records(data))
    half = len(packets) // 2
    (tmp_path / "2.pcap").write_bytes(data[:24] + b"".join(packets[half:]))
    (tmp_path / "1.pcap").write_bytes(data[:24] + b"".join(packets[:half]))
    whole = decode([captures / "torture_lease.pcap"], folder(tmp_path / "whole"))
    # Given the wrong way round: the packets' own times decide.
    two = decode([tmp_path / "2.pcap", tmp_path / "1.pcap"], folder(tmp_path / "two"))
    assert [row[3:] for row in essence(two)] == [row[3:] for row in essence(whole)]
    places = [(e.capture, e.frame) for e in two.exchanges]
    assert {capture for capture, _ in places} == {0, 1}
    assert places[0] == (1, next(iter(whole.exchanges)).frame)


def test_captures_of_different_kinds_merge_in_time(captures: Path, tmp_path: Path) -> None:
    names = ["torture_notify.pcap", "zeek_krb_kerberos_tso.pcapng", "oisf_smb2-delete.pcap"]
    singles = [decode([captures / name], folder(tmp_path / name)).info for name in names]
    merged = decode([captures / name for name in names], folder(tmp_path / "all"))
    exchanges = list(merged.exchanges)
    assert Counter(e.capture for e in exchanges) == {n: info.exchanges for n, info in enumerate(singles)}
    assert [e.time_ns for e in exchanges] == sorted(e.time_ns for e in exchanges)
    assert [e.index for e in exchanges] == list(range(len(exchanges)))
    assert merged.info.start_epoch_ns == min(info.start_epoch_ns for info in singles)


def readdress(packet: bytes, port: int, vlan: bool) -> bytes:
    """An Ethernet and IPv4 record with port 445 as another port, or within two VLANs."""
    head, data = packet[:16], bytearray(packet[16:])
    ports = 14 + (data[14] & 15) * 4
    for at in (ports, ports + 2):
        if data[at : at + 2] == (445).to_bytes(2, "big"):
            data[at : at + 2] = port.to_bytes(2, "big")
    if vlan:
        data[12:12] = bytes.fromhex("88a80001810000ff")
    seconds, fraction, *_ = struct.unpack("<4I", head)
    return struct.pack("<4I", seconds, fraction, len(data), len(data)) + data


@pytest.mark.parametrize(("port", "vlan", "jobs"), [(4450, False, 1), (139, False, 1), (445, True, 3)])
def test_other_ports_and_vlans(
    port: int, vlan: bool, jobs: int, captures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "_WORTH_SHARING", 0)
    name = "torture_notify.pcap"
    data = (captures / name).read_bytes()
    changed = data[:24] + b"".join(readdress(packet, port, vlan) for packet in records(data))
    (tmp_path / "x.pcap").write_bytes(changed)
    ports = (port,) if port not in (445, 139) else ()
    ours = decode([tmp_path / "x.pcap"], folder(tmp_path / "x"), DecodeOptions(jobs=jobs, ports=ports))
    assert essence(ours) == essence(decode([captures / name], folder(tmp_path / "plain")))
    assert {connection.server_port for connection in ours.info.connections} == {port}


def keys(tmp_path: Path, **texts: str) -> DecodeOptions:
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
    return DecodeOptions(**{name: tmp_path / name for name in texts})  # type: ignore[arg-type]


def test_keys_open_what_is_encrypted(captures: Path, tmp_path: Path) -> None:
    by_password = decode(
        [captures / GCM], folder(tmp_path / "1"), keys(tmp_path, nt_password_file="Pw_alice1\n")
    )
    by_key = decode([captures / GCM], folder(tmp_path / "2"), keys(tmp_path, session_key_file=GCM_KEY))
    assert by_password.info.commands["CREATE"] == 7
    assert essence(by_password) == essence(by_key)
    assert {e.encrypted for e in by_key.exchanges if e.command > 3} == {True}
    assert by_key.info.grade["undecrypted"] == 0
    ccm = captures / "smbclient_302_encrypted_ccm.pcap"
    assert (
        decode([ccm], folder(tmp_path / "3"), keys(tmp_path, nt_password_file="Pw_alice1")).info.exchanges
        > 20
    )


def keytab(hash_: bytes, principal: bytes = b"alice", realm: bytes = b"CAPS") -> bytes:
    """A keytab with one rc4-hmac key, which is an NT hash (MIT's format 0x502)."""

    def counted(data: bytes) -> bytes:
        return struct.pack(">H", len(data)) + data

    entry = struct.pack(">H", 1) + counted(realm) + counted(principal)
    entry += struct.pack(">IIBH", 1, 0, 1, 23) + counted(hash_)
    return b"\5\2" + struct.pack(">i", len(entry)) + entry


@pytest.mark.parametrize("snap_length", [256, 400])
@pytest.mark.parametrize("decoder", Decoder)
@pytest.mark.parametrize("keyed", [True, False])
def test_what_the_snap_length_has_cut_no_key_opens(
    snap_length: int, decoder: Decoder, keyed: bool, captures: Path, tmp_path: Path
) -> None:
    data = (captures / GCM).read_bytes()
    packets = cut(snap_length)(list(records(data)), random.Random(0))
    (tmp_path / "x.pcap").write_bytes(data[:24] + b"".join(packets))
    options = replace(keys(tmp_path, session_key_file=GCM_KEY) if keyed else DecodeOptions(), decoder=decoder)
    says = (
        r"x.pcap is encrypted \(\d+ messages\), and the snap length has cut \d+ packets: no key opens a "
        r"message that is cut; capture again without, e.g. tcpdump -s 0 .*--users .* the passwords of "
    )
    with pytest.raises(UsageError, match=says):
        decode([tmp_path / "x.pcap"], tmp_path, options)


def test_a_keytab_with_an_nt_hash_opens_what_is_encrypted_after_ntlm(captures: Path, tmp_path: Path) -> None:
    (tmp_path / "k").write_bytes(keytab(bytes.fromhex(NT_HASH)))
    trace = decode([captures / GCM], folder(tmp_path / "1"), DecodeOptions(keytab=tmp_path / "k"))
    assert trace.info.commands["CREATE"] == 7
    assert trace.info.grade["undecrypted"] == 0


def test_the_password_of_any_account_opens_what_is_encrypted_after_ntlm(
    captures: Path, tmp_path: Path
) -> None:
    accounts = tuple(Logon(name, secret(word)) for name, word in (("x", "wrong"), ("y", "Pw_alice1")))
    (tmp_path / "k").write_bytes(keytab(bytes(16)))
    for number, given in enumerate((None, tmp_path / "k")):
        options = DecodeOptions(logons=accounts, keytab=given)
        trace = decode([captures / GCM], folder(tmp_path / str(number)), options)
        assert trace.info.commands["CREATE"] == 7
        assert trace.info.grade["undecrypted"] == 0
    with pytest.raises(UsageError, match="no session is of x: check their names; give --users"):
        decode([captures / GCM], tmp_path, DecodeOptions(logons=accounts[:1]))


def test_accounts_are_not_added_to_a_keytab_of_the_first_version(captures: Path, tmp_path: Path) -> None:
    (tmp_path / "k").write_bytes(b"\5\1" + keytab(bytes(16))[2:])
    options = DecodeOptions(logons=(Logon("alice", secret("Pw_alice1")),), keytab=tmp_path / "k")
    with pytest.raises(UsageError, match="is of MIT's first version, which no accounts can be added to"):
        decode([captures / GCM], tmp_path, options)


def test_encrypted_sessions_without_keys_are_counted_beside_the_rest(captures: Path, tmp_path: Path) -> None:
    trace = decode([captures / GCM, captures / "torture_notify.pcap"], tmp_path)
    assert trace.info.grade["undecrypted"] == 1
    assert trace.info.grade["sealed_messages"] == 47
    assert [(s.encrypted, s.decrypted) for s in trace.info.sessions if s.encrypted] == [(True, False)]
    assert trace.info.commands["CHANGE_NOTIFY"] == 5


def test_a_capture_that_breaks_off_is_used_as_far_as_it_goes(captures: Path, tmp_path: Path) -> None:
    data = (captures / "torture_compound.pcap").read_bytes()[:50_000]
    (tmp_path / "x.pcap").write_bytes(data)
    trace = decode([tmp_path / "x.pcap"], tmp_path)
    assert trace.info.exchanges > 50
    assert trace.info.grade["cut_short"] == 1


@pytest.mark.parametrize("share", [0.3, 0.7])
def test_a_packed_capture_that_breaks_off_is_used_as_far_as_it_goes(share: float, tmp_path: Path) -> None:
    packed = gzip.compress(THREE_USERS.read_bytes())
    (tmp_path / "x.gz").write_bytes(packed[: int(share * len(packed))])
    trace = decode([tmp_path / "x.gz"], tmp_path)
    assert 310 * share * 0.5 < trace.info.exchanges < 310
    assert trace.info.grade["cut_short"] == 1


def of_gzip(data: bytes) -> bytes:
    return gzip.compress(data)


def of_zstandard(data: bytes) -> bytes:
    packed = pa.BufferOutputStream()
    with pa.CompressedOutputStream(packed, "zstd") as out:
        out.write(data)
    return packed.getvalue().to_pybytes()


@pytest.mark.parametrize(("pack", "share"), [(of_gzip, 0.5), (of_gzip, 0.97), (of_zstandard, 0.97)])
def test_a_packed_capture_with_bad_bytes_is_used_up_to_them(
    pack: Callable[[bytes], bytes], share: float, captures: Path, tmp_path: Path
) -> None:
    data = (captures / "torture_lock.pcap").read_bytes()
    whole = decode([captures / "torture_lock.pcap"], tmp_path).info.exchanges
    packed = bytearray(pack(data))
    at = int(share * len(packed))
    packed[at : at + 40] = b"\xff" * 40
    (tmp_path / "x.packed").write_bytes(packed)
    trace = decode([tmp_path / "x.packed"], tmp_path)
    # A block of Zstandard is there or not, and holds 128 KiB.
    assert (share - 0.45) * whole < trace.info.exchanges < whole
    assert trace.info.grade["cut_short"] == 1


@pytest.mark.parametrize("lacks", [1, 5000])
def test_a_zstandard_file_that_breaks_off_gives_all_that_came_before(lacks: int, tmp_path: Path) -> None:
    noise = random.Random(1).randbytes(300_000)
    (tmp_path / "x.zst").write_bytes(of_zstandard(noise)[:-lacks])
    with (tmp_path / "x.zst").open("rb") as packed, (tmp_path / "out").open("w+b") as out:
        assert not formats.copy(formats.unpacked(packed, formats.Packing.ZSTD), out)
    there = (tmp_path / "out").read_bytes()
    assert there == noise[: len(there)]
    assert 0 <= 300_000 - len(there) <= lacks + 4096


@pytest.mark.parametrize("pack", [of_gzip, of_zstandard])
def test_a_packed_file_is_unpacked_to_what_it_was(pack: Callable[[bytes], bytes], tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(pack(THREE_USERS.read_bytes()))
    packing, _ = formats.examine(tmp_path / "x")
    with (tmp_path / "x").open("rb") as packed, (tmp_path / "out").open("w+b") as out:
        assert formats.copy(formats.unpacked(packed, packing), out)
    assert (tmp_path / "out").read_bytes() == THREE_USERS.read_bytes()


@pytest.mark.parametrize("snap_length", [60, 90])
def test_a_capture_that_is_cut_ahead_of_what_it_says_names_the_snap_length(
    snap_length: int, tmp_path: Path
) -> None:
    data = THREE_USERS.read_bytes()
    packets = cut(snap_length)(list(records(data)), random.Random(0))
    (tmp_path / "x.pcap").write_bytes(data[:24] + b"".join(packets))
    with pytest.raises(UsageError, match=r"packets are cut short by the snap length.*tcpdump -s 0"):
        decode([tmp_path / "x.pcap"], tmp_path)


def test_a_pipe_is_no_capture(tmp_path: Path) -> None:
    read, write = os.pipe()
    try:
        with pytest.raises(UsageError, match="is a pipe, and no capture file: pipe it into"):
            decode([Path(f"/dev/fd/{read}")], tmp_path)
    finally:
        os.close(read)
        os.close(write)


HEAD = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1)
DNS = struct.pack("<4I", 1, 0, 60, 60) + bytes(12) + b"\x08\x00\x45" + bytes(45)
UNUSABLE = [
    ("empty", b"", "is empty"),
    ("text", b"hello, world, this is no capture", "is no capture that tshark can read"),
    ("header", HEAD, "has no packets"),
    ("other", HEAD + DNS, "no SMB2 or SMB3 traffic.*--port"),
    ("bad.gz", b"\x1f\x8b\x08nonsense", "cannot unpack"),
    ("deflate.gz", gzip.compress(b"x")[:10] + b"\xff" * 200, "cannot unpack"),
    ("bad.zst", b"\x28\xb5\x2f\xfdnonsense", "cannot unpack"),
]


@pytest.mark.parametrize(("name", "content", "sentence"), UNUSABLE)
def test_what_is_no_capture_ends_in_a_sentence(
    name: str, content: bytes, sentence: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UsageError, match=sentence) as caught:
        decode([tmp_path / name], tmp_path)
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_cannot_be_used_says_what_to_do(captures: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="holds no SMB2 or SMB3 traffic"):
        decode([captures / "zeek_smb_smb1-OSS-fuzz-54883.pcap"], tmp_path)
    with pytest.raises(
        UsageError, match=r"give --users \(or --nt-password-file\) with the passwords of alice"
    ):
        decode([captures / GCM], tmp_path)
    with pytest.raises(UsageError, match="there is no capture"):
        decode([tmp_path / "none"], tmp_path)
    with pytest.raises(UsageError, match="is a directory"):
        decode([tmp_path], tmp_path)


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("nt_password_file", "", "no password"),
        ("session_key_file", "# nothing\n", "holds no keys"),
        ("session_key_file", "0x12,abcd\n", "line 1: give SESSIONID"),
        ("session_key_file", "12,779cfb003b31612827f4773692da20fe\n", "line 1: the session id"),
        ("keytab", "no keytab", "is no Kerberos keytab"),
    ],
)
def test_key_files_are_checked(name: str, text: str, sentence: str, captures: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=sentence):
        decode([captures / GCM], tmp_path, keys(tmp_path, **{name: text}))


@pytest.mark.parametrize("seed", range(24))
def test_mutated_captures_never_break_the_decoder(seed: int, captures: Path, tmp_path: Path) -> None:
    chance = random.Random(seed)
    names = [
        "torture_compound.pcap",
        "oisf_smb2-delete.pcap",
        "torture_notify.pcap",
        "smbclient_202_plain.pcap",
    ]
    (tmp_path / "x.pcap").write_bytes(mutated((captures / names[seed % len(names)]).read_bytes(), chance))
    trace = decoded(tmp_path / "x.pcap", tmp_path)
    if isinstance(trace, str):
        assert "\n" not in trace
        return
    exchanges: list[Exchange] = list(trace.exchanges)
    assert len(exchanges) == trace.info.exchanges == sum(trace.info.commands.values())
    assert [e.time_ns for e in exchanges] == sorted(e.time_ns for e in exchanges)
    answered = [(e.time_ns, e.response_ns) for e in exchanges if e.response_ns is not None]
    assert all(answered_ns >= asked_ns for asked_ns, answered_ns in answered)
    assert len(exchanges) - len(answered) >= trace.info.grade["unanswered"]
