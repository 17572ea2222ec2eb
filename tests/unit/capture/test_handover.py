"""What tshark has to read beside what it need not: connections with compressed or encrypted messages."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from helpers.packets import SYN, Sent
from helpers.streams import HELLO, in_pieces, smb2, traced

from smbench.trace.model import Trace

LZNT1 = 1
UNKNOWN = 5


def compressed(message: bytes, algorithm: int = LZNT1) -> bytes:
    """A message as TCP carries it, compressed ([MS-SMB2] 2.2.42.1): one chunk that LZNT1 left as it was."""
    inner = message[4:]
    chunk = struct.pack("<H", 0x3000 | len(inner) - 1) + inner
    body = struct.pack("<4sIHHI", b"\xfcSMB", len(inner), algorithm, 0, 0) + chunk
    return struct.pack(">I", len(body)) + body


def write(number: int, size: int = 300) -> bytes:
    """A WRITE whose data is a text."""
    body = struct.pack("<HHIQ16sIIHHI", 49, 112, size, 0, bytes(16), 0, 0, 0, 0, 0)
    message = smb2(9, number, 0)[4:] + body + b"x" * size
    return struct.pack(">I", len(message)) + message


def numbers(trace: Trace) -> list[int]:
    return [e.message_id for e in trace.exchanges]


MIXED = [
    smb2(5, 0),
    write(1),
    compressed(write(2)),
    write(3, 5000),
    compressed(smb2(5, 4)),
    write(5, 90_000),
    smb2(6, 6),
]
STREAM = b"".join(MIXED)


def test_a_connection_with_compressed_messages_is_whole(tmp_path: Path) -> None:
    trace = traced([*HELLO, *in_pieces(STREAM, 1000)], tmp_path)
    assert numbers(trace) == list(range(7))
    assert trace.info.grade["tcp_gaps"] == 0
    assert not {"unreadable", "lost_messages", "cut_messages", "snapped"} & trace.info.grade.keys()


@pytest.mark.parametrize(("snap", "kept", "lost"), [(130, [0, 1, 3, 5, 6], 2), (200, [0, 1, 3, 4, 5, 6], 1)])
def test_cut_packets_keep_what_is_in_the_clear(snap: int, kept: list[int], lost: int, tmp_path: Path) -> None:
    begins = [1 + sum(map(len, MIXED[:place])) for place in range(len(MIXED))]
    pieces = [piece for one in zip(MIXED, begins, strict=True) for piece in in_pieces(one[0], 1460, one[1])]
    trace = traced([*HELLO, *pieces], tmp_path, snap)
    assert numbers(trace) == kept
    writes = [e.request for e in trace.exchanges if e.command == 9]
    assert [getattr(request, "length", None) for request in writes] == [300, 5000, 90_000]
    assert (trace.info.grade["lost_messages"], trace.info.grade["cut_messages"]) == (lost, 3)
    assert trace.info.grade["snapped"] == sum(len(one.payload) > snap - 40 for one in pieces)


def test_a_lost_packet_costs_what_was_in_it(tmp_path: Path) -> None:
    pieces = in_pieces(STREAM, 1000)
    gone = 1 + len(STREAM) - len(MIXED[-1]) - 40_000
    kept = [one for one in pieces if not one.sequence <= gone < one.sequence + 1000]
    trace = traced([*HELLO, *kept], tmp_path)
    assert numbers(trace) == list(range(7))
    assert trace.info.grade["cut_messages"] == trace.info.grade["tcp_gaps"] == 1


def test_what_tshark_cannot_decompress_is_graded(tmp_path: Path) -> None:
    stream = smb2(5, 0) + compressed(smb2(5, 1), UNKNOWN) + smb2(5, 2) + compressed(smb2(5, 3), UNKNOWN)
    trace = traced([*HELLO, *in_pieces(stream, 5000)], tmp_path)
    assert numbers(trace) == [0, 2]
    assert trace.info.grade["unreadable"] == 2


def test_the_same_ends_again_behind_a_connection_that_was_handed_over(tmp_path: Path) -> None:
    """Its SYN may be lost, and who hands over looks no further."""
    far = 1 << 28
    first = [Sent(False, far - 1, b"", flags=SYN), *in_pieces(STREAM, 1000, far)]
    again = b"".join([smb2(5, 10), compressed(smb2(5, 11)), *(smb2(5, 12 + n, 900) for n in range(5))])
    trace = traced([*first, *in_pieces(again, 1000)], tmp_path)
    assert numbers(trace) == [*range(7), *range(10, 17)]
    # With one, it is read directly, as nothing in it is compressed, and only once.
    plain = b"".join(smb2(5, 20 + n, 900) for n in range(5))
    opened = [Sent(False, 70_000, b"", flags=SYN), *in_pieces(plain, 1000, 70_001)]
    trace = traced([*first, *in_pieces(again, 1000), *opened], tmp_path)
    assert numbers(trace) == [*range(7), *range(10, 17), *range(20, 25)]
