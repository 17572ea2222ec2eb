"""Of locks that waited together the one that was granted first comes first; nothing waits for itself."""

from __future__ import annotations

from collections import defaultdict
from graphlib import TopologicalSorter
from itertools import pairwise

import pytest
from helpers.load import Load, stored_edges
from hypothesis import given
from hypothesis import strategies as st

from smbench.plan import Pace, Plan, plan_run
from smbench.workload.calls import Lock, Unlock

USERS = ["alice", "bob", "carol"]
CANCELLED = 0xC0000120


def plan_of(load: Load) -> Plan:
    return plan_run(load.workload, load.users, pace=Pace.FAST)


def contended() -> Load:
    load = Load(USERS)
    for user in range(3):
        load.opens(user, user, "a", at_ns=user, takes_ns=0)
    load.add(0, Lock(0, 0, 100, True, False), at_ns=10, takes_ns=1)
    return load


@pytest.mark.parametrize(("bob", "carol"), [(20, 50), (50, 20)])
def test_who_was_granted_first_is_granted_first(bob: int, carol: int) -> None:
    """Both wait for alice, who unlocks at 25; the later of the two waits for the other as well."""
    load = contended()
    first = load.add(1, Lock(1, 0, 100, True, True), at_ns=12, takes_ns=bob)
    then = load.add(2, Lock(2, 0, 100, True, True), at_ns=14, takes_ns=carol)
    unlocks = load.add(0, Unlock(0, 0, 100), at_ns=25, takes_ns=1)
    found = stored_edges(plan_of(load))
    assert ((first, then) if bob < carol else (then, first)) in found
    assert ((then, first) if bob < carol else (first, then)) not in found
    assert not {(unlocks, first), (unlocks, then)} & {*found}  # the server keeps them waiting


@pytest.mark.parametrize(
    ("second", "told"),
    [
        (Lock(2, 100, 10, True, True), {}),
        (Lock(2, 0, 100, False, True), {}),
        (Lock(2, 0, 100, True, True), {"expected": CANCELLED}),
        (Lock(2, 0, 100, True, True), {"takes_ns": -1}),
    ],
    ids=["another range", "both shared", "cancelled", "unanswered"],
)
def test_nothing_else_waits(second: Lock, told: dict[str, int]) -> None:
    load = contended()
    first = load.add(1, Lock(1, 0, 100, second.exclusive, True), at_ns=12, takes_ns=20)
    then = load.add(2, second, **{"at_ns": 14, "takes_ns": 50, **told})
    assert not {(first, then), (then, first)} & {*stored_edges(plan_of(load))}


@given(st.data())
def test_nothing_waits_for_itself(data: st.DataObject) -> None:
    """Three users who lock and unlock ranges of one file again and again, at all times."""
    drawn = []
    for user in range(3):
        now = 10
        for _ in range(data.draw(st.integers(1, 6))):
            call = data.draw(
                st.sampled_from(
                    [Lock(user, low, 10, exclusive, True) for low in (0, 5) for exclusive in (True, False)]
                    + [Unlock(user, 0, 10)]
                )
            )
            takes = data.draw(st.integers(0, 20))
            drawn.append((now, user, call, takes))
            now += takes + data.draw(st.integers(0, 5))
    load = Load(USERS)
    for user in range(3):
        load.opens(user, user, "a", at_ns=user, takes_ns=0)
    for at, user, call, takes in sorted(drawn, key=lambda one: one[0]):
        load.add(user, call, at_ns=at, takes_ns=takes)
    plan = plan_of(load)
    before = defaultdict(set)
    for lane in range(plan.lanes):
        for earlier, later in pairwise(plan.row[plan.lane_start[lane] : plan.lane_start[lane + 1]].tolist()):
            before[later].add(earlier)
    for earlier, later in stored_edges(plan):
        before[later].add(earlier)
    TopologicalSorter(before).prepare()  # raises CycleError
