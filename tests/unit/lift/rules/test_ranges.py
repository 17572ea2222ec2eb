"""Locks, server-side copies, holes and other control codes."""

from __future__ import annotations

from pathlib import Path

from helpers.story import Wire, lifted

from smbench.smb2.ntstatus import Status
from smbench.trace import messages as m
from smbench.trace.values import CopyChunk
from smbench.workload.calls import (
    AllocatedRanges,
    Control,
    CopyRange,
    Lock,
    PunchHole,
    Unlock,
)


def test_locks_one_an_element(tmp_path: Path) -> None:
    wire = Wire()
    opened = wire.client("alice").opens("x")
    opened.locks((0, 10, 0x12)).locks((20, 5, 1)).locks((0, 10, 4), (20, 5, 4))
    story = lifted(wire, tmp_path)
    assert story.calls[1:] == [
        Lock(0, 0, 10, True, False),
        Lock(0, 20, 5, False, True),
        Unlock(0, 0, 10),
        Unlock(0, 20, 5),
    ]
    assert [operation.exchanges for operation in story.operations[3:]] == [(3,), (3,)]
    assert [operation.lane for operation in story.operations] == [0] * 5
    assert story.rules == ["open", "lock", "lock", "locks"]


def test_locks_that_no_call_asks_for(tmp_path: Path) -> None:
    wire = Wire()
    opened = wire.client("alice").opens("x")
    opened.locks(status=Status.INVALID_PARAMETER).locks((0, 1, 7), status=Status.INVALID_PARAMETER)
    opened.locks((0, 1, 0x12), (5, 1, 0x12), status=Status.LOCK_NOT_GRANTED)
    story = lifted(wire, tmp_path)
    assert story.kinds == ["Open"]
    assert story.rules == ["open", "lock-invalid", "lock-invalid", "locks-refused"]


def test_server_side_copy(tmp_path: Path) -> None:
    wire = Wire()
    alice = wire.client("alice")
    source, target = alice.opens("a", size=None), alice.opens("b", access=0xC0000080)
    source.controls(0x140078, response=m.IoctlResponse(resume_key="ab"))
    chunks = (CopyChunk(0, 10, 100), CopyChunk(100, 110, 50))
    target.controls(0x1480F2, resume_key="ab", chunks=chunks)
    target.controls(0x1480F2, resume_key="cd", chunks=chunks)
    source.closes()
    target.controls(0x1480F2, resume_key="ab", chunks=chunks)
    story = lifted(wire, tmp_path)
    assert story.calls[2:3] == [CopyRange(0, 1, 0, 10, 150)]
    assert story.rules[2:] == ["resume-key", "copy", "copy-of-unknown", "close", "copy-of-unknown"]
    assert story.namespace["a"].size == 150


def test_holes_and_ranges(tmp_path: Path) -> None:
    wire = Wire()
    opened = wire.client("alice").opens("x")
    opened.controls(0x900C4, sparse=True).controls(0x980C8, offset=5, length=7)
    opened.controls(0x940CF, offset=0, length=100).controls(0x98344).controls(0x90028)
    story = lifted(wire, tmp_path)
    assert story.calls[1:] == [PunchHole(0, 5, 7), AllocatedRanges(0, 0, 100)]
    assert story.rules[1:] == ["sparse", "punch", "allocated-ranges", "clone", "other-ioctl"]
    assert story.coverage[-1]["reason"].endswith("FSCTL 0x00090028")


def test_control_codes_that_an_ioctl_sends(tmp_path: Path) -> None:
    wire = Wire()
    opened = wire.client("alice").opens("x")
    opened.controls(0x144064, Status.INVALID_DEVICE_REQUEST, output_length=16)
    opened.controls(0x9C280, Status.INVALID_DEVICE_REQUEST).controls(0x9C040, Status.ACCESS_DENIED)
    opened.controls(0x90027)
    story = lifted(wire, tmp_path)
    assert story.calls[1:] == [Control(0, 0x144064), Control(0, 0x9C280), Control(0, 0x9C040)]
    assert story.calls[1].output_length == 16
    assert story.rules[1:] == ["control", "control", "control", "other-ioctl"]
