"""Packets of every link and kind, and the TCP segments in them."""

from __future__ import annotations

import struct
from collections.abc import Callable

import pytest
from helpers.packets import ETHERNET, NULL, RAW, SLL, SLL2, Sent, ethernet, ipv4, ipv6, tcp

from smbench.capture.segments import ELSEWHERE, Segment, Segments

PAYLOAD = b"payload of a segment"
FROM_CLIENT = Sent(False, 1000, PAYLOAD, 77)
EXTENSIONS = bytes([60, 0]) + bytes(6) + bytes([6, 0]) + bytes(6)
V4, V6 = ipv4(tcp(FROM_CLIENT)), ipv6(tcp(FROM_CLIENT))


def found(link: int, *packets: bytes, length: int | None = None) -> object:
    """What comes of the last packet; bytes around it must not matter."""
    segments = Segments(frozenset((445, 139)))
    for packet in packets:
        around = b"\xee" * 7 + packet + b"\xee" * 70
        made = segments.of(link, around, 7, 7 + len(packet), length or len(packet))
    return made


PLAIN = [
    ("Ethernet", ETHERNET, ethernet(V4)),
    ("Ethernet, IPv6", ETHERNET, ethernet(V6, 0x86DD)),
    ("VLAN", ETHERNET, ethernet(V4, tags=[0x8100])),
    ("QinQ", ETHERNET, ethernet(V4, tags=[0x88A8, 0x8100])),
    ("padded", ETHERNET, ethernet(V4) + bytes(9)),
    ("raw IPv4", RAW, V4),
    ("raw IPv6", RAW, V6),
    ("loopback", NULL, struct.pack("<I", 2) + V4),
    ("cooked", SLL, bytes(14) + b"\x08\x00" + V4),
    ("cooked 2", SLL2, b"\x08\x00" + bytes(18) + V4),
    ("IPv6 with extensions", RAW, ipv6(EXTENSIONS + tcp(FROM_CLIENT), following=0)),
    ("offloaded, without a length", RAW, V4[:2] + bytes(2) + V4[4:]),
    ("with a length that cannot be", RAW, V4[:2] + b"\xff\xff" + V4[4:]),
]  # fmt: skip


@pytest.mark.parametrize(("name", "link", "packet"), PLAIN, ids=[name for name, _, _ in PLAIN])
def test_the_segment_is_found_under_every_link(name: str, link: int, packet: bytes) -> None:
    segment = found(link, packet)
    assert isinstance(segment, Segment), name
    assert segment.data[segment.start : segment.end] == PAYLOAD
    assert (segment.sequence, segment.acknowledged, segment.length) == (1000, 77, len(PAYLOAD))
    assert (segment.source[-2:], segment.target[-2:]) == (struct.pack("!H", 50_000), struct.pack("!H", 445))


@pytest.mark.parametrize("link", [ETHERNET, RAW, NULL, SLL, SLL2])
def test_of_a_packet_that_is_cut_ahead_of_its_network_there_is_nothing(link: int) -> None:
    """Whatever stands behind it in the file."""
    assert found(link, b"", length=100) is None


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (1, 1, 2, 0)])
def test_fragments_are_put_together_in_any_order(order: tuple[int, ...]) -> None:
    whole = tcp(Sent(True, 5, bytes(range(60))))
    cuts = [(0, 24, True), (24, 48, True), (48, len(whole), False)]
    four = [ipv4(whole[a:b], True, offset=a, more=more) for a, b, more in cuts]
    six = [
        ipv6(struct.pack("!BBHI", 6, 0, a | more, 99) + whole[a:b], True, following=44) for a, b, more in cuts
    ]
    for pieces in (four, six):
        segment = found(RAW, *(pieces[place] for place in order))
        assert isinstance(segment, Segment)
        assert segment.data[segment.start : segment.end] == bytes(range(60))
        assert found(RAW, *(pieces[place] for place in order[:-1])) is None


def test_a_fragment_that_the_capture_cut_makes_nothing_up() -> None:
    whole = tcp(Sent(True, 5, bytes(60)))
    first, last = ipv4(whole[:40], offset=0, more=True), ipv4(whole[40:], offset=40)
    segments = Segments(frozenset((445,)))
    assert segments.of(RAW, first[:-8], 0, len(first) - 8, len(first)) is None
    assert segments.of(RAW, last, 0, len(last), len(last)) is None


def test_what_the_capture_cut_is_known_by_its_length() -> None:
    segment = found(RAW, V4[:-8], length=len(V4))
    assert isinstance(segment, Segment)
    assert (segment.end - segment.start, segment.length) == (len(PAYLOAD) - 8, len(PAYLOAD))


UDP = struct.pack("!HHHH", 40_000, 443, 8, 0)
NOTHING = [
    ("another port", RAW, ipv4(struct.pack("!HH", 80, 50_000) + tcp(FROM_CLIENT)[4:])),
    ("ARP", ETHERNET, ethernet(bytes(28), 0x0806)),
    ("ICMP", RAW, ipv4(bytes(20), protocol=1)),
    ("DNS", RAW, ipv4(struct.pack("!HHHH", 40_000, 53, 8, 0), protocol=17)),
    ("headers that are cut", RAW, V4[:30]),
    ("an address that is cut", RAW, V4[:12]),
    ("IPv6 that is cut", RAW, V6[:30]),
]
SOMEWHERE = [
    ("QUIC", RAW, ipv4(UDP, protocol=17)),
    ("GRE of something else", RAW, ipv4(bytes(20), protocol=47)),
    ("MPLS of something else", ETHERNET, ethernet(bytes(40), 0x8847)),
    ("PPPoE", ETHERNET, ethernet(bytes(40), 0x8864)),
    ("another link", 147, bytes(60)),
    ("RDMA", ETHERNET, ethernet(bytes(40), 0x8915)),
]


@pytest.mark.parametrize(("name", "link", "packet"), NOTHING, ids=[name for name, _, _ in NOTHING])
def test_what_holds_no_smb_is_left(name: str, link: int, packet: bytes) -> None:
    assert found(link, packet) is None, name


@pytest.mark.parametrize(("name", "link", "packet"), SOMEWHERE, ids=[name for name, _, _ in SOMEWHERE])
def test_what_may_hold_smb_elsewhere_is_told_apart(name: str, link: int, packet: bytes) -> None:
    assert found(link, packet) is ELSEWHERE, name


GRE_TUNNEL = b"\0\0\x08\0" + V4


@pytest.mark.parametrize(("protocol", "inside"), [(4, V4), (41, V6), (47, GRE_TUNNEL)])
def test_a_tunnel_in_fragments_is_put_together(protocol: int, inside: bytes) -> None:
    pieces = [
        ipv4(inside[:40], protocol=protocol, offset=0, more=True),
        ipv4(inside[40:], protocol=protocol, offset=40),
    ]
    segment = found(RAW, *pieces)
    assert isinstance(segment, Segment)
    assert segment.data[segment.start : segment.end] == PAYLOAD
    assert found(RAW, pieces[0]) is None


def test_fragments_that_overlap_are_put_together() -> None:
    whole = tcp(Sent(True, 5, bytes(range(60))))
    cuts = [(32, 40, True), (0, 32, True), (24, 56, True), (48, len(whole), False)]
    segment = found(RAW, *(ipv4(whole[a:b], True, offset=a, more=more) for a, b, more in cuts))
    assert isinstance(segment, Segment)
    assert segment.data[segment.start : segment.end] == bytes(range(60))


@pytest.mark.parametrize("said", [1, 40, len(V4) - 1])
def test_a_file_that_says_less_than_it_holds_of_a_packet_is_not_believed(said: int) -> None:
    segment = found(RAW, V4, length=said)
    assert isinstance(segment, Segment)
    assert segment.data[segment.start : segment.end] == PAYLOAD
    assert segment.length == len(PAYLOAD)


def nested(inside: bytes, around: Callable[[bytes], bytes], times: int) -> bytes:
    for _ in range(times):
        inside = around(inside)
    return inside


NESTS: dict[str, Callable[[bytes], bytes]] = {
    "IP in IP": lambda inside: ipv4(inside, protocol=4),
    "IPv6 in IPv6": lambda inside: ipv6(inside, following=41),
    "GRE": lambda inside: ipv4(b"\0\0\x08\0" + inside, protocol=47),
    "VXLAN": lambda inside: ipv4(
        struct.pack("!HHHHII", 40_000, 4789, 0, 0, 0x08000000, 0) + ethernet(inside), protocol=17
    ),
}


@pytest.mark.parametrize("name", NESTS)
def test_packets_within_packets_are_looked_into_as_deep_as_networks_go(name: str) -> None:
    inside = V6 if "v6" in name else V4
    assert isinstance(found(RAW, nested(inside, NESTS[name], 4)), Segment)
    assert found(RAW, nested(inside, NESTS[name], 1000)) is ELSEWHERE


def test_a_header_shorter_than_a_header_can_be_is_none() -> None:
    for words in range(5):
        assert found(RAW, bytes([0x40 | words]) + ipv4(V4, protocol=4)[1:]) is None
    assert isinstance(found(ETHERNET, ethernet(V4, tags=[0x8100] * 5000)), Segment)


def test_a_datagram_of_the_smallest_pieces_that_links_make_is_whole_with_the_last_of_them() -> None:
    whole = tcp(Sent(True, 5, bytes(range(250)) * 256))
    cuts = [(at, min(at + 48, len(whole))) for at in range(0, len(whole), 48)]
    pieces = [ipv4(whole[a:b], True, offset=a, more=b < len(whole)) for a, b in reversed(cuts)]
    segments = Segments(frozenset((445,)))
    found = [segments.of(RAW, piece, 0, len(piece), len(piece)) for piece in pieces]
    assert found[:-1] == [None] * (len(pieces) - 1)
    assert isinstance(found[-1], Segment)
    assert found[-1].data[found[-1].start :] == whole[20:]


def test_pieces_over_each_other_make_up_no_gap_and_are_not_waited_for_without_end() -> None:
    segments = Segments(frozenset((445,)))
    for offset in (60_000, *range(8, 8 + 8 * 3000, 8)):
        piece = ipv4(bytes(800), True, offset=offset, more=offset != 60_000)
        assert segments.of(RAW, piece, 0, len(piece), len(piece)) is None
    assert sum(len(datagram.pieces) for datagram in segments._datagrams.values() if datagram) < 2048


def test_fragments_that_come_twice_leave_nothing_for_the_next_datagram() -> None:
    segments = Segments(frozenset((445,)))
    first, second = (tcp(Sent(True, n, bytes([n]) * 60)) for n in (1, 2))
    pieces = [ipv4(first[:40], offset=0, more=True), ipv4(first[40:], offset=40)]
    found = [segments.of(RAW, piece, 0, len(piece), len(piece)) for one in pieces for piece in (one, one)]
    assert [isinstance(one, Segment) for one in found] == [False, False, True, False]
    other = [ipv4(second[:40], offset=0, more=True), ipv4(second[40:], offset=40)]
    for piece in other:
        made = segments.of(RAW, piece[:4] + b"\0\x63" + piece[6:], 0, len(piece), len(piece))
    assert isinstance(made, Segment)
    assert made.data[made.start : made.end] == bytes([2]) * 60
