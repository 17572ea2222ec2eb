"""Breaks of the executor `library`, without a server: what is acknowledged, and what is left to a close."""

from __future__ import annotations

import struct
import threading
import time
from typing import Any

import pytest

from smbench.executors.base import KeptBreak
from smbench.executors.library import breaks
from smbench.executors.library import messages as wire
from smbench.executors.library.breaks import Breaks
from smbench.executors.library.connection import Reply
from smbench.smb2.ntstatus import Status

ID = b"i" * 16


def oplock_break(level: int, file_id: bytes = ID) -> bytes:
    return struct.pack("<HBBI16s", 24, level, 0, 0, file_id)


def lease_break(flags: int, current: int, new: int) -> bytes:
    return struct.pack("<HHI16sIIIII", 44, 2, flags, ID, current, new, 0, 0, 0)


class Told:
    """Breaks told to a client; what it sent is in `sent`."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.breaks = Breaks()
        self.answer = 0

    def send(self, message: wire.Message) -> Reply:
        self.sent.append(message.pack())
        return Reply(self.answer, b"")

    def after(self, *bodies: bytes) -> list[bytes]:
        self.breaks.start()
        for body in bodies:
            self.breaks.receive(body, self.send)
        self.breaks.stop()
        return self.sent


def test_a_lease_break_is_acknowledged_where_the_server_waits_for_it() -> None:
    told = Told()
    assert told.after(lease_break(1, 7, 3), lease_break(0, 1, 0)) == [
        wire.lease_acknowledgement(ID, 3).pack()
    ]
    found = told.breaks.statistics()
    assert (found["lease"], found["acknowledged"], found["oplock"]) == (2, 1, 0)
    assert [(e["from"], e["to"]) for e in found["events"]] == [(7, 3), (1, 0)]
    assert found["events"][0]["acknowledged_ns"] > 0
    assert found["events"][1]["acknowledged_ns"] is None


@pytest.mark.parametrize(
    ("held", "new", "acknowledged"),
    [(9, 1, True), (8, 1, True), (9, 0, True), (1, 0, False), (None, 0, True)],
)
def test_an_oplock_break_is_acknowledged_but_for_level_ii_to_none(
    held: int | None, new: int, acknowledged: bool
) -> None:
    told = Told()
    if held is not None:
        told.breaks.granted(ID, held)
    assert told.after(oplock_break(new)) == [wire.oplock_acknowledgement(ID, new).pack()] * acknowledged


def test_an_oplock_remembers_what_it_was_broken_to() -> None:
    told = Told()
    told.breaks.granted(ID, 9)
    assert told.after(oplock_break(1), oplock_break(0)) == [wire.oplock_acknowledgement(ID, 1).pack()]


def test_a_closed_file_has_no_oplock_any_more() -> None:
    told = Told()
    told.breaks.granted(ID, 1)
    told.breaks.closed(ID)
    assert len(told.after(oplock_break(0))) == 1


def test_an_acknowledgement_that_finds_no_connection_is_none() -> None:
    told = Told()
    told.answer = Status.CONNECTION_DISCONNECTED
    assert len(told.after(lease_break(1, 7, 3))) == 1
    found = told.breaks.statistics()
    assert (found["lease"], found["acknowledged"], found["lease_acknowledged"]) == (1, 0, 0)
    assert found["events"][0]["acknowledged_ns"] is None


def test_what_was_held_over_a_lost_connection_is_forgotten() -> None:
    told = Told()
    told.breaks.granted(ID, 1)
    told.breaks.forget()
    assert told.after(oplock_break(0)) == [wire.oplock_acknowledgement(ID, 0).pack()]


def test_what_is_no_break_is_counted() -> None:
    told = Told()
    assert told.after(b"\x07\0 whatever") == []
    assert told.breaks.statistics()["unknown"] == 1


# A break that a close answers

LATER_NS = 60 * 10**9


@pytest.fixture
def told() -> Any:
    """Of a client that has opened handle 1, whose second break its close is to answer."""
    told = Told()
    told.breaks.expect({1: KeptBreak(before=1, within_ns=LATER_NS)})
    told.breaks.opened(1, ID)
    told.breaks.start()
    yield told
    told.breaks.stop()


def lets(told: Told, *, have: int) -> bool:
    """Whether there are so many breaks in time."""
    until = time.monotonic() + 10
    while time.monotonic() < until:
        if sum(told.breaks.statistics()[kind] for kind in ("lease", "oplock")) == have:
            return True
        time.sleep(0.001)
    return False


def test_a_break_is_left_to_the_close_that_answered_it(told: Told) -> None:
    first, second = lease_break(1, 7, 3), lease_break(1, 3, 0)
    for body in (first, second):
        told.breaks.receive(body, told.send)
    assert lets(told, have=2)
    told.breaks.closing(1)
    told.breaks.stop()
    assert told.sent == [wire.lease_acknowledgement(ID, 3).pack()]
    found = told.breaks.statistics()
    assert (found["lease"], found["acknowledged"], found["answered_by_close"]) == (2, 1, 1)
    assert [event["acknowledged_ns"] is None for event in found["events"]] == [False, True]


def test_a_break_after_the_close_is_acknowledged_at_once(told: Told) -> None:
    told.breaks.receive(lease_break(1, 7, 3), told.send)
    assert lets(told, have=1)
    told.breaks.closing(1)
    told.breaks.receive(lease_break(1, 3, 0), told.send)
    assert lets(told, have=2)
    told.breaks.stop()
    assert len(told.sent) == 2
    assert not told.breaks.statistics()["answered_by_close"]


def test_breaks_are_counted_from_the_open_on(told: Told) -> None:
    """As in a loop, which opens the same handle again."""
    told.breaks.receive(lease_break(1, 7, 3), told.send)
    assert lets(told, have=1)
    told.breaks.closing(1)
    told.breaks.opened(1, ID)
    told.breaks.receive(lease_break(1, 7, 3), told.send)
    assert lets(told, have=2)
    told.breaks.receive(lease_break(1, 3, 0), told.send)
    assert lets(told, have=3)
    told.breaks.closing(1)
    assert told.breaks.statistics()["answered_by_close"] == 1


def test_a_break_whose_close_does_not_come_is_acknowledged_in_the_end() -> None:
    told = Told()
    told.breaks.expect({1: KeptBreak(before=0, within_ns=1)})
    told.breaks.opened(1, ID)
    told.breaks.start()
    told.breaks.receive(lease_break(1, 7, 3), told.send)
    until = time.monotonic() + 10
    while not told.sent and time.monotonic() < until:
        time.sleep(0.001)
    assert told.sent == [wire.lease_acknowledgement(ID, 3).pack()]
    told.breaks.stop()


def test_whoever_ends_leaves_no_break_unanswered(told: Told) -> None:
    for body in (lease_break(1, 7, 3), lease_break(1, 3, 0)):
        told.breaks.receive(body, told.send)
    told.breaks.stop()
    assert len(told.sent) == 2


def test_a_close_comes_when_its_break_has_come(told: Told) -> None:
    told.breaks.receive(lease_break(1, 7, 3), told.send)
    assert lets(told, have=1)
    came: list[str] = []

    def close() -> None:
        told.breaks.await_kept(1)
        came.append("close")

    closing = threading.Thread(target=close)
    closing.start()
    time.sleep(0.02)
    came.append("break")
    told.breaks.receive(lease_break(1, 3, 0), told.send)
    closing.join(10)
    assert came == ["break", "close"]
    told.breaks.await_kept(1)
    told.breaks.await_kept(2)


def test_a_close_whose_break_does_not_come_waits_a_moment(
    told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(breaks, "_OVERDUE_S", 0.001)
    told.breaks.await_kept(1)
    monkeypatch.setattr(breaks, "_OVERDUE_S", 3600)
    told.breaks.forget()
    told.breaks.await_kept(1)
    assert not told.sent


def test_another_open_of_the_same_lease_is_told_in_its_place(told: Told) -> None:
    told.breaks.opened(2, ID)
    for body in (lease_break(1, 7, 3), lease_break(1, 3, 0)):
        told.breaks.receive(body, told.send)
    told.breaks.stop()
    assert len(told.sent) == 2


def test_an_oplock_is_told_by_its_open() -> None:
    told = Told()
    told.breaks.expect({1: KeptBreak(before=0, within_ns=LATER_NS)})
    told.breaks.granted(ID, 9)
    told.breaks.opened(1, ID)
    told.breaks.start()
    told.breaks.receive(oplock_break(1), told.send)
    assert lets(told, have=1)
    told.breaks.closing(1)
    told.breaks.stop()
    assert not told.sent
