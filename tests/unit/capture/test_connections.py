"""Segments in any order → messages: order, loss, repetition, cut packets, and the same addresses again."""

from __future__ import annotations

import itertools
import struct

import pytest
from helpers.packets import ACK, CLIENT, FIN, SYN, Sent
from helpers.streams import (
    FIVE,
    HELLO,
    PORTS,
    Heard,
    all_of,
    as_packets,
    capture,
    header_only,
    heard,
    in_pieces,
    listening,
    numbers,
    smb2,
)  # fmt: skip
from hypothesis import given, settings
from hypothesis import strategies as st

from smbench.capture.connections import Connection, Connections


def test_messages_come_whole_with_the_packet_that_ends_them() -> None:
    (connection,) = heard(HELLO + in_pieces(FIVE, 100))
    assert b"".join(struct.pack(">I", len(m.data)) + m.data for m in connection.messages) == FIVE
    assert [message.packet.frame for message in connection.messages] == [
        2 + -(-368 * n // 100) for n in range(1, 6)
    ]
    assert connection.ends[1:] == ("10.0.0.1", 50_000, "10.0.0.2", 445)
    assert not +connection.counts


@pytest.mark.parametrize("size", [1, 2, 3, 4, 7, 67, 68, 69, 368, 1000])
def test_where_a_stream_is_cut_into_segments_changes_nothing(size: int) -> None:
    (connection,) = heard(HELLO + in_pieces(FIVE, size))
    assert [message.data for message in connection.messages] == [
        m.data for m in heard(HELLO + in_pieces(FIVE, 9999))[0].messages
    ]


def test_only_what_is_needed_of_a_message_is_kept() -> None:
    big = smb2(9, 1, 100_000) + smb2(6, 2)
    (connection,) = heard(HELLO + in_pieces(big, 1460), kept=header_only)
    assert [(len(m.data), m.size) for m in connection.messages] == [(100, 100_064), (84, 84)]


def test_a_later_segment_waits_for_an_earlier_one_and_comes_no_sooner() -> None:
    pieces = in_pieces(FIVE, 368)
    (connection,) = heard([*HELLO, pieces[0], pieces[2], pieces[3], pieces[1], pieces[4]])
    assert numbers(connection) == [0, 1, 2, 3, 4]
    assert [message.packet.frame for message in connection.messages] == [3, 6, 6, 6, 7]
    assert not +connection.counts


@pytest.mark.parametrize("start", [1, 2**32 - 700, 2**31 - 700])
def test_sequence_numbers_wrap(start: int) -> None:
    hello = [Sent(False, start - 1, b"", flags=SYN)]
    (connection,) = heard(hello + in_pieces(FIVE, 100, start)[::-1])
    assert numbers(connection) == [0, 1, 2, 3, 4]


def test_what_comes_again_counts_once() -> None:
    pieces = in_pieces(FIVE, 100)
    again = [*pieces[:5], *pieces[2:6], Sent(False, 351, FIVE[350:720]), *pieces[4:]]
    (connection,) = heard(HELLO + again)
    assert numbers(connection) == [0, 1, 2, 3, 4]
    assert not +connection.counts


def test_a_keep_alive_is_no_data() -> None:
    pieces = in_pieces(FIVE, 368)
    (connection,) = heard([*HELLO, *pieces[:2], Sent(False, 736, b"\0"), *pieces[2:]])
    assert numbers(connection) == [0, 1, 2, 3, 4]


def test_a_lost_packet_costs_what_was_in_it_and_no_more() -> None:
    pieces = in_pieces(FIVE, 368)
    (connection,) = heard([*HELLO, *pieces[:2], *pieces[3:]])
    assert numbers(connection) == [0, 1, 3, 4]
    assert +connection.counts == {"tcp_gaps": 1, "resynchronised": 1}


def test_a_hole_inside_a_message_is_known_and_the_next_one_is_found_at_its_place() -> None:
    pieces = in_pieces(FIVE, 92)
    (connection,) = heard([*HELLO, *pieces[:5], *pieces[6:]])
    assert numbers(connection) == [0, 1, 2, 3, 4]
    assert connection.messages[1].holes == ((88, 180),)
    assert connection.messages[1].data[88:180] == bytes(92)
    assert +connection.counts == {"tcp_gaps": 1}


def test_where_the_header_is_lost_the_next_message_is_found() -> None:
    pieces = in_pieces(FIVE, 92)
    (connection,) = heard([*HELLO, *pieces[:4], *pieces[5:]])
    assert numbers(connection) == [0, 2, 3, 4]
    assert +connection.counts == {"tcp_gaps": 1, "resynchronised": 1}


def test_what_an_acknowledgement_says_was_received_is_not_waited_for() -> None:
    pieces = in_pieces(b"".join(smb2(9, number, 300) for number in range(400)), 368)
    acknowledged = [Sent(True, 1, b"", acknowledges=1 + 368 * n) for n in range(1, 401)]
    flow = [
        packet
        for n, pair in enumerate(zip(pieces, acknowledged, strict=True))
        for packet in pair
        if n != 3 or packet.from_server
    ]
    log, connections = listening()
    capture(connections, as_packets([*HELLO, *flow]))
    # Long before the end all but the newest are there, though nothing ever filled the hole.
    assert len(log[0].messages) > 390
    connections.finish()
    assert numbers(log[0]) == [n for n in range(400) if n != 3]


def test_cut_packets_keep_what_their_headers_tell() -> None:
    (connection,) = heard(HELLO + in_pieces(FIVE, 368), snap=100)
    assert numbers(connection) == [0, 1, 2, 3, 4]
    assert {message.holes for message in connection.messages} == {((96, 364),)}
    assert +connection.counts == {"snapped": 5}


def test_a_message_that_the_capture_breaks_off_in_never_ended() -> None:
    (connection,) = heard(HELLO + in_pieces(FIVE, 100)[:-1])
    assert numbers(connection) == [0, 1, 2, 3]


def test_a_capture_may_begin_in_the_middle_of_a_message() -> None:
    (connection,) = heard(in_pieces(FIVE[150:], 100, 151))
    assert numbers(connection) == [1, 2, 3, 4]
    assert not +connection.counts


def test_without_a_beginning_the_order_of_the_first_packets_does_not_matter() -> None:
    pieces = in_pieces(FIVE, 368)
    assert numbers(heard([pieces[1], pieces[0], *pieces[2:]])[0]) == [0, 1, 2, 3, 4]
    answer = Sent(True, 900, smb2(9, 0, response=True))
    assert numbers(heard([pieces[0], answer, *pieces[1:]])[0]) == [0, 0, 1, 2, 3, 4]


def test_the_same_addresses_again_are_another_connection() -> None:
    second = [Sent(False, 70_000, b"", flags=SYN), *in_pieces(FIVE, 368, 70_001)]
    first, again = heard([*HELLO, *in_pieces(FIVE, 368), *second])
    assert numbers(first) == numbers(again) == [0, 1, 2, 3, 4]
    assert (first.key, again.key) == (2, 7)


def test_who_only_looks_for_open_ports_is_no_connection() -> None:
    assert heard([Sent(False, n, b"", flags=SYN) for n in range(10)]) == []


def test_the_same_addresses_again_though_their_first_packets_are_lost() -> None:
    far = 1 << 28
    hello = [Sent(False, far - 1, b"", flags=SYN)]
    first, again = heard([*hello, *in_pieces(FIVE, 368, far), *in_pieces(FIVE, 368)])
    assert numbers(first) == numbers(again) == [0, 1, 2, 3, 4]
    # Ahead, it may be as much that is lost as a stream of its own: the message ids tell.
    (one,) = heard([*HELLO, *in_pieces(FIVE, 368), *in_pieces(FIVE, 368, far)])
    assert numbers(one) == [0, 1, 2, 3, 4] * 2


def test_a_file_that_holds_smb_is_no_message() -> None:
    inner = b"".join(b"\xaa" * 70 + smb2(5, number, 40, session=99) for number in range(200))
    framed = struct.pack(">I", 64 + len(inner)) + smb2(9, 1, 0)[4:] + inner
    stream = smb2(9, 0, 300) + framed + smb2(9, 2, 300)
    pieces = in_pieces(stream, 100)
    header = next(place for place, piece in enumerate(pieces) if piece.sequence + 100 > 368)
    (connection,) = heard([*HELLO, *pieces[:header], *pieces[header + 1 :]])
    assert numbers(connection) == [0, 2]


def test_what_frames_no_smb_is_malformed_and_passed_by() -> None:
    stream = smb2(9, 0) + struct.pack(">I", 30) + bytes(30) + smb2(9, 1)
    (connection,) = heard(HELLO + in_pieces(stream, 50))
    assert [message.data[:4] for message in connection.messages] == [b"\xfeSMB", b"\xfeSMB"]
    assert connection.counts["malformed"] == 1
    keep_alive = smb2(9, 0) + bytes([0x85, 0, 0, 0]) + smb2(9, 1)
    assert numbers(heard(HELLO + in_pieces(keep_alive, 50))[0]) == [0, 1]
    garbage = smb2(9, 0) + b"\x17\x03\x03\x01" + bytes(90) + smb2(9, 1)
    (connection,) = heard(HELLO + in_pieces(garbage, 5000))
    assert numbers(connection) == [0, 1]
    assert connection.counts["malformed"] == 1


@st.composite
def captured(draw: st.DrawFn) -> tuple[list[bytes], list[Sent]]:
    """Messages of a client, and their packets: cut anywhere, shuffled within a window, some twice."""
    sizes = draw(st.lists(st.integers(4, 400), min_size=1, max_size=12))
    messages = [smb2(9, number, size) for number, size in enumerate(sizes)]
    stream = b"".join(messages)
    cuts = sorted({0, len(stream), *draw(st.lists(st.integers(0, len(stream)), max_size=25))})
    start = draw(st.sampled_from([1, 2**32 - 300, 2**31 - 20]))
    pieces = [Sent(False, start + a, stream[a:b]) for a, b in itertools.pairwise(cuts)]
    twice = draw(st.lists(st.sampled_from(pieces), max_size=5))
    window = draw(st.integers(0, 20))
    shifted = [(place + draw(st.integers(0, window)), piece) for place, piece in enumerate([*pieces, *twice])]
    shuffled = [piece for _, piece in sorted(shifted, key=lambda pair: pair[0])]
    return messages, [Sent(False, start - 1, b"", flags=SYN), *shuffled]


@settings(deadline=None)
@given(captured())
def test_no_order_cut_or_repetition_loses_or_makes_a_message(made: tuple[list[bytes], list[Sent]]) -> None:
    messages, packets = made
    (connection,) = heard(packets)
    assert [struct.pack(">I", len(m.data)) + m.data for m in connection.messages] == messages
    assert not +connection.counts


@settings(deadline=None)
@given(captured(), st.data())
def test_what_is_lost_takes_nothing_else_with_it(
    made: tuple[list[bytes], list[Sent]], data: st.DataObject
) -> None:
    messages, packets = made
    gone = data.draw(st.sets(st.integers(1, max(1, len(packets) - 1)), max_size=4))
    left = [packet for place, packet in enumerate(packets) if place not in gone]
    there = bytearray(sum(map(len, messages)))
    origin = packets[0].sequence + 1
    for packet in left[1:]:
        at = (packet.sequence - origin) % 2**32
        there[at : at + len(packet.payload)] = b"\1" * len(packet.payload)
    whole, at = [], 0
    for number, message in enumerate(messages):
        if all(there[at : at + len(message)]):
            whole.append(number)
        at += len(message)
    found = {
        number: message.data
        for connection in heard(left)
        for number, message in zip(numbers(connection), connection.messages, strict=True)
        if not message.holes
    }
    assert found == {number: messages[number][4:] for number in whole}


def test_a_syn_behind_a_stream_whose_beginning_is_lost_begins_another_one() -> None:
    near = 1 + len(FIVE) + (3 << 20)
    again = [Sent(False, near, b"", flags=SYN), *in_pieces(FIVE, 368, near + 1)]
    assert [numbers(one) for one in heard(in_pieces(FIVE, 368) + again)] == [[0, 1, 2, 3, 4]] * 2
    # Captured late, it is the stream's own: of several queues one may be behind.
    (one,) = heard([*in_pieces(FIVE, 368)[:3], Sent(False, 0, b"", flags=SYN), *in_pieces(FIVE, 368)[3:]])
    assert numbers(one) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("order", [(0, 1, 2, 3, 4), (3, 1, 0, 2, 4), (4, 3, 2, 1, 0), (1, 4, 0, 3, 2)])
@pytest.mark.parametrize("start", [2**32 - 368, 2**32 - 1000, 5])
def test_a_beginning_that_is_lost_where_numbers_wrap_is_in_order(order: tuple[int, ...], start: int) -> None:
    pieces = in_pieces(FIVE, 368, start)
    assert numbers(heard(pieces[place] for place in order)[0]) == [0, 1, 2, 3, 4]


def test_of_one_direction_alone_a_gap_is_given_up_without_acknowledgements() -> None:
    pieces = in_pieces(b"".join(smb2(9, number, 300) for number in range(600)), 368)
    for one in pieces:
        assert one.acknowledges == 1
    log, connections = listening()
    mute = [one._replace(flags=one.flags & SYN) for one in [HELLO[0], *pieces[:3], *pieces[4:]]]
    capture(connections, as_packets(mute))
    assert len(log[0].messages) > 590


def test_what_has_ended_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("smbench.capture.connections._MOST_ENDED", 2)
    living: list[int] = []

    class Counted(Heard):
        def end(self) -> None:
            super().end()
            living.remove(self.key)

    def make(client: bytes, server: bytes, key: int) -> Connection:
        living.append(key)
        return Counted(log, all_of, client, server, key)

    log: list[Heard] = []
    connections = Connections(make, PORTS)
    bye = [Sent(False, 1 + len(FIVE), b"", flags=FIN | ACK), Sent(True, 1, b"", flags=FIN | ACK)]
    most = 0
    for port in range(50_000, 50_020):
        capture(connections, as_packets([*HELLO, *in_pieces(FIVE, 368), *bye], (CLIENT[0], port)))
        most = max(most, len(living))
    assert most == 2
    connections.finish()
    assert living == []
    assert [numbers(one) for one in log] == [[0, 1, 2, 3, 4]] * 20


@pytest.mark.parametrize("first_from_server", [False, True])
def test_a_client_may_have_a_port_that_others_serve_at(first_from_server: bool) -> None:
    log: list[Heard] = []
    ports = frozenset((445, 139, 50_000))
    connections = Connections(lambda *where: Heard(log, all_of, *where), ports)
    capture(connections, as_packets([Sent(first_from_server, 1, smb2(9, 1))]))
    connections.finish()
    assert log[0].ends[1:] == ("10.0.0.1", 50_000, "10.0.0.2", 445)


def test_what_was_captured_ahead_of_its_syn_is_in_order_where_numbers_wrap() -> None:
    pieces = in_pieces(FIVE, 368, 2**32 - 800)
    hello = Sent(False, 2**32 - 801, b"", flags=SYN)
    assert numbers(heard([*pieces[2:4], hello, *pieces[:2], pieces[4]])[0]) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("of", [2, 3])
def test_readers_that_share_connections_agree(of: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """However often ends are used again and connections are let go: each packet is for one of them."""
    monkeypatch.setattr("smbench.capture.connections._MOST_ENDED", 5)
    packets = []
    for turn in range(3):
        for port in range(50_000, 50_010):
            begin = turn * (1 << 27)
            hello = [Sent(False, begin, b"", flags=SYN)] if turn % 2 else []
            one_more = [
                *hello,
                *in_pieces(FIVE, 368, begin + 1),
                Sent(False, begin + 9, b"", flags=FIN | ACK),
            ]
            packets += as_packets(one_more, (CLIENT[0], port))

    def read(number: int, of: int) -> list[int]:
        log, connections = listening(number=number, of=of)
        capture(connections, packets)
        connections.finish()
        return [message.packet.frame for one in log for message in one.messages]

    shares = [read(number, of) for number in range(of)]
    assert sorted(itertools.chain(*shares)) == sorted(read(0, 1))
    assert min(map(len, shares)) > 0


def test_what_comes_when_it_was_given_up_is_graded() -> None:
    pieces = in_pieces(FIVE, 368)
    acknowledged = Sent(True, 1, b"", acknowledges=1 + len(FIVE))
    gone_on = [acknowledged] * 200
    (one,) = heard([*HELLO, *pieces[:2], *pieces[3:], *gone_on, pieces[2]])
    assert numbers(one) == [0, 1, 3, 4]
    assert +one.counts == {"tcp_gaps": 1, "resynchronised": 1, "late_segments": 1}
    (behind,) = heard([*pieces[3:], Sent(True, 1, b"x"), pieces[2], pieces[4]])
    assert +behind.counts == {"late_segments": 1}
