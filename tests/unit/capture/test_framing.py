"""Bytes in order → messages: where none begins for sure, and what is left of one with holes."""

from __future__ import annotations

import struct

import pytest
from helpers.packets import Sent
from helpers.streams import FIVE, HELLO, heard, in_pieces, numbers, smb2

from smbench.capture import framing
from smbench.capture.framing import Message, Packet
from smbench.capture.resync import find


def in_a_file(count: int, gap: int) -> bytes:
    """A file that holds a capture of SMB: its messages, each behind the headers of its packet."""
    return b"".join(b"\xaa" * gap + smb2(5, number, 40, response=True, session=99) for number in range(count))


def read_response(number: int, content: bytes) -> bytes:
    head = smb2(8, number, 0, response=True)[4:]
    return struct.pack(">I", len(head) + len(content)) + head + content


@pytest.mark.parametrize("size", [1460, 8000, 70_000])
@pytest.mark.parametrize("start", [300, 1500, 4001])
def test_a_capture_that_begins_within_a_file_that_holds_smb_makes_nothing_up(start: int, size: int) -> None:
    stream = read_response(1, in_a_file(300, 70) + bytes(9)) + smb2(9, 2, 300, response=True)
    pieces = in_pieces(stream[start:], size, start, from_server=True)
    # The message behind the file begins within a packet, and is the last one: it ends with it.
    assert numbers(heard(pieces)[0]) == [2]


def test_where_no_session_is_known_the_message_that_follows_proves_the_one_before() -> None:
    (one,) = heard(in_pieces(FIVE[10:], 100, 11))
    assert numbers(one) == [1, 2, 3, 4]
    # Each with the packet that ends it, though it was not believed before the next one began.
    assert [m.packet.frame for m in one.messages] == [-(-(368 * n - 10) // 100) for n in range(2, 6)]


def test_a_message_too_long_to_be_held_is_not_waited_for() -> None:
    stream = bytes(30) + smb2(9, 1, 300_000) + smb2(9, 2, 300_000) + smb2(9, 3)
    (one,) = heard(in_pieces(stream[3:], 1460, 4))
    assert numbers(one) == [3]


def test_of_a_damaged_length_no_zeros_are_kept_without_end() -> None:
    claimed = struct.pack(">I", 0xFFFFFF) + smb2(9, 1, 100)[4:]
    (one,) = heard([*HELLO, *in_pieces(claimed, 200), Sent(False, 1 + 0xFFFFFF, smb2(9, 2))])
    assert numbers(one)[0] == 1
    first = one.messages[0]
    assert first.size == 0xFFFFFF
    assert len(first.data) == len(claimed) - 4


@pytest.mark.parametrize("kept", range(4, 9))
def test_of_a_message_its_length_is_enough_to_count_it(kept: int) -> None:
    pieces = in_pieces(FIVE, 368)
    (one,) = heard([*HELLO, *pieces[:2]], snap=kept)
    assert [(m.size, m.holes) for m in one.messages] == [(364, ((kept - 4, 364),))] * 2


@pytest.mark.parametrize("lost", [1, 2, 3])
def test_compressed_messages_are_found_again_behind_a_gap(lost: int) -> None:
    body = struct.pack("<4sIHHI", b"\xfcSMB", 500, 1, 0, 0) + bytes(range(200))
    compressed = struct.pack(">I", len(body)) + body
    pieces = in_pieces(smb2(9, 0, 152) + compressed * 5, 220)
    (one,) = heard([*HELLO, *pieces[:lost], *pieces[lost + 1 :]])
    assert [m.data[:4] for m in one.messages].count(b"\xfcSMB") == 4
    assert one.messages[-1] == Message(
        body, 0, 0, len(body), (), Packet(0, len(pieces) + 1, (len(pieces) + 1) * 1000), False
    )


@pytest.mark.parametrize("kept", [8, 44, 50])
def test_what_is_lost_of_a_header_is_no_session(kept: int) -> None:
    """With a wrong one known, nothing that begins within a packet would be believed."""
    stream = smb2(9, 0, 30) + smb2(9, 1, 30) + smb2(9, 2, 30)
    pieces = [Sent(False, 1, stream[: 4 + kept]), Sent(False, 100, stream[99:])]
    assert numbers(heard([HELLO[0], *pieces])[0])[-1] == 2


def exchanges(first: int, count: int, session: int, from_client: int, from_server: int) -> list[Sent]:
    made = []
    for number in range(first, first + count):
        for server, sequence in ((False, from_client), (True, from_server)):
            message = smb2(9, number, 40, response=server, session=session)
            made.append(Sent(server, sequence + (number - first) * len(message), message))
    return made


def test_behind_a_gap_a_session_that_was_not_seen_before_is_read() -> None:
    """A server of many users on one connection, or one file of a ring that is missing."""
    packets = [*HELLO, *exchanges(0, 10, 7, 1, 1), *exchanges(500, 100, 9, 5_000_000, 7_000_000)]
    (one,) = heard(packets)
    assert sorted(numbers(one)) == sorted([*range(10), *range(500, 600)] * 2)
    assert one.sessions == {7, 9}


@pytest.mark.parametrize("snap", [30, 50, 62, 67])
def test_behind_a_gap_messages_are_found_by_headers_that_are_cut(snap: int) -> None:
    messages = [
        Sent(False, 1 + n * 368, message) for n, message in enumerate([smb2(9, n, 300) for n in range(50)])
    ]
    (one,) = heard([*HELLO, *messages[:20], *messages[21:]], snap=snap)
    assert [message.packet.frame for message in one.messages] == list(range(3, 52))
    (late,) = heard(messages[10:], snap=snap)
    assert len(late.messages) == 40


def test_what_is_searched_again_with_every_packet_takes_no_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file of what may be compressed messages, off the packets' boundaries."""
    looked = 0

    def counted(data: bytes, *rest: object) -> object:
        nonlocal looked
        looked += len(data)
        return find(data, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(framing, "find", counted)
    file = b"".join(
        b"\0\x03\xff\xf0\xfcSMB" + struct.pack("<IHHI", 9, 1, 0, 0) + b"\xee" * 4 for _ in range(20_000)
    )
    heard(in_pieces(file[5:], 240))
    assert looked < 4 * len(file)
