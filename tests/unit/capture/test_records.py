"""Records of capture files that are damaged, or made to do damage: each is read, left out and counted, or the
file's end."""

from __future__ import annotations

import io
import struct
from collections.abc import Sequence
from pathlib import Path

import pytest
from helpers.command import THREE_USERS
from helpers.mutate import records
from helpers.packets import ethernet, ipv4

from smbench.capture.decode import DecodeOptions, decode
from smbench.capture.framing import Packet
from smbench.capture.parts import PartWriter
from smbench.capture.reading import Decoder
from smbench.capture.records import DAMAGED, TIMES, Buffer, pcapng_records
from smbench.capture.tshark import ask
from smbench.errors import UsageError

PPPOE = ethernet(struct.pack("!BBHHH", 0x11, 0, 1, 22, 0x21) + ipv4(b""), 0x8864)
"""What the direct decoder leaves to tshark."""


def block(kind: int, body: bytes) -> bytes:
    size = struct.pack("<I", 12 + len(body) + -len(body) % 4)
    return struct.pack("<I", kind) + size + body + bytes(-len(body) % 4) + size


def interface(options: bytes = b"", link: int = 1) -> bytes:
    return block(1, struct.pack("<HHI", link, 0, 0) + options)


def option(code: int, value: bytes, size: int | None = None) -> bytes:
    return struct.pack("<HH", code, len(value) if size is None else size) + value + bytes(-len(value) % 4)


def enhanced(data: bytes, ticks: int, number: int = 0, length: int | None = None) -> bytes:
    head = struct.pack("<5I", number, ticks >> 32, ticks & 0xFFFFFFFF, len(data), length or len(data))
    return block(6, head + data)


SECTION = block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1))


def packets() -> list[tuple[int, bytes]]:
    """(microseconds, packet) of the shipped capture."""
    return [
        (seconds * 1_000_000 + fraction, record[16:])
        for record in records(THREE_USERS.read_bytes())
        for seconds, fraction in [struct.unpack_from("<II", record)]
    ]


def pcapng(*before: bytes, more: Sequence[bytes] = (), number: int = 0) -> bytes:
    """The shipped capture as pcapng, with `more` behind its packets."""
    whole = [enhanced(data, ticks, number) for ticks, data in packets()]
    return b"".join((SECTION, *before, *whole, *more))


ODD_OPTIONS = {
    "longer than the block": option(9, b"\6", 40),
    "a byte beyond the block": struct.pack("<HH", 9, 1),
    "eight bytes that are not there": option(14, b"\0\0\0\0", 8),
    "its end in the block's own length": struct.pack("<HH", 14, 8),
}


@pytest.mark.parametrize("name", ODD_OPTIONS)
def test_options_that_reach_beyond_their_block_are_none(name: str, tmp_path: Path) -> None:
    (tmp_path / "x.pcapng").write_bytes(pcapng(interface(ODD_OPTIONS[name])))
    trace = decode([tmp_path / "x.pcapng"], tmp_path)
    assert trace.info.exchanges == 310
    assert trace.info.start_epoch_ns == decode([THREE_USERS], tmp_path).info.start_epoch_ns


DAMAGED_PACKETS = {
    "of an interface that is nowhere": (interface(), enhanced(packets()[0][1], 7, number=5)),
    "ahead of 1970": (interface() + interface(option(14, struct.pack("<q", -1))), enhanced(PPPOE, 7, 1)),
    "after 2262": (interface() + interface(option(9, b"\0")), enhanced(PPPOE, 1 << 60, 1)),
    "at the end of time": (
        interface() + interface(option(9, b"\0") + option(14, struct.pack("<q", (1 << 63) - 1))),
        enhanced(PPPOE, (1 << 64) - 1, 1),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", DAMAGED_PACKETS)
def test_a_packet_that_the_file_does_not_say_how_to_read_is_counted_and_left_out(
    name: str, tmp_path: Path
) -> None:
    before, packet = DAMAGED_PACKETS[name]
    tunnelled = enhanced(PPPOE, packets()[0][0])
    (tmp_path / "x.pcapng").write_bytes(pcapng(before, more=[packet, tunnelled, packet]))
    info = decode([tmp_path / "x.pcapng"], tmp_path).info
    assert info.grade["damaged_packets"] == 2
    assert info.exchanges == 310
    assert info.duration_ns == decode([THREE_USERS], tmp_path).info.duration_ns


@pytest.mark.parametrize("decoder", Decoder)
def test_simple_packets_have_no_time_and_are_read_all_the_same(decoder: Decoder, tmp_path: Path) -> None:
    simple = [block(3, struct.pack("<I", len(data)) + data) for _, data in packets()]
    (tmp_path / "x.pcapng").write_bytes(b"".join((SECTION, interface(), *simple)))
    trace = decode([tmp_path / "x.pcapng"], tmp_path, DecodeOptions(decoder=decoder))
    assert (trace.info.exchanges, trace.info.start_epoch_ns, trace.info.duration_ns) == (310, 0, 0)
    assert not any(trace.info.grade.values())


def test_the_padding_of_a_simple_packet_is_none_of_it(tmp_path: Path) -> None:
    described = block(1, struct.pack("<HHI", 1, 0, 61))
    simple = block(3, struct.pack("<I", 90) + b"x" * 61)
    *_, record = pcapng_records(Buffer(io.BytesIO(SECTION + described + simple)))
    assert (record.captured - record.packet, record.length) == (61, 90)


def test_a_file_of_nothing_else_says_so(tmp_path: Path) -> None:
    (tmp_path / "x.pcapng").write_bytes(pcapng(interface(), number=3))
    with pytest.raises(UsageError, match=r"x.pcapng nothing can be read: [\d,]+ packets are of an interface"):
        decode([tmp_path / "x.pcapng"], tmp_path)


@pytest.mark.parametrize("power", [0x7F, 0xFF])
def test_units_of_time_that_are_too_small_for_64_bits_are_units(power: int, tmp_path: Path) -> None:
    (tmp_path / "x.pcapng").write_bytes(pcapng(interface(option(9, bytes([power])))))
    info = decode([tmp_path / "x.pcapng"], tmp_path).info
    assert (info.exchanges, info.start_epoch_ns) == (310, 0)


def test_a_file_that_is_damaged_ahead_of_its_first_packet_says_so(tmp_path: Path) -> None:
    (tmp_path / "x.pcapng").write_bytes(SECTION + interface() + struct.pack("<3I", 6, 7, 8))
    with pytest.raises(UsageError, match=r"x.pcapng breaks off, or is damaged, ahead of its first packet"):
        decode([tmp_path / "x.pcapng"], tmp_path)


@pytest.mark.parametrize(
    ("data", "length", "seen"),
    [(bytes(60), -34, "60\t60"), (bytes(60), 0, "60\t60"), (bytes(300_000), 300_000, "262144\t300000")],
)
def test_tshark_reads_a_part_whatever_lengths_the_capture_had(
    data: bytes, length: int, seen: str, tmp_path: Path
) -> None:
    writer = PartWriter(tmp_path / "p.pcapng")
    writer.add(Packet(0, 1, 1_000_000), DAMAGED, data, len(data))
    writer.add(Packet(0, 2, TIMES[-1]), 101, data, length)
    part = writer.finish()
    assert part is not None
    fields = ["-T", "fields", "-e", "frame.cap_len", "-e", "frame.len"]
    assert ask(fields, part.path).decode().strip() == seen
    assert part.place()(1) == (0, 2)
