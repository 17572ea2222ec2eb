"""What broke a write lease waits for what was written back: stories, and that nothing waits for itself."""

from __future__ import annotations

from collections import defaultdict
from graphlib import TopologicalSorter
from itertools import pairwise

import pytest
from helpers.load import READ, WRITE, Load, stored_edges
from hypothesis import given
from hypothesis import strategies as st

from smbench.plan import Pace, Plan, plan_run
from smbench.workload.calls import Create, Open, Unlink

RWH, RH = 7, 3


def plan_of(load: Load) -> Plan:
    return plan_run(load.workload, load.users, pace=Pace.FAST)


def leased(load: Load, user: int, handle: int, lease: int = RWH, oplock: int = 0xFF, **told: int) -> int:
    return load.add(user, Open(handle, "a", Create(READ | WRITE, 7, 1, 0, 0, oplock, lease)), **told)


@pytest.mark.parametrize("breaks", ["open", "unlink"])
def test_what_broke_a_lease_waits_for_all_that_was_written_back(breaks):
    load = Load()
    leased(load, 0, 1)
    if breaks == "open":
        waits = load.opens(1, 2, "A", takes_ns=10_000)
    else:
        waits = load.add(1, Unlink("A"), takes_ns=10_000)
    load.writes(0, 1)
    last = load.writes(0, 1, 8192)
    assert (last, waits) in stored_edges(plan_of(load))
    assert (last - 1, waits) not in stored_edges(plan_of(load))  # the lane's last write says it all


def test_an_exclusive_oplock_is_broken_likewise():
    load = Load()
    leased(load, 0, 1, lease=0, oplock=9)
    opened = load.opens(1, 2, "a", takes_ns=10_000)
    written = load.writes(0, 1)
    assert stored_edges(plan_of(load)) == [(written, opened)]


@pytest.mark.parametrize(
    ("holds", "opens", "writes"),
    [
        ({"lease": RH}, {}, {}),
        ({"lease": 0, "oplock": 1}, {}, {}),
        ({}, {"path": "b"}, {}),
        ({}, {"user": 0, "lane": 1}, {}),
        ({}, {"takes_ns": 1500}, {"takes_ns": 2000}),
        ({}, {"takes_ns": -1}, {}),
    ],
    ids=[
        "read lease",
        "level II",
        "another file",
        "the same user",
        "answered after the open",
        "unanswered open",
    ],
)
def test_nothing_else_waits(holds, opens, writes):
    load = Load()
    leased(load, 0, 1, **holds)
    load.opens(**{"user": 1, "handle": 2, "path": "a", "takes_ns": 10_000} | opens)
    load.writes(0, 1, **writes)
    assert stored_edges(plan_of(load)) == []


@given(st.data())
def test_nothing_waits_for_itself(data):
    """Three users, of whom each opens, writes and closes one file again and again, at all times."""
    drawn = []
    for user in range(3):
        now = data.draw(st.integers(0, 20))
        for handle in range(user, 3 * data.draw(st.integers(1, 4)), 3):
            lease = data.draw(st.sampled_from((0, RH, RWH)))
            for what in ("open", *["write"] * data.draw(st.integers(0, 3)), "close"):
                takes = data.draw(st.integers(0, 20))
                drawn.append((now, user, handle, lease, what, takes))
                now += takes + data.draw(st.integers(0, 5))
    load = Load(["alice", "bob", "carol"])
    for at, user, handle, lease, what, takes in sorted(drawn, key=lambda one: one[0]):
        if what == "open":
            leased(load, user, handle, lease, at_ns=at, takes_ns=takes)
        elif what == "write":
            load.writes(user, handle, at_ns=at, takes_ns=takes)
        else:
            load.closes(user, handle, at_ns=at, takes_ns=takes)
    plan = plan_of(load)
    before = defaultdict(set)
    for lane in range(plan.lanes):
        for earlier, later in pairwise(plan.row[plan.lane_start[lane] : plan.lane_start[lane + 1]].tolist()):
            before[later].add(earlier)
    for earlier, later in stored_edges(plan):
        before[later].add(earlier)
    TopologicalSorter(before).prepare()  # raises CycleError
