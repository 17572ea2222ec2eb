"""Plans of random workloads: every edge that the meaning of the calls asks for holds, under any schedule."""

from __future__ import annotations

import random

import numpy as np
from helpers.load import Load, all_before, stored_edges
from helpers.schedules import loads, must_hold, place_of_row, same_handle, simulate, without_renames
from hypothesis import given, settings
from hypothesis import strategies as st

from smbench.measure.oplog import COMPLETED, ISSUED
from smbench.plan import Pace, Plan, plan_run


def planned(load: Load) -> Plan:
    return plan_run(load.workload, load.users, pace=Pace.FAST)


@given(loads())
@settings(max_examples=150, deadline=None)
def test_all_that_must_hold_is_in_the_plan(load: Load) -> None:
    before = all_before(planned(without_renames(load)))
    missing = [(earlier, later) for earlier, later in must_hold(load) if earlier not in before[later]]
    assert missing == []


@given(loads())
@settings(max_examples=150, deadline=None)
def test_edges_run_from_earlier_to_later_between_lanes_and_none_is_stored_twice(load: Load) -> None:
    plan = planned(load)
    lane_of_row = plan.lanes_at(np.arange(plan.operations))[plan.row.argsort()]
    found = stored_edges(plan)
    assert len(set(found)) == len(found)
    for earlier, later in found:
        assert earlier < later
        assert lane_of_row[earlier] != lane_of_row[later]


@given(loads())
@settings(max_examples=150, deadline=None)
def test_what_overlapped_waits_only_for_an_open_or_in_a_close(load: Load) -> None:
    for earlier, later in stored_edges(planned(load)):
        one, other = load.operations[earlier], load.operations[later]
        done = one.arrival_ns + one.service_ns <= other.arrival_ns
        assert done or same_handle(one, other)


@given(loads())
@settings(max_examples=100, deadline=None)
def test_no_stored_edge_is_implied_by_what_its_lane_waited_for_before(load: Load) -> None:
    plan = planned(load)
    known: dict[tuple[int, int], int] = {}
    lane_of_place = plan.lanes_at(np.arange(plan.operations))
    waits = plan.waits
    for place, lane, count in zip(waits.place, waits.lane, waits.count, strict=True):
        waiter = int(lane_of_place[place])
        assert count > known.get((waiter, int(lane)), 0)
        known[waiter, int(lane)] = int(count)


@given(loads(most=60), st.integers(0, 1 << 32))
@settings(max_examples=100, deadline=None)
def test_a_random_schedule_breaks_no_edge_and_does_not_deadlock(load: Load, seed: int) -> None:
    plan = planned(without_renames(load))
    by_row = simulate(plan, random.Random(seed))[place_of_row(plan)]
    assert by_row[:, COMPLETED].all()
    for earlier, later in must_hold(load):
        assert by_row[earlier, COMPLETED] <= by_row[later, ISSUED]
