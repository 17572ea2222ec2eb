"""What the parent sees of a run: each record once, in whatever order lanes come, times as in the end."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from helpers.executors import lacking
from helpers.load import CREATE, Load
from hypothesis import given, settings
from hypothesis import strategies as st

from smbench.plan import Pace, plan_run
from smbench.plan.model import Lags
from smbench.run.histogram import Histogram
from smbench.runner.call_file import KINDS, stored
from smbench.runner.expectations import Expectations
from smbench.runner.heartbeat import Heartbeats
from smbench.runner.timing import timing
from smbench.runner.watch import InFlightView, Observer
from smbench.smb2.ntstatus import Status, outcome_of
from smbench.workload.calls import Read

START = 1_000_000_000
NOT_FOUND, ACCESS_DENIED = Status.OBJECT_NAME_NOT_FOUND, Status.ACCESS_DENIED


def load(lanes: int, length: int) -> Load:
    made = Load(step_ns=1_000_000)
    for lane in range(lanes):
        for turn in range(length):
            handle = lane * length + turn
            made.opens(lane % 2, handle, f"f{handle}" if lane else "f0", CREATE, lane=lane // 2)
            made.reads(lane % 2, handle, lane=lane // 2)
            made.closes(lane % 2, handle, lane=lane // 2)
    return made


def setting(lanes: int, length: int, pace: Pace = Pace.FAST, told: Load | None = None, unsupported=()):
    told = told or load(lanes, length)
    plan = plan_run(told.workload, told.users, pace=pace)
    records = np.zeros((plan.operations, 3), np.int64)
    with TemporaryDirectory() as folder:
        expectations = Expectations(stored(told.workload, Path(folder)), plan, lacking(*unsupported))
    return plan, records, expectations


def observer(plan, records, expectations, warm_up_ns=0) -> Observer:
    return Observer(plan, records, expectations, warm_up_ns)


def test_a_second_shows_what_has_come_since_the_last_look():
    plan, records, known = setting(lanes=2, length=4)
    seen = observer(plan, records, known)
    records[0] = (START, 0, START + 2_000_000)
    records[1] = (START + 2_000_000, 7, START + 5_000_000)
    first = seen.look(START, START + 1_000_000_000)
    assert (first.done, first.planned, first.per_s, first.errors) == (2, 24, 2.0, 0)
    assert [(kind.kind, kind.count, kind.lately) for kind in first.kinds] == [("Open", 1, 1), ("Read", 1, 1)]
    assert first.kinds[0].p50_ns == pytest.approx((2_000_000, 2_000_000), rel=1e-3)
    assert first.left_s == pytest.approx(11.0)
    records[2] = (START + 5_000_000, 0, START + 6_000_000)
    second = seen.look(START, START + 1_500_000_000)
    assert (second.done, second.per_s, second.errors) == (3, 2.0, 0)
    open_view = second.kinds[0]
    assert (open_view.count, open_view.lately, open_view.p50_ns[0]) == (1, 0, 0)
    assert open_view.p50_ns[1] == pytest.approx(2_000_000, rel=1e-3)


def test_users_run_until_all_their_lanes_are_through():
    plan, records, known = setting(lanes=3, length=1)
    seen = observer(plan, records, known)
    assert seen.look(START, START + 1).users_running == 2
    mine = plan.lane_user[plan.lanes_at(np.arange(plan.operations))] == 0
    records[mine] = (START, 0, START + 10)
    assert seen.look(START, START + 2).users_running == 1
    records[~mine] = (START, 0, START + 10)
    view = seen.look(START, START + 3)
    assert (view.users_running, view.done, view.left_s) == (0, 9, 0.0)


def test_what_the_executor_does_not_carry_out_is_passed_over():
    plan, records, known = setting(lanes=1, length=3, unsupported=[Read])
    seen = observer(plan, records, known)
    for place in np.flatnonzero(known.kinds(slice(None)) != KINDS.index(Read)):
        records[place] = (START + place, 0, START + place + 1)
    view = seen.look(START, START + 1_000_000_000)
    assert (view.done, view.every.count) == (9, 6)


def test_a_failure_that_the_capture_had_too_is_no_error_and_counts_to_its_kind():
    told = Load(step_ns=1_000_000)
    told.opens(0, 1, "a", expected=NOT_FOUND)
    told.opens(0, 2, "b", expected=NOT_FOUND)
    told.opens(0, 3, "c")
    told.opens(0, 4, "d", expected=None)
    plan, records, known = setting(1, 1, told=told)
    seen = observer(plan, records, known)
    outcomes = [
        outcome_of(NOT_FOUND),
        outcome_of(ACCESS_DENIED),
        outcome_of(NOT_FOUND),
        outcome_of(NOT_FOUND),
    ]
    records[:] = [(START, outcome, START + 1000) for outcome in outcomes]
    view = seen.look(START, START + 10)
    assert view.errors == 1
    # The second failed otherwise than in the capture, the third did not there, and of the last nobody knows.
    assert view.every.count == 1
    assert [(kind.kind, kind.count) for kind in view.kinds] == [("Open", 1)]
    assert view.per_s == 1e8


@pytest.mark.parametrize("pace", list(Pace))
def test_what_warms_up_is_done_and_may_fail_and_has_no_time(pace):
    plan, records, known = setting(lanes=1, length=2, pace=pace)
    seen = observer(plan, records, known, warm_up_ns=3_000_000)
    records[:4] = [(START + at * 1_000_000, -2 * (at < 2), START + 500_000_000) for at in range(4)]
    view = seen.look(START, START + 1_000_000)
    assert (view.done, view.per_s, view.errors) == (4, 2000, 2)
    assert (view.every.count, view.every.lately) == (1, 1)
    assert view.warm_up_left_s == 0.002
    assert seen.look(START, START + 4_000_000).warm_up_left_s == 0


def test_a_run_by_the_clock_has_left_what_the_plan_has():
    plan, records, known = setting(lanes=1, length=4, pace=Pace.ORIGINAL)
    view = observer(plan, records, known).look(START, START + 3_000_000)
    assert view.left_s == pytest.approx(0.008)


@pytest.mark.parametrize("pace", list(Pace))
@settings(max_examples=8, deadline=None)
@given(st.integers(0, 1 << 30))
def test_every_record_is_seen_once_however_often_it_is_looked(pace, seed):
    random = Random(seed)
    plan, records, known = setting(lanes=4, length=12, pace=pace)
    held = sorted(random.sample(range(plan.operations), 9))
    plan = replace(plan, lags=Lags(np.array(held), np.full(9, 3_000_000)))
    lengths = np.diff(plan.lane_start).tolist()
    done = [0] * plan.lanes
    seen, at_the_end = observer(plan, records, known), observer(plan, records, known)
    now, lately = START, 0
    while open_lanes := [lane for lane in range(plan.lanes) if done[lane] < lengths[lane]]:
        lane = random.choice(open_lanes)
        for _ in range(random.randint(1, min(20, lengths[lane] - done[lane]))):
            issued = now + random.randint(1, 5_000_000)
            now = issued + random.randint(1, 5_000_000)
            records[plan.lane_start[lane] + done[lane]] = (issued, 0, now)
            done[lane] += 1
        view = seen.look(START, now)
        lately += view.every.lately
        assert view.done == sum(done)
    assert lately == view.every.count == plan.operations
    assert sum(kind.count for kind in view.kinds) == plan.operations
    in_the_end = timing(plan, records, START, np.zeros(plan.operations, bool))
    assert view.every.p99_ns[1] == p99(in_the_end.service_ns())
    late_ns = np.maximum(in_the_end.lateness_ns(), 0)
    assert at_the_end.look(START, now).lateness_p99_ns == (p99(late_ns), p99(late_ns))


def p99(values_ns) -> int:
    histogram = Histogram()
    histogram.record(values_ns)
    return histogram.percentile_ns(99)


def test_where_all_that_is_left_is_overdue_nobody_knows_how_long_it_takes():
    plan, records, known = setting(lanes=1, length=1, pace=Pace.ORIGINAL)
    seen = observer(plan, records, known)
    assert seen.look(START, START).left_s == pytest.approx(0.002)
    assert seen.look(START, START + 1_000_000_000).left_s is None
    records[:] = (START, 0, START + 1)
    assert seen.look(START, START + 2_000_000_000).left_s == 0


def test_the_call_that_is_out_for_longest_is_shown_and_who_gives_no_sign_of_life(tmp_path):
    plan, records, known = setting(lanes=2, length=2)
    beats = Heartbeats(tmp_path / "beats", plan.processes, plan.lanes)
    seen = Observer(plan, records, known, beats=beats)
    second = 1_000_000_000
    assert seen.look(START, START + second).longest is None
    beats.beat(0, START + 8 * second, None)
    beats.beat(1, START + second, None)
    beats.fly(0, 0, START + 7 * second)
    beats.fly(1, int(plan.lane_start[1]), START + 3 * second)
    view = seen.look(START, START + 8 * second)
    assert view.longest == InFlightView("Open", "bob", 5.0)
    assert view.standing_still == ["bob"]
    records[plan.lane_start[1]] = (START + 3 * second, 0, START + 8 * second)
    assert seen.look(START, START + 8 * second).longest == InFlightView("Open", "alice", 1.0)
