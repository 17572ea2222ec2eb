"""Compounds that are damaged or broken off, in the clear."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from helpers.packets import Sent
from helpers.streams import HELLO, in_pieces, smb2, traced


def compound(*sizes: int, said: int | None = None, first: int = 0) -> bytes:
    """Messages in one, of so many bytes each; `said`: where the first says that the next one is."""
    parts = []
    for place, size in enumerate(sizes):
        part = bytearray(smb2(5, first + place, size - 64)[4:])
        if place < len(sizes) - 1:
            struct.pack_into("<I", part, 20, said if said is not None and place == 0 else size)
        parts.append(bytes(part))
    whole = b"".join(parts)
    return struct.pack(">I", len(whole)) + whole


@pytest.mark.parametrize("said", [1, 8, 31, 32, 40, 63, 5000, 0xFFFFFFFF])
def test_a_compound_that_says_the_impossible_has_its_first_message(said: int, tmp_path: Path) -> None:
    trace = traced([*HELLO, *in_pieces(compound(120, 120, said=said) + smb2(5, 7), 5000)], tmp_path)
    assert [e.message_id for e in trace.exchanges] == [0, 7]
    assert trace.info.grade["malformed"] == 1


def test_what_follows_a_compound_that_broke_off_is_no_part_of_it(tmp_path: Path) -> None:
    stream = compound(120, 120, 120) + compound(120, 120, first=5) + smb2(5, 9, 300)
    # The hole takes the second message of the first compound; the rest is in one packet.
    packets = [*HELLO, Sent(False, 1, stream[:130]), Sent(False, 1 + 360, stream[360:])]
    found = [(e.message_id, e.compound, e.compound_position) for e in traced(packets, tmp_path).exchanges]
    assert found == [(0, 0, 0), (5, 1, 0), (6, 1, 1), (9, None, 0)]


def test_messages_of_one_frame_that_end_at_several_times_are_told_apart(tmp_path: Path) -> None:
    """A packet that fills a gap ends what waited for it, too: a frame comes up more than once."""
    pieces = in_pieces(b"".join(compound(120, 120, first=2 * n) for n in range(6)), 244)
    order = [0, 2, 1, 4, 5, 3]
    trace = traced([*HELLO, *(pieces[place] for place in order)], tmp_path)
    exchanges = list(trace.exchanges)
    assert sorted(e.message_id for e in exchanges) == list(range(12))
    compounds: dict[int | None, list[tuple[int, int]]] = {}
    for e in exchanges:
        compounds.setdefault(e.compound, []).append((e.message_id, e.compound_position))
    assert sorted(compounds.values()) == [[(2 * n, 0), (2 * n + 1, 1)] for n in range(6)]


def test_half_a_session_id_is_none_that_the_connection_is_known_to_have(tmp_path: Path) -> None:
    """Else no message of the real one is found behind a gap."""
    session = 5 << 32 | 7
    first, second, third = (smb2(9, number, session=session) for number in (2, 3, 4))
    begins = len(first) + len(second)
    stream = first + second + third
    # The gap begins in the first one's session id and takes the second one's length.
    packets = [
        Sent(False, 0, b"", flags=2),
        Sent(False, 1, stream[:48]),
        Sent(False, 1 + begins - 9, stream[begins - 9 :]),
    ]
    assert [e.message_id for e in traced(packets, tmp_path).exchanges] == [2, 4]
