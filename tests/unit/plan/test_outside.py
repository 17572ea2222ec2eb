"""What somebody outside did comes after every sight of the old state and before every one of the new."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from helpers.load import all_before
from helpers.story import Wire, lifted

from smbench.plan import Pace, Plan, clone, plan_run
from smbench.smb2.ntstatus import Status
from smbench.trace.values import DirectoryEntry
from smbench.workload.calls import Close, List, Open, Read, Stat, Truncate, Unlink
from smbench.workload.model import Operation
from smbench.workload.outside import with_outside

GONE = Status.OBJECT_NAME_NOT_FOUND


def planned(wire: Wire, folder: Path, pace: Pace = Pace.FAST) -> tuple[list[Operation], Plan]:
    workload = with_outside(lifted(wire, folder).workload)
    users = [user.name for user in workload.info.trace.users]
    return list(workload.operations), plan_run(workload, users, pace=pace)


def rows(operations: list[Operation], kind: type, user: int) -> list[int]:
    return [at for at, one in enumerate(operations) if isinstance(one.call, kind) and one.user == user]


def test_a_name_that_goes(tmp_path: Path) -> None:
    wire = Wire()
    alice, bob = wire.client("alice"), wire.client("bob")
    alice.looks("d/x")
    bob.looks("d/x")
    alice.looks("d/x", GONE)
    bob.looks("d/x", GONE)
    operations, plan = planned(wire, tmp_path)
    (removal,) = rows(operations, Unlink, 2)
    (a1, a2), (b1, b2) = rows(operations, Stat, 0), rows(operations, Stat, 1)
    assert {(a1, removal), (b1, removal), (removal, a2), (removal, b2)} <= reached(plan)


def test_a_listing_that_shows_it(tmp_path: Path) -> None:
    wire = Wire()
    alice, bob = wire.client("alice"), wire.client("bob")
    alice.looks("d/x", GONE)
    alice.opens_directory("d").lists("y").ends_listing().closes()
    bob.opens_directory("d").lists(DirectoryEntry("x", 0x20, size=3), "y").ends_listing().closes()
    operations, plan = planned(wire, tmp_path)
    opened, closed = rows(operations, Open, 2)[0], rows(operations, Close, 2)[0]
    (first,), (second,) = rows(operations, List, 0), rows(operations, List, 1)
    assert {(first, opened), (closed, second)} <= reached(plan)


def test_a_size_that_changes_while_it_is_read(tmp_path: Path) -> None:
    wire = Wire()
    alice, bob = wire.client("alice"), wire.client("bob")
    mine, his = alice.opens("log", size=100), bob.opens("log", size=100)
    mine.reads(0, 200, 100)
    his.reads(0, 200, 100)
    mine.reads(0, 200, 50)
    his.reads(0, 200, 50)
    operations, plan = planned(wire, tmp_path)
    (cut,) = rows(operations, Truncate, 2)
    (a1, a2), (b1, b2) = rows(operations, Read, 0), rows(operations, Read, 1)
    assert {(a1, cut), (b1, cut), (cut, a2), (cut, b2)} <= reached(plan)


def test_places_of_outside_are_told_in_every_clone(tmp_path: Path) -> None:
    wire = Wire()
    alice = wire.client("alice")
    alice.looks("x")
    alice.looks("x", GONE)
    _, plan = planned(wire, tmp_path, Pace.ORIGINAL)
    three = clone(plan, 3, stagger_ns=5)
    assert (plan.captured_users, three.captured_users) == (1, 3)
    assert three.of_outside(slice(0, three.operations)).tolist() == [False, False, True] * 3
    assert three.of_outside(np.array([2, 3])).tolist() == [True, False]


def test_a_plan_of_users_alone_has_none(tmp_path: Path) -> None:
    wire = Wire()
    wire.client("alice").looks("x")
    _, plan = planned(wire, tmp_path)
    assert plan.outside is None
    assert not plan.of_outside(slice(0, plan.operations)).any()


def reached(plan: Plan) -> set[tuple[int, int]]:
    """All pairs of rows of which the first is done before the second, by lanes and edges."""
    return {(first, row) for row, earlier in enumerate(all_before(plan)) for first in earlier}
