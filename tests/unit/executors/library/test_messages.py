"""Bodies of requests, held against the library's own structures where it has one for the same."""

from __future__ import annotations

import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from smbprotocol.connection import Connection, SMB2CancelRequest
from smbprotocol.create_contexts import SMB2CreateContextRequest
from smbprotocol.file_info import FileRenameInformation
from smbprotocol.open import (
    SMB2CloseRequest,
    SMB2CreateRequest,
    SMB2FlushRequest,
    SMB2QueryDirectoryRequest,
    SMB2QueryInfoRequest,
    SMB2ReadRequest,
    SMB2SetInfoRequest,
    SMB2WriteRequest,
)

from smbench.executors.library import messages as wire
from smbench.smb2.information import name_information
from smbench.workload.calls import Create

ID = bytes(range(16))


def filled(structure: Any, **values: Any) -> bytes:
    for name, value in values.items():
        structure[name] = value
    packed: bytes = structure.pack()
    return packed


def test_create_is_what_the_library_sends() -> None:
    theirs = filled(
        SMB2CreateRequest(),
        requested_oplock_level=0xFF,
        impersonation_level=2,
        desired_access=0x120089,
        file_attributes=0x80,
        share_access=7,
        create_disposition=1,
        create_options=0x40,
        buffer_path="dir\\ünïcödé".encode("utf-16-le"),
    )
    ours = wire.create("dir\\ünïcödé", Create(0x120089, 7, 1, 0x40, 0x80, oplock=0xFF)).pack()
    # The library pads the name although nothing follows.
    assert ours == theirs[: len(ours)]
    assert not theirs[len(ours) :].strip(b"\0")


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (wire.close(ID, 1), filled(SMB2CloseRequest(), flags=1, file_id=ID)),
        (wire.flush(ID), filled(SMB2FlushRequest(), file_id=ID)),
        (
            wire.read(ID, 1 << 40, 4096),
            filled(SMB2ReadRequest(), padding=b"\x50", length=4096, offset=1 << 40, file_id=ID),
        ),
        (
            wire.write(ID, 77, b"data", 1),
            filled(SMB2WriteRequest(), offset=77, file_id=ID, flags=1, buffer=b"data"),
        ),
        (
            wire.query_directory(ID, 37, 1, "*.txt", 65536),
            filled(
                SMB2QueryDirectoryRequest(),
                file_information_class=37,
                flags=1,
                file_id=ID,
                output_buffer_length=65536,
                buffer="*.txt".encode("utf-16-le"),
            ),
        ),
        (
            wire.set_info(ID, 20, bytes(8)),
            filled(SMB2SetInfoRequest(), info_type=1, file_info_class=20, file_id=ID, buffer=bytes(8)),
        ),
    ],
    ids=["close", "flush", "read", "write", "query directory", "set info"],
)
def test_bodies_are_what_the_library_sends(ours: wire.Message, theirs: bytes) -> None:
    assert ours.pack() == theirs
    assert len(ours) == len(theirs)


def test_an_information_class_that_the_library_does_not_know_can_be_asked_for() -> None:
    theirs = SMB2QueryInfoRequest()
    theirs["info_type"] = 1
    with pytest.raises(Exception, match="200"):
        theirs["file_info_class"] = 200
    body = wire.query_info(ID, 1, 200, 4096, 7).pack()
    assert struct.unpack_from("<HBBI", body) == (41, 1, 200, 4096)
    assert struct.unpack_from("<I", body, 16) == (7,)
    assert body[24:40] == ID
    assert len(body) == 41


def test_ioctl_and_lock_and_notify_lie_where_the_document_says() -> None:
    body = wire.ioctl(ID, 0x980C8, b"given", 100).pack()
    assert len(body) == 56 + 5
    assert struct.unpack_from("<HHI16sIII", body) == (57, 0, 0x980C8, ID, 120, 5, 0)
    assert struct.unpack_from("<III", body, 36) == (0, 0, 100)
    assert struct.unpack_from("<I", body, 48) == (1,)
    assert body[56:] == b"given"
    body = wire.lock(ID, 5, 6, 0x12).pack()
    assert struct.unpack("<HHI16sQQII", body) == (48, 1, 0, ID, 5, 6, 0x12, 0)
    assert wire.notify(ID, 3, True, 4096).pack() == struct.pack("<HHI16sII", 32, 1, 4096, ID, 3, 0)


def test_a_rename_is_what_the_library_sends() -> None:
    theirs = FileRenameInformation()
    theirs["replace_if_exists"] = True
    theirs["file_name"] = "a\\b"
    assert name_information(True, "a\\b") == theirs.pack()


@given(st.lists(st.tuples(st.sampled_from([b"MxAc", b"QFid", b"RqLs", b"DHnQ"]), st.binary(max_size=60))))
def test_contexts_are_read_back_by_the_library(contexts: list[tuple[bytes, bytes]]) -> None:
    rest, found = wire.create_contexts(contexts), []
    while rest:
        (length,) = struct.unpack_from("<I", rest)
        assert length % 8 == 0
        entry = SMB2CreateContextRequest()
        entry.unpack(rest[:length] if length else rest)
        data_at, size = struct.unpack_from("<HI", rest, 10)
        found.append((entry["buffer_name"].get_value(), rest[data_at : data_at + size]))
        rest = rest[length:] if length else b""
    assert found == [(tag, data) for tag, data in contexts]


def test_contexts_begin_at_a_multiple_of_8_behind_any_name() -> None:
    contexts = wire.create_contexts([(b"MxAc", b"")])
    for length in range(9):
        body = wire.create("n" * length, Create(1, 7, 1, 0), contexts).pack()
        at, size = struct.unpack_from("<II", body, 48)
        assert at % 8 == 0
        assert body[at - 64 :] == contexts
        assert size == len(contexts)


def test_leases_of_both_versions() -> None:
    key, parent = bytes(range(16)), bytes(range(16, 32))
    assert wire.lease(key, 7, 1, parent) == key + struct.pack("<IIQ", 7, 0, 0)
    assert wire.lease(key, 7, 2, parent) == key + struct.pack("<IIQ", 7, 4, 0) + parent + bytes(4)
    assert len(wire.lease(key, 3, 2)) == 52
    assert len(wire.durable(1, b"")) == 16
    assert wire.durable(2, key)[16:] == key


@pytest.mark.parametrize(
    ("message", "charge"),
    [
        (wire.read(ID, 0, 0), 1),
        (wire.read(ID, 0, 65536), 1),
        (wire.read(ID, 0, 65537), 2),
        (wire.write(ID, 0, bytes(65536)), 1),
        (wire.write(ID, 0, bytes(1 << 20)), 16),
        (wire.query_info(ID, 1, 18, 1 << 17), 2),
        (wire.ioctl(ID, 1, bytes(70000), 10), 2),
        (wire.close(ID), 1),
    ],
)
def test_the_credit_charge_counts_the_larger_payload(message: wire.Message, charge: int) -> None:
    assert message.credit_charge == charge


def test_what_was_answered_is_what_is_set() -> None:
    descriptor = bytes(range(40))
    body = struct.pack("<HHI", 9, 64 + 8 + 4, len(descriptor)) + bytes(4) + descriptor + b"behind"
    assert wire.answered(body) == descriptor
    request = wire.set_info(ID, 0, descriptor, 3, 4)
    assert request.body[:4] == struct.pack("<HBB", 33, 3, 0)
    assert struct.unpack_from("<I", request.body, 12) == (4,)
    assert request.body.endswith(descriptor)


def test_breaks_are_told_by_their_size() -> None:
    oplock = struct.pack("<HBBI16s", 24, 1, 0, 0, ID)
    assert wire.break_of(oplock) == wire.Break(False, ID, 1)
    lease = struct.pack("<HHI16sIIIII", 44, 2, 1, ID, 7, 3, 0, 0, 0)
    assert wire.break_of(lease) == wire.Break(True, ID, 3, 7, True)
    silent = struct.pack("<HHI16sIIIII", 44, 2, 0, ID, 1, 0, 0, 0, 0)
    assert wire.break_of(silent) == wire.Break(True, ID, 0, 1, False)
    assert wire.break_of(b"") is None
    assert wire.break_of(lease[:40]) is None
    assert wire.break_of(struct.pack("<H", 36)) is None


@given(st.binary(max_size=80))
def test_no_notification_breaks_the_reader(body: bytes) -> None:
    wire.break_of(body)


def test_acknowledgements() -> None:
    assert wire.oplock_acknowledgement(ID, 1).pack() == struct.pack("<HBBI16s", 24, 1, 0, 0, ID)
    assert wire.lease_acknowledgement(ID, 3).pack() == struct.pack("<HHI16sIQ", 36, 0, 0, ID, 3, 0)


def test_what_the_library_asks_of_a_message_is_there() -> None:
    theirs = SMB2CancelRequest()
    assert {name for name in ("COMMAND", "pack", "__len__") if hasattr(theirs, name)} == {
        name for name in ("COMMAND", "pack", "__len__") if hasattr(wire.close(ID), name)
    }
    assert callable(Connection._calculate_credit_charge)
