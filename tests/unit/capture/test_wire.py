"""Messages from bytes: by example, cut short, and of any bytes at all."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smbench.capture import bodies, information
from smbench.capture.wire import read_header
from smbench.trace import messages as m
from smbench.trace.values import CopyChunk

Make = Callable[..., bytes]
NAME = "dir\\größe.txt"
FILE = bytes(range(16))


def create_request(name: str, contexts: bytes = b"") -> bytes:
    encoded = name.encode("utf-16-le")
    fixed = struct.pack(
        "<HBBI8x8xIIIIIHHII", 57, 0, 0xFF, 2, 0x120089, 0x80, 7, 1, 0x40, 120, len(encoded),
        120 + len(encoded) if contexts else 0, len(contexts),
    )  # fmt: skip
    return fixed + encoded + contexts


def context(tag: bytes, data: bytes, last: bool = True) -> bytes:
    padded = tag.ljust(8, b"\0") + data.ljust(-(-len(data) // 8) * 8, b"\0")
    return struct.pack("<IHHHHI", 0 if last else 16 + len(padded), 16, len(tag), 0, 24, len(data)) + padded


def test_create_with_its_contexts(header: Make) -> None:
    lease = FILE + struct.pack("<IIQ", 7, 4, 0) + bytes(16) + struct.pack("<HH", 3, 0)
    durable = struct.pack("<IIQ", 60000, 2, 0) + FILE
    contexts = (
        context(b"RqLs", lease, last=False) + context(b"DH2Q", durable, last=False) + context(b"MxAc", b"")
    )
    pdu = header(5, 1) + create_request(NAME, contexts)
    made = bodies.read_request(read_header(pdu), pdu)
    assert made == m.CreateRequest(
        name=NAME, access=0x120089, share_access=7, disposition=1, options=0x40, attributes=0x80,
        impersonation=2, oplock=0xFF, contexts=("RqLs", "DH2Q", "MxAc"), lease_key=FILE.hex(), lease_state=7,
        lease_flags=4, lease_epoch=3, parent_lease_key=bytes(16).hex(), create_guid=FILE.hex(),
        durable_timeout_ms=60000, persistent=True,
    )  # fmt: skip


def test_an_empty_name_is_the_root_and_a_cut_one_is_unknown(header: Make) -> None:
    whole = header(5, 1) + create_request("")
    cut = (header(5, 1) + create_request(NAME))[:-1]
    assert bodies.read_request(read_header(whole), whole).name == ""  # type: ignore[attr-defined]
    assert bodies.read_request(read_header(cut), cut).name is None  # type: ignore[attr-defined]


def test_what_a_snap_length_cuts_off_is_none(header: Make) -> None:
    pdu = header(8, 1) + struct.pack("<HBBIQ", 49, 0, 0, 4096, 8192)
    assert bodies.read_request(read_header(pdu), pdu) == m.ReadRequest(None, 8192, 4096, None)


IOCTLS = [
    (0x000980C8, struct.pack("<QQ", 100, 300), {"offset": 100, "length": 200}),
    (0x000940CF, struct.pack("<QQ", 100, 300), {"offset": 100, "length": 300}),
    (0x000900C4, b"", {"sparse": True}),
    (0x000900C4, b"\0", {"sparse": False}),
    (0x001440F2, FILE + FILE[:8] + struct.pack("<IIQQII", 1, 0, 1, 2, 3, 0),
     {"resume_key": (FILE + FILE[:8]).hex(), "chunks": (CopyChunk(1, 2, 3),)}),
    (0x00060194, struct.pack("<H", 4) + "\\srv\\dfs\0".encode("utf-16-le"), {"name": "\\srv\\dfs"}),
    (0x0011C017, b"rpc", {}),
]  # fmt: skip


@pytest.mark.parametrize(("function", "data", "expected"), IOCTLS)
def test_ioctl_by_function(header: Make, function: int, data: bytes, expected: dict[str, Any]) -> None:
    fixed = struct.pack("<HHI16sIIIIIIII", 57, 0, function, FILE, 120, len(data), 0, 0, 0, 4096, 1, 0)
    pdu = header(11, 1) + fixed + data
    wanted = m.IoctlRequest(
        file_id=FILE.hex(), function=function, output_length=4096, input_length=len(data), **expected
    )
    assert bodies.read_request(read_header(pdu), pdu) == wanted


SETS = [
    (20, struct.pack("<Q", 77), {"size": 77}),
    (13, b"\1", {"delete": True}),
    (64, struct.pack("<I", 3), {"delete": True}),
    (10, struct.pack("<B7xQI", 1, 0, 6) + "x\\y".encode("utf-16-le"), {"replace": True, "target": "x\\y"}),
    (4, struct.pack("<QqQQI", 0, -1, 132514272000000000, 0, 0x20),
     {"attributes": 0x20, "written_ns": 1606953600000000000}),
    (15, struct.pack("<IBBH", 0, 0, 4, 1) + b"attr\0v", {"ea_names": ("attr",), "ea_lengths": (1,)}),
    (15, struct.pack("<IBBH", 16, 0, 1, 3) + b"a\0xyz\0\0\0" + struct.pack("<IBBH", 0, 0, 2, 0) + b"bc\0",
     {"ea_names": ("a", "bc"), "ea_lengths": (3, 0)}),
]  # fmt: skip


@pytest.mark.parametrize(("level", "data", "expected"), SETS)
def test_set_info_by_class(header: Make, level: int, data: bytes, expected: dict[str, Any]) -> None:
    fixed = struct.pack("<HBBIHHI16s", 33, 1, level, len(data), 96, 0, 0, FILE)
    pdu = header(17, 1) + fixed + data
    wanted = m.SetInfoRequest(file_id=FILE.hex(), info_type=1, level=level, additional=0, **expected)
    assert bodies.read_request(read_header(pdu), pdu) == wanted


def test_a_listing_has_names_sizes_and_times(header: Make) -> None:
    def entry(name: str, size: int, following: bool) -> bytes:
        encoded = name.encode("utf-16-le")
        fixed = struct.pack("<I4x4QQQII", 0, *[132514272000000000] * 4, size, 4096, 0x20, len(encoded))
        whole = fixed + bytes(104 - len(fixed)) + encoded
        whole += bytes(-len(whole) % 8)
        return struct.pack("<I", len(whole)) + whole[4:] if following else whole

    data = entry("a\x01b", 5, True) + entry("zwei", 6, False)
    pdu = header(14, 1, response=True) + struct.pack("<HHI", 9, 72, len(data)) + data
    made = bodies.read_response(read_header(pdu), pdu, m.QueryDirectoryRequest(level=37))
    assert isinstance(made, m.QueryDirectoryResponse)
    assert [(e.name, e.size, e.written_ns) for e in made.entries] == [
        ("a\x01b", 5, 1606953600000000000), ("zwei", 6, 1606953600000000000),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("command", "status", "structure", "kind"),
    [
        (5, 0xC0000034, 9, m.Message),
        (5, 0x8000002D, 9, m.Message),
        (11, 0xC000000D, 49, m.IoctlResponse),
        (16, 0x80000005, 9, m.QueryInfoResponse),
        (16, 0xC0000023, 9, m.Message),
        (1, 0xC0000016, 9, m.SessionSetupResponse),
    ],
)
def test_an_error_response_is_told_from_an_answer(
    header: Make, command: int, status: int, structure: int, kind: type[m.Message]
) -> None:
    pdu = header(command, 1, response=True, status=status) + struct.pack("<H", structure) + bytes(90)
    assert type(bodies.read_response(read_header(pdu), pdu, None)) is kind


REQUESTS = [m.QueryDirectoryRequest(level=level) for level in (1, 2, 3, 12, 37, 38, 60, 99)]
REQUESTS += [m.QueryInfoRequest(info_type=kind, level=level) for kind, level in information.QUERIED]  # type: ignore[misc]


@given(st.integers(0, 20), st.booleans(), st.sampled_from([None, *REQUESTS]), st.binary(max_size=300))
def test_no_bytes_raise_and_all_values_fit_a_column(
    header: Make, command: int, response: bool, request: m.Message | None, body: bytes
) -> None:
    from smbench.trace.model import Exchange
    from smbench.trace.store import from_batch, to_batch

    pdu = header(command, 1, response=response) + body
    head = read_header(pdu)
    made = bodies.read_response(head, pdu, request) if response else bodies.read_request(head, pdu)
    exchange = Exchange(0, 0, 1, command, 0, 0, 0, request=made)
    assert from_batch(to_batch([exchange])) == [exchange]
