"""The direct decoder beside tshark: the same of what is whole, no less of what is damaged."""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from helpers.command import THREE_USERS
from helpers.mutate import records
from helpers.packets import DAMAGES, damaged, ethernet, ipv4, pcap
from helpers.recovery import content, recovered, tshark_sees

from smbench.capture import tshark
from smbench.capture.decode import DecodeOptions, decode
from smbench.capture.reading import Decoder
from smbench.capture.tshark import find_tshark
from smbench.errors import SetupError, SmbenchError
from smbench.trace.model import Trace

BY_TSHARK = DecodeOptions(decoder=Decoder.TSHARK)
LOSSY = {
    "oisf_smb2-frames-gap-payload-logging-02_smb2-peter-minus-p191-p192.pcap": 0,
    "zeek_krb_smb2_krb.pcap": 2,
}
"""Public captures that lack packets, or parts of them, and how many requests are without an answer then."""
SMB1 = "zeek_smb_smb1-OSS-fuzz-54883.pcap"
"""Made by a fuzzer: what frames no SMB1 is read by tshark as if it did."""


def both(capture: Path, folder: Path) -> list[Trace | str]:
    made: list[Trace | str] = []
    for options in (DecodeOptions(), BY_TSHARK):
        into = folder / options.decoder
        into.mkdir(parents=True)
        try:
            made.append(decode([capture], into, options))
        except SmbenchError as error:
            made.append(str(error))
    return made


def same(ours: Trace | str, theirs: Trace | str) -> None:
    if isinstance(ours, str) or isinstance(theirs, str):
        assert ours == theirs
        return
    for mine, reference in zip(ours.exchanges, theirs.exchanges, strict=True):
        assert mine == reference
    # What is malformed in Wireshark's eyes reaches further, into every payload that it knows; and it sees
    # SMB1 in datagrams, too.
    for trace in (ours, theirs):
        for name in ("malformed", "smb1_frames"):
            trace.info.grade.pop(name, None)
    assert ours.info == theirs.info


def test_the_shipped_capture_is_the_same_by_both(tmp_path: Path) -> None:
    same(*both(THREE_USERS, tmp_path))


@pytest.mark.captures
def test_every_capture_is_the_same_by_both_exchange_by_exchange_and_field_by_field(
    captures: Path, tmp_path: Path
) -> None:
    compared = 0
    files = [*captures.glob("*.pcap*"), *captures.glob("field/*.pcap*")]
    for capture in sorted(files):
        if capture.name not in {*LOSSY, SMB1}:
            made = both(capture, tmp_path / capture.name)
            try:
                same(*made)
            except AssertionError as error:
                raise AssertionError(f"{capture.name}: {error}") from error
            compared += not isinstance(made[0], str)
    assert compared >= 45


@pytest.mark.captures
@pytest.mark.parametrize("name", sorted(LOSSY))
def test_of_a_capture_that_lacks_packets_there_is_no_less(name: str, captures: Path, tmp_path: Path) -> None:
    ours, theirs = both(captures / name, tmp_path)
    assert isinstance(ours, Trace)
    assert isinstance(theirs, Trace)
    assert ours.info.commands == theirs.info.commands
    assert ours.info.grade["unanswered"] == LOSSY[name] <= theirs.info.grade["unanswered"]


@pytest.mark.parametrize("damage", DAMAGES)
def test_of_a_damaged_capture_no_less_than_tshark_sees_and_nothing_made_up(
    damage: str, tmp_path: Path
) -> None:
    data = THREE_USERS.read_bytes()
    whole = Counter(content(e) for e in decode([THREE_USERS], tmp_path).exchanges)
    for seed in range(3):
        (tmp_path / "x.pcap").write_bytes(damaged(data, damage, seed))
        trace = decode([tmp_path / "x.pcap"], tmp_path)
        exchanges = list(trace.exchanges)
        ours, theirs = recovered(exchanges), tshark_sees(tmp_path / "x.pcap")
        assert ours[0] >= theirs[0] > 0
        assert ours[1] >= theirs[1]
        if "cut" in damage:
            numbers = {key[:2] for key in whole}
            assert all((e.command, e.message_id) in numbers for e in exchanges)
        else:
            assert not Counter(content(e) for e in exchanges) - whole
        if damage in ("1 % moved", "1 % doubled"):
            assert Counter(content(e) for e in exchanges) == whole
        if "lost" in damage:
            assert trace.info.grade["tcp_gaps"] > 0


def packets_of(capture: Path) -> list[tuple[int, bytes]]:
    """(microseconds, IPv4 packet) of a capture of Ethernet."""
    made = []
    for record in records(capture.read_bytes()):
        seconds, fraction = struct.unpack_from("<II", record)
        made.append((seconds * 1_000_000 + fraction, record[16 + 14 :]))
    return made


UDP = struct.pack("!HHHH", 40_000, 4789, 0, 0)


def _vxlan(ip: bytes) -> bytes:
    return UDP[:4] + struct.pack("!HHII", 8 + 8 + 14 + len(ip), 0, 0x08000000, 7 << 8) + ethernet(ip)


def _geneve(ip: bytes) -> bytes:
    head = struct.pack("!HHHHHHI", 40_000, 6081, 34 + len(ip), 0, 0x0100, 0x6558, 7 << 8)
    return head + bytes(4) + ethernet(ip)


GRE_KINDS: dict[str, tuple[bytes, bool]] = {
    "GRE": (b"\0\0\x08\0", False),
    "GRE with a key": (b"\x20\0\x08\0\0\0\0\7", False),
    "GRE with Ethernet": (b"\0\0\x65\x58", True),
    "ERSPAN I": (b"\0\0\x88\xbe", True),
    "ERSPAN II": (b"\x10\0\x88\xbe\0\0\0\1\x10\1\0\1\0\0\0\0", True),
    "ERSPAN III": (b"\x10\0\x22\xeb\0\0\0\1\x20\1\0\1\0\0\0\0\0\0\0\0", True),
}
"""GRE's header with what it says of the inside, and whether that is Ethernet."""


def _gre(head: bytes, framed: bool) -> Callable[[bytes], bytes]:
    return lambda ip: ethernet(ipv4(head + (ethernet(ip) if framed else ip), protocol=47))


TUNNELS: dict[str, Callable[[bytes], bytes]] = {
    "VXLAN": lambda ip: ethernet(ipv4(_vxlan(ip), protocol=17)),
    "Geneve": lambda ip: ethernet(ipv4(_geneve(ip), protocol=17)),
    **{name: _gre(*kind) for name, kind in GRE_KINDS.items()},
    "IP in IP": lambda ip: ethernet(ipv4(ip, protocol=4)),
    "MPLS": lambda ip: ethernet(b"\0\1\0\x40\0\2\1\x40" + ip, 0x8847),
}


@pytest.mark.parametrize("name", TUNNELS)
def test_what_comes_by_a_tunnel_is_the_same_as_without_and_by_tshark(name: str, tmp_path: Path) -> None:
    inside = packets_of(THREE_USERS)
    (tmp_path / "x.pcap").write_bytes(pcap([(at, TUNNELS[name](ip)) for at, ip in inside]))
    ours, theirs = both(tmp_path / "x.pcap", tmp_path)
    same(ours, theirs)
    assert isinstance(ours, Trace)
    assert [content(e) for e in ours.exchanges] == [
        content(e) for e in decode([THREE_USERS], tmp_path).exchanges
    ]


ELSEWHERE: dict[str, Callable[[bytes], bytes]] = {
    "PPPoE": lambda ip: ethernet(struct.pack("!BBHHH", 0x11, 0, 1, 2 + len(ip), 0x21) + ip, 0x8864),
    "GTP": lambda ip: ethernet(
        ipv4(
            struct.pack("!HHHHBBHI", 40_000, 2152, 16 + len(ip), 0, 0x30, 0xFF, len(ip), 1) + ip, protocol=17
        )
    ),
}


@pytest.mark.parametrize("name", ELSEWHERE)
def test_what_is_elsewhere_is_read_by_tshark(name: str, tmp_path: Path) -> None:
    inside = packets_of(THREE_USERS)
    (tmp_path / "x.pcap").write_bytes(pcap([(at, ELSEWHERE[name](ip)) for at, ip in inside]))
    plain = list(decode([THREE_USERS], tmp_path).exchanges)
    found = list(decode([tmp_path / "x.pcap"], tmp_path).exchanges)
    assert [content(e) for e in found] == [content(e) for e in plain]
    assert [e.frame for e in found] == [e.frame for e in plain]


def test_a_tunnel_beside_plain_packets_is_one_trace_in_time(tmp_path: Path) -> None:
    inside = packets_of(THREE_USERS)
    mixed = [
        (at, ELSEWHERE["PPPoE"](ip) if place < 200 else ethernet(ip)) for place, (at, ip) in enumerate(inside)
    ]
    (tmp_path / "x.pcap").write_bytes(pcap(mixed))
    trace = decode([tmp_path / "x.pcap"], tmp_path)
    times = [e.time_ns for e in trace.exchanges]
    assert times == sorted(times)
    assert trace.info.exchanges > 250


@pytest.mark.parametrize("name", ELSEWHERE)
def test_what_comes_plain_and_by_a_tunnel_counts_once(name: str, tmp_path: Path) -> None:
    inside = packets_of(THREE_USERS)
    twice = [
        (at + late, wrap(ip)) for at, ip in inside for late, wrap in ((0, ethernet), (3, ELSEWHERE[name]))
    ]
    (tmp_path / "x.pcap").write_bytes(pcap(twice))
    found = [content(e) for e in decode([tmp_path / "x.pcap"], tmp_path).exchanges]
    assert found == [content(e) for e in decode([THREE_USERS], tmp_path).exchanges]


SPLITS: dict[str, Callable[[int, bool], bool]] = {
    "answers by the tunnel": lambda _, answer: answer,
    "first half by the tunnel": lambda place, _: place < 250,
    "second half by the tunnel": lambda place, _: place >= 250,
    "all but a few by the tunnel": lambda place, _: place % 40 != 0,
}
"""Which packets, by their places and whether they are the server's, come by the tunnel."""


@pytest.mark.parametrize("name", SPLITS)
def test_a_connection_that_is_plain_in_part_is_one(name: str, tmp_path: Path) -> None:
    by_tunnel, wrap = SPLITS[name], ELSEWHERE["PPPoE"]
    mixed = [
        (at, wrap(ip) if by_tunnel(place, ip[20:22] == (445).to_bytes(2, "big")) else ethernet(ip))
        for place, (at, ip) in enumerate(packets_of(THREE_USERS))
    ]
    (tmp_path / "x.pcap").write_bytes(pcap(mixed))
    trace = decode([tmp_path / "x.pcap"], tmp_path)
    whole = decode([THREE_USERS], tmp_path)
    essence = [(*content(e), e.status, e.time_ns, e.response_ns, e.frame) for e in trace.exchanges]
    assert essence == [(*content(e), e.status, e.time_ns, e.response_ns, e.frame) for e in whole.exchanges]
    for grade in ("unanswered", "orphan_responses"):
        assert trace.info.grade[grade] == whole.info.grade[grade]


def test_a_tunnel_that_tshark_reads_is_put_together_of_fragments(tmp_path: Path) -> None:
    packets = []
    for number, (at, ip) in enumerate(packets_of(THREE_USERS)):
        head = struct.pack("!HHHHBBHI", 40_000, 2152, 16 + len(ip), 0, 0x30, 0xFF, len(ip), 1)
        datagram = head + ip
        for start in range(0, len(datagram), 80):
            piece = datagram[start : start + 80]
            whole = ipv4(piece, protocol=17, offset=start, more=start + 80 < len(datagram))
            packets.append((at, ethernet(whole[:4] + struct.pack("!H", number + 1) + whole[6:])))
    (tmp_path / "x.pcap").write_bytes(pcap(packets))
    found = [content(e) for e in decode([tmp_path / "x.pcap"], tmp_path).exchanges]
    assert found == [content(e) for e in decode([THREE_USERS], tmp_path).exchanges]


@pytest.mark.parametrize("format_name", ["snoop", "netmon2", "nseclibpcap", "pcapng"])
def test_other_formats_are_read_through_tshark(format_name: str, tmp_path: Path) -> None:
    with (tmp_path / "x").open("wb") as file:
        tshark.convert(THREE_USERS, file, format_name)
    same(decode([tmp_path / "x"], tmp_path), decode([tmp_path / "x"], tmp_path, BY_TSHARK))


def test_what_is_plain_needs_no_tshark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tshark, "_path", lambda: None)
    find_tshark.cache_clear()
    assert decode([THREE_USERS], tmp_path).info.exchanges == 310
    quic = ethernet(ipv4(struct.pack("!HHHH", 40_000, 443, 28, 0) + bytes(20), protocol=17))
    plain = [(at, ethernet(ip)) for at, ip in packets_of(THREE_USERS)]
    (tmp_path / "x.pcap").write_bytes(pcap([(1, quic), *plain, (plain[-1][0], quic)]))
    trace = decode([tmp_path / "x.pcap"], tmp_path)
    assert (trace.info.exchanges, trace.info.grade["undissected"]) == (310, 2)
    (tmp_path / "x.pcap").write_bytes(pcap([(1, ELSEWHERE["PPPoE"](packets_of(THREE_USERS)[0][1]))]))
    with pytest.raises(SetupError, match="tshark is not installed"):
        decode([tmp_path / "x.pcap"], tmp_path)
    find_tshark.cache_clear()
