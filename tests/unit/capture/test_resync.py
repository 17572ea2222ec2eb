"""What may be a message in bytes that follow nothing known."""

from __future__ import annotations

import struct

import pytest
from helpers.streams import smb2

from smbench.capture.resync import SEALED_HEADER, Verdict, find, judge, session_of

NO, PERHAPS, CERTAIN = Verdict
REQUEST, RESPONSE = smb2(9, 1, 100), smb2(9, 1, 100, response=True)


def none_known(session_id: int) -> None:
    return None


def of_seven(session_id: int) -> bool:
    return session_id == 7


def framed(body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + body


SEALED = framed(b"\xfdSMB" + bytes(40) + (7).to_bytes(8, "little") + bytes(60))
SHORT = framed(b"\xfdSMB" + bytes(SEALED_HEADER - 4))
COMPRESSED = framed(struct.pack("<4sIHHI", b"\xfcSMB", 500, 1, 0, 0) + bytes(60))
UNKNOWN = framed(struct.pack("<4sIHHI", b"\xfcSMB", 500, 77, 0, 0) + bytes(60))
SMB1 = framed(b"\xffSMB" + bytes(60))
AFTER = b"\x01" * 300

VERDICTS = [
    ("fills its packet", REQUEST, 0, none_known, CERTAIN),
    ("fills its packet, of another session", smb2(9, 1, 100, session=9), 0, of_seven, CERTAIN),
    ("begins with its packet, of a known session", REQUEST + AFTER, 0, of_seven, CERTAIN),
    ("begins with its packet", REQUEST + AFTER, 0, none_known, PERHAPS),
    ("begins with its packet, of another session", smb2(9, 1, 100, session=9) + AFTER, 0, of_seven, PERHAPS),
    ("within a packet, of a known session", REQUEST, -1, of_seven, PERHAPS),
    ("within a packet, none known", REQUEST, -1, none_known, PERHAPS),
    ("within a packet, of another session", smb2(9, 1, 100, session=9), -1, of_seven, NO),
    ("within a packet, without end", framed(REQUEST[4:] + bytes(1 << 18)), -1, none_known, NO),
    ("of the other direction", RESPONSE, 0, of_seven, NO),
    ("no such command", smb2(0x13, 1, 100), 0, of_seven, NO),
    ("no such structure", REQUEST[:8] + b"\x41" + REQUEST[9:], 0, of_seven, NO),
    ("encrypted, of a known session", SEALED + AFTER, 0, of_seven, CERTAIN),
    ("encrypted, too short", SHORT, 0, of_seven, NO),
    ("compressed", COMPRESSED, 0, of_seven, CERTAIN),
    ("compressed in an unknown way", UNKNOWN, 0, of_seven, NO),
    ("SMB1", SMB1, 0, none_known, CERTAIN),
    ("anything else", framed(b"\xfbSMB" + bytes(90)), 0, none_known, NO),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "data", "boundary", "known", "verdict"), VERDICTS, ids=[v[0] for v in VERDICTS]
)
def test_verdicts(name: str, data: bytes, boundary: int, known: object, verdict: Verdict) -> None:
    assert judge(data, 0, boundary, False, known) is verdict, name  # type: ignore[arg-type]


@pytest.mark.parametrize("kept", range(20, 64))
def test_a_header_that_the_capture_has_cut_is_judged_by_what_is_there(kept: int) -> None:
    begun = REQUEST[: 4 + kept]
    expected = NO if kept < 26 else CERTAIN if kept >= 48 else PERHAPS
    assert judge(begun, 0, 0, False, of_seven, cut=True) is expected
    assert judge(begun, 0, 0, False, of_seven) is NO


def test_what_is_certain_goes_before_what_may_be() -> None:
    data = REQUEST + AFTER + REQUEST
    assert find(data, len(REQUEST + AFTER), False, of_seven) == (len(REQUEST + AFTER), CERTAIN)
    assert find(data, -1, False, of_seven) == (0, PERHAPS)
    assert find(AFTER, 0, False, of_seven) == (-1, NO)


@pytest.mark.parametrize("kept", range(0, 64, 4))
def test_a_session_id_that_is_cut_is_none(kept: int) -> None:
    assert session_of(REQUEST[4 : 4 + kept]) == (7 if kept >= 48 else 0)
    assert session_of(SEALED[4 : 4 + kept]) == (7 if kept >= 52 else 0)
