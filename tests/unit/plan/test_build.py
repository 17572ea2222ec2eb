"""Placement and times."""

from __future__ import annotations

import numpy as np
from helpers.load import Load

from smbench.plan import Pace, plan_run
from smbench.workload.model import Workload
from smbench.workload.store import read, write


def mixed() -> Load:
    load = Load(users=["alice", "bob", "silent", "carol"], step_ns=2000)
    for turn in range(9):
        user = (0, 1, 3)[turn % 3]
        load.opens(user, turn, f"f{turn}", lane=turn % 2)
    return load


def test_rows_are_placed_lane_by_lane_in_order_of_arrival():
    load = mixed()
    plan = plan_run(load.workload, load.users)
    assert sorted(plan.row.tolist()) == list(range(9))
    for lane in range(plan.lanes):
        rows = plan.row[plan.lane_start[lane] : plan.lane_start[lane + 1]]
        assert (np.diff(rows) > 0).all()
        owners = {(load.operations[row].user, load.operations[row].lane) for row in rows}
        assert owners == {(plan.lane_user[lane], plan.lane_number[lane])}


def test_one_process_a_user_with_work_or_several_users_in_one():
    load = mixed()
    alone = plan_run(load.workload, load.users)
    assert alone.processes == 3
    assert [list(alone.lanes_of(process)) for process in range(3)] == [[0, 1], [2, 3], [4, 5]]
    together = plan_run(load.workload, load.users, users_per_process=2)
    assert together.processes == 2
    assert together.lane_process.tolist() == [0, 0, 0, 0, 1, 1]


def test_the_original_pace_begins_with_the_first_arrival_and_is_divided_by_the_speed():
    load = Load(now_ns=7_000_000)
    for turn in range(3):
        load.opens(0, turn, "x")
    plan = plan_run(load.workload, load.users, pace=Pace.ORIGINAL, speed=2.0)
    assert plan.intended_ns is not None
    assert plan.intended_ns.tolist() == [0, 500, 1000]
    assert plan_run(load.workload, load.users, pace=Pace.FAST).intended_ns is None


def test_thinking_is_the_time_since_the_lanes_last_answer():
    load = Load()
    load.opens(0, 1, "x", takes_ns=300, at_ns=5000)
    load.opens(1, 2, "y", takes_ns=900, at_ns=6000)
    load.opens(0, 3, "z", takes_ns=None, at_ns=7000)
    load.opens(1, 4, "z", takes_ns=10, at_ns=6900)
    plan = plan_run(load.workload, load.users, pace=Pace.THINK, speed=2.0)
    assert plan.think_ns is not None
    assert plan.intended_ns is None
    assert plan.think_ns.tolist() == [0, 850, 500, 0]


def test_a_stored_workload_gives_the_same_plan(tmp_path):
    load = mixed()
    load.opens(1, 100, "f0", 2)
    load.writes(1, 100)
    load.closes(1, 100)
    write(tmp_path / "w", load.workload)
    one = plan_run(load.workload, load.users)
    other = plan_run(read(tmp_path / "w"), load.users)
    assert one.row.tolist() == other.row.tolist()
    assert one.waits.place.tolist() == other.waits.place.tolist() != []
    assert one.waits.count.tolist() == other.waits.count.tolist()


def test_nothing_to_do_is_a_plan_too():
    plan = plan_run(Workload(Load().workload.info, [], []), ["alice"])
    assert (plan.operations, plan.processes, plan.lanes) == (0, 0, 0)
