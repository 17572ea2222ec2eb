"""Clones and loops of a plan."""

from __future__ import annotations

import numpy as np
import pytest
from helpers.load import CREATE, OPEN, Load

from smbench.plan import Pace, clone, clone_names, default_stagger_ns, loop, plan_run


def handed_over() -> Load:
    """alice makes a file, bob opens it; carol has nothing to do with it; dave does nothing."""
    load = Load(users=["alice", "bob", "carol", "dave"], step_ns=1000)
    load.opens(0, 1, "f", CREATE)
    load.opens(1, 2, "f", OPEN)
    load.opens(2, 3, "g", OPEN)
    return load


def edges(plan) -> list[tuple[int, int, int]]:
    waits = plan.waits
    return list(zip(waits.place.tolist(), waits.lane.tolist(), waits.count.tolist(), strict=True))


def test_clones_repeat_the_plan_side_by_side_and_wait_only_within_themselves():
    load = handed_over()
    one = plan_run(load.workload, load.users)
    three = clone(one, 3, stagger_ns=100)
    assert three.users[4:8] == ["alice@2", "bob@2", "carol@2", "dave@2"]
    assert (three.operations, three.lanes, three.processes) == (9, 9, 9)
    assert three.row.tolist() == one.row.tolist() * 3
    assert three.lane_user.tolist() == [0, 1, 2, 4, 5, 6, 8, 9, 10]
    assert [list(three.lanes_of(process)) for process in range(9)] == [[lane] for lane in range(9)]
    assert three.intended_ns is not None
    assert three.intended_ns.tolist() == [0, 1000, 2000, 100, 1100, 2100, 200, 1200, 2200]
    assert edges(one) == [(1, 0, 1)]
    assert edges(three) == [(1, 0, 1), (4, 3, 1), (7, 6, 1)]
    row, lane = three.first_copy()
    assert row.tolist() == one.row.tolist()
    assert lane.tolist() == one.lane_of_place().tolist()


@pytest.mark.parametrize(("users_per_process", "processes"), [(1, 6), (2, 3), (4, 2), (100, 1)])
def test_users_of_several_clones_may_share_a_process(users_per_process, processes):
    load = handed_over()
    plan = clone(plan_run(load.workload, load.users), 2, users_per_process=users_per_process)
    assert plan.processes == processes
    assert (np.diff(plan.lane_process) >= 0).all()
    assert set(plan.lane_process.tolist()) == set(range(processes))


def test_only_the_first_thought_of_a_lane_is_later_in_later_clones():
    load = Load(users=["alice"])
    for turn in range(3):
        load.opens(0, turn, "f")
    one = plan_run(load.workload, load.users, pace=Pace.THINK)
    two = clone(one, 2, stagger_ns=70)
    assert one.think_ns is not None
    assert two.think_ns is not None
    assert (two.think_ns[3:] - one.think_ns).tolist() == [70, 0, 0]


def test_by_default_the_arrivals_of_all_clones_interleave_evenly():
    load = handed_over()
    plan = plan_run(load.workload, load.users, speed=0.5)
    assert default_stagger_ns(plan, 4) == 500
    times = np.sort(clone(plan, 4, stagger_ns=500).intended_ns)
    assert np.diff(times).tolist() == [500] * 11
    assert default_stagger_ns(plan_run(load.workload, load.users, pace=Pace.FAST), 4) == 0


def test_one_clone_is_the_plan_itself_and_its_users_keep_their_names():
    load = handed_over()
    plan = plan_run(load.workload, load.users)
    assert clone(plan, 1) is plan
    assert clone_names(load.users, 1) == load.users


def test_loops_are_the_same_users_again_from_when_the_loop_began():
    load = handed_over()
    plan = clone(plan_run(load.workload, load.users), 2, stagger_ns=10)
    twice = loop(plan, [0, 9000])
    assert twice.users == plan.users
    assert (twice.clones, twice.loops, twice.copies, twice.operations) == (2, 2, 4, 12)
    assert twice.processes == plan.processes
    assert twice.intended_ns is not None
    assert twice.intended_ns[6:].tolist() == [9000, 10000, 11000, 9010, 10010, 11010]
    assert twice.lane_begin_ns is not None
    assert twice.lane_begin_ns.tolist() == [0] * 6 + [9000] * 6
    assert edges(twice) == [(1, 0, 1), (4, 3, 1), (7, 6, 1), (10, 9, 1)]
