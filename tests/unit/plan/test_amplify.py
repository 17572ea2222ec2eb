"""Clones and loops of a plan."""

from __future__ import annotations

import numpy as np
import pytest
from helpers.load import CREATE, OPEN, Load
from helpers.schedules import loads
from hypothesis import given, settings
from hypothesis import strategies as st

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
    intended_ns = clone(plan, 4, stagger_ns=500).intended_ns
    assert intended_ns is not None
    times = np.sort(intended_ns)
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


@given(loads(), st.integers(1, 6), st.integers(0, 10_000), st.integers(1, 9), st.sampled_from(Pace))
@settings(max_examples=100, deadline=None)
def test_every_clone_is_the_plan_again_and_nothing_leads_from_one_to_another(
    load, clones, stagger_ns, users_per_process, pace
):
    one = plan_run(load.workload, load.users, pace=pace, users_per_process=users_per_process)
    plan = clone(one, clones, stagger_ns=stagger_ns, users_per_process=users_per_process)
    assert plan.users == clone_names(load.users, clones)
    assert len(set(plan.users)) == clones * len(load.users)
    assert plan.operations == clones * one.operations
    # Processes are full, in order, and none is empty.
    with_work = len(set(plan.lane_user.tolist()))
    assert plan.processes == -(-with_work // users_per_process)
    users_of = [set(plan.lane_user[list(plan.lanes_of(at))].tolist()) for at in range(plan.processes)]
    assert sum(map(len, users_of)) == with_work
    assert {len(users) for users in users_of[:-1]} <= {users_per_process}
    for copy in range(clones):
        places = slice(copy * one.operations, (copy + 1) * one.operations)
        lanes = slice(copy * one.lanes, (copy + 1) * one.lanes)
        assert plan.row[places].tolist() == one.row.tolist()
        assert (plan.lane_user[lanes] - one.lane_user == copy * len(load.users)).all()
        assert plan.lane_number[lanes].tolist() == one.lane_number.tolist()
        assert (plan.lane_start[lanes] - one.lane_start[:-1] == copy * one.operations).all()
        if one.intended_ns is not None:
            assert plan.intended_ns is not None
            later_ns = plan.intended_ns[places] - one.intended_ns
            assert set(later_ns.tolist()) == {copy * stagger_ns}
        if one.think_ns is not None:
            assert plan.think_ns is not None
            later_ns = plan.think_ns[places] - one.think_ns
            first = one.lane_start[:-1]
            assert set(later_ns[first].tolist()) == {copy * stagger_ns}
            assert not np.delete(later_ns, first).any()
    found = edges(one)
    assert edges(plan) == [
        (place + copy * one.operations, lane + copy * one.lanes, count)
        for copy in range(clones)
        for place, lane, count in found
    ]


@given(loads(), st.integers(1, 50), st.sampled_from([0.3, 1, 7]))
@settings(max_examples=100, deadline=None)
def test_the_last_clone_begins_before_the_first_has_issued_its_second_by_default(load, clones, speed):
    plan = plan_run(load.workload, load.users, speed=speed)
    stagger_ns = default_stagger_ns(plan, clones)
    assert stagger_ns >= 0
    if plan.operations > 1:
        assert plan.intended_ns is not None
        mean_ns = plan.intended_ns.max() / (plan.operations - 1)
        assert clones * stagger_ns <= mean_ns < clones * (stagger_ns + 1) + 1
    else:
        assert stagger_ns == 0


@given(loads(), st.integers(1, 3), st.integers(1, 4), st.sampled_from(Pace))
@settings(max_examples=100, deadline=None)
def test_every_loop_is_the_clones_again_with_all_their_edges(load, clones, loops, pace):
    many = clone(plan_run(load.workload, load.users, pace=pace), clones)
    begins = [1000 * number for number in range(loops)]
    plan = loop(many, begins)
    assert plan.users == many.users
    assert plan.copies == clones * loops
    assert plan.processes == many.processes
    assert edges(plan) == [
        (place + turn * many.operations, lane + turn * many.lanes, count)
        for turn in range(loops)
        for place, lane, count in edges(many)
    ]
    for turn in range(loops):
        lanes = slice(turn * many.lanes, (turn + 1) * many.lanes)
        assert plan.lane_user[lanes].tolist() == many.lane_user.tolist()
        assert plan.lane_process[lanes].tolist() == many.lane_process.tolist()
        if loops > 1:
            assert plan.lane_begin_ns is not None
            assert set(plan.lane_begin_ns[lanes].tolist()) == {begins[turn]}
