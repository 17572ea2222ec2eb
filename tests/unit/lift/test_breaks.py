"""Breaks of leases and oplocks, each with its answer, and what opens were granted: as stories of the wire."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from helpers.story import Client, Open, Wire

from smbench.lift.lift import lift
from smbench.smb2.constants import (
    OPLOCK_LEVEL_BATCH,
    OPLOCK_LEVEL_EXCLUSIVE,
    OPLOCK_LEVEL_II,
    OPLOCK_LEVEL_LEASE,
    OPLOCK_LEVEL_NONE,
)
from smbench.trace import messages as m
from smbench.trace.model import Command, Exchange
from smbench.workload import calls
from smbench.workload.model import Break
from smbench.workload.store import read

KEY = "00" * 15 + "01"
NOT_FOUND = 0xC0000034


def notified(client: Client, opened: Open | None, state: int, key: str = KEY) -> Exchange:
    said = m.Break(lease_key=key, current_state=7, lease_state=state, flags=1)
    handle = None if opened is None else opened.handle
    return client.sends(Command.OPLOCK_BREAK, said, None, handle=handle, notification=True)


def acknowledged(client: Client, opened: Open, state: int, status: int = 0) -> Exchange:
    said = m.Break(lease_key=KEY, lease_state=state)
    return client.sends(Command.OPLOCK_BREAK, said, status, handle=opened.handle)


def lifted(wire: Wire, folder: Path) -> list[Break]:
    lift(wire.trace(), folder)
    return sorted(read(folder).breaks, key=lambda one: one.notified_ns)


def test_a_break_is_answered_by_its_acknowledgement(tmp_path):
    alice = (wire := Wire()).client("alice")
    opened = alice.opens("a")
    told, answer = notified(alice, opened, 3), acknowledged(alice, opened, 3)
    opened.closes()
    assert lifted(wire, tmp_path) == [Break(opened.handle, told.time_ns, 3, answer.time_ns)]


def test_or_by_the_close_of_the_open(tmp_path):
    alice = (wire := Wire()).client("alice")
    opened = alice.opens("a")
    told = notified(alice, opened, 0)
    opened.closes()
    closed_ns = wire.now_ns
    acknowledged(alice, opened, 0, NOT_FOUND)
    assert lifted(wire, tmp_path) == [Break(opened.handle, told.time_ns, 0, closed_ns)]


def test_or_not_at_all_and_each_break_of_a_lease_is_its_own(tmp_path):
    alice = (wire := Wire()).client("alice")
    opened = alice.opens("a")
    first, second = notified(alice, opened, 3), notified(alice, opened, 0)
    assert lifted(wire, tmp_path) == [
        Break(opened.handle, first.time_ns, 3, -1),
        Break(opened.handle, second.time_ns, 0, -1),
    ]


def test_two_users_may_have_leases_of_one_key(tmp_path):
    wire = Wire()
    alice, bob = wire.client("alice"), wire.client("bob")
    hers, his = alice.opens("a"), bob.opens("b")
    first, second = notified(alice, hers, 3), notified(bob, his, 3)
    answer = acknowledged(alice, hers, 3)
    assert lifted(wire, tmp_path) == [
        Break(hers.handle, first.time_ns, 3, answer.time_ns),
        Break(his.handle, second.time_ns, 3, -1),
    ]


def test_an_oplock_s_break_is_told_in_the_bits_of_leases(tmp_path):
    alice = (wire := Wire()).client("alice")
    opened = alice.opens("a")
    said = m.Break(file_id="00", oplock=OPLOCK_LEVEL_II)
    told = alice.sends(Command.OPLOCK_BREAK, said, None, handle=opened.handle, notification=True)
    answer = alice.sends(Command.OPLOCK_BREAK, said, 0, handle=opened.handle)
    assert lifted(wire, tmp_path) == [Break(opened.handle, told.time_ns, 1, answer.time_ns)]


def test_a_break_of_what_nobody_saw_opened_is_left_out(tmp_path):
    alice = (wire := Wire()).client("alice")
    notified(alice, None, 0)
    assert lifted(wire, tmp_path) == []


@pytest.mark.parametrize(
    ("oplock", "state", "granted"),
    [
        (OPLOCK_LEVEL_NONE, None, 0),
        (OPLOCK_LEVEL_II, None, 1),
        (OPLOCK_LEVEL_EXCLUSIVE, None, 5),
        (OPLOCK_LEVEL_BATCH, None, 7),
        (OPLOCK_LEVEL_LEASE, 3, 3),
    ],
)
def test_what_an_open_was_granted_is_kept(
    tmp_path: Path, oplock: int, state: int | None, granted: int
) -> None:
    alice = (wire := Wire()).client("alice")
    opened = alice.opens("a")
    answer = opened.exchange.response
    assert isinstance(answer, m.CreateResponse)
    opened.exchange.response = replace(answer, oplock=oplock, lease_state=state)
    workload = lift(wire.trace(), tmp_path)
    opens = [one.call for one in workload.operations if isinstance(one.call, calls.Open)]
    assert [one.granted for one in opens] == [granted]
