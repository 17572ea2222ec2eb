"""Lines of the tap → values; what is none is refused in a sentence, whoever wrote it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smbench.capture.pdus import Identity, Pdu, Sealed, Stream
from smbench.capture.tap.protocol import End, Lack, read_lines
from smbench.errors import SetupError

BEGIN = b"C\t0\t10.0.0.7\t50000\t10.0.0.9\t445"
PLACES = [7, 8, 9]


def place(frame: int) -> tuple[int, int]:
    return 0, PLACES[frame - 1]


def read(*lines: bytes) -> list[object]:
    return list(read_lines(lines, place))


def test_every_kind_of_line_is_a_value() -> None:
    assert read(
        BEGIN,
        b"P\t2\t1.5\t0\t1e\tfe53\talice\tLAB\tPC1\t\t",
        b"U\t3\t2.000000001\t0\t0700000000000000",
        b"U\t3\t2\t0\t",
        b"G\tsnapped\t0\t3",
        b"Z\t9\t1",
    ) == [
        Stream(b"0", "10.0.0.7", 50000, "10.0.0.9", 445),
        Pdu(0, 8, 1_500_000_000, b"0", b"1e", b"\xfe\x53", Identity("alice", "LAB", "PC1")),
        Sealed(2_000_000_001, b"0", 7),
        Sealed(2_000_000_000, b"0", 0),
        Lack("snapped", b"0", 3),
        End(9, 1),
    ]


GARBAGE = {
    "another program's": b"hello, world",
    "nothing": b"",
    "columns that are missing": b"P\t1\t1.5\t0",
    "a column too many": BEGIN + b"\t9",
    "half an identity": b"P\t1\t1.5\t0\t1\tfe53\talice",
    "no hex": b"P\t1\t1.5\t0\t1\txx",
    "half a byte": b"P\t1\t1.5\t0\t1\tfe5",
    "no UTF-8": b"P\t1\t1.5\t0\t1\t\xff\xfe",
    "no time": b"P\t1\tsoon\t0\t1\tfe53",
    "no number": b"P\tfirst\t1.5\t0\t1\tfe53",
    "a frame that is none": b"P\t0\t1.5\t0\t1\tfe53",
    "a frame that was never written": b"P\t4\t1.5\t0\t1\tfe53",
    "a stream that never began": b"P\t1\t1.5\t1\t1\tfe53",
    "a closed message of none": b"U\t1\t1.5\t1\t",
    "a lack that is unknown": b"G\tpatience\t0\t1",
    "fewer than none": b"G\tsnapped\t0\t-1",
    "no end": b"Z\t9",
}


@pytest.mark.parametrize("name", GARBAGE)
def test_a_line_that_the_script_never_writes_is_shown(name: str) -> None:
    with pytest.raises(
        SetupError, match=r"tshark printed a line that cannot be read: .*; .*doctor"
    ) as caught:
        read(BEGIN, GARBAGE[name])
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize("time", [b"-1", b"-0.5", b"9223372036.854775808", b"99999999999999999999"])
@pytest.mark.parametrize("line", [b"P\t1\t%b\t0\t1\tfe53", b"U\t1\t%b\t0\t"])
def test_a_time_that_cannot_be_is_counted(time: bytes, line: bytes) -> None:
    assert read(BEGIN, line % time)[1:] == [Lack("damaged", b"0", 1)]


@given(st.lists(st.binary(max_size=40) | st.sampled_from([BEGIN, *GARBAGE.values()]), max_size=4))
def test_whatever_is_printed_it_is_values_or_one_sentence(lines: list[bytes]) -> None:
    refused = ""
    try:
        assert len(read(*lines)) == len(lines)
    except SetupError as error:
        refused = str(error)
    assert "\n" not in refused
