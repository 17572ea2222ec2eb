"""From the log's readings to intended, ready, lateness and order."""

from __future__ import annotations

import dataclasses
from random import Random

import numpy as np
import pytest
from helpers.load import CREATE, OPEN, READ, Load
from hypothesis import given, settings
from hypothesis import strategies as st

from smbench import arrays
from smbench.plan import Pace, plan_run
from smbench.runner.timing import Timing, timing
from smbench.workload.calls import Create, Notify, Open
from smbench.workload.model import Break

START = 1_000_000


def timed(load: Load, readings: dict[int, tuple[int, int]], pace: Pace = Pace.ORIGINAL):
    """The timing by row, where `readings` are (issued, completed) of the rows that were executed."""
    plan = plan_run(load.workload, load.users, pace=pace)
    records = np.zeros((plan.operations, 3), np.int64)
    place_of_row = plan.row.argsort()
    for row, (issued, completed) in readings.items():
        records[place_of_row[row]] = [START + issued, 0, START + completed]
    result = timing(plan, records, START, np.zeros(plan.operations, bool))
    return result, lambda values: values[place_of_row].tolist()


def two_lanes() -> Load:
    load = Load(step_ns=1000)
    load.opens(0, 1, "x", CREATE)  # row 0, due at 0
    load.opens(1, 2, "x")  # row 1, due at 1000, waits for row 0
    load.reads(1, 2)  # row 2, due at 2000, after row 1 in its lane
    return load


def test_dependency_and_lane_hold_back_and_only_the_rest_is_lateness():
    result, by_row = timed(two_lanes(), {0: (10, 5000), 1: (5070, 9000), 2: (9300, 9400)})
    assert by_row(result.intended_ns) == [0, 1000, 2000]
    assert by_row(result.ready_ns) == [0, 5000, 9000]
    assert by_row(result.lateness_ns()) == [10, 70, 300]
    assert by_row(result.held_ns()) == [0, 4000, 7000]
    assert by_row(result.service_ns()) == [4990, 3930, 100]
    assert by_row(result.response_ns()) == [5000, 8000, 7400]
    assert (result.violated, result.released) == (0, 0)


def test_without_a_pace_an_operation_was_intended_when_it_was_ready():
    result, by_row = timed(two_lanes(), {0: (10, 5000), 1: (5070, 9000), 2: (9300, 9400)}, Pace.FAST)
    assert by_row(result.intended_ns) == [0, 5000, 9000]
    assert by_row(result.held_ns()) == [0, 0, 0]
    assert by_row(result.response_ns()) == [5000, 4000, 400]


def test_a_broken_edge_is_seen_in_the_log():
    result, _ = timed(two_lanes(), {0: (10, 5000), 1: (4999, 9000)})
    assert result.violated == 1


def test_who_went_on_without_what_it_waited_for_is_counted():
    result, by_row = timed(two_lanes(), {1: (1000, 1100), 2: (2000, 2100)})
    assert (result.violated, result.released) == (0, 1)
    assert by_row(result.executed) == [False, True, True]


def test_a_lane_that_thinks_is_not_late_and_thinking_goes_on_while_it_waits_for_others():
    readings = {0: (10, 5000), 1: (5070, 9000), 2: (9800, 9900)}
    result, by_row = timed(two_lanes(), readings, Pace.THINK)
    assert by_row(result.ready_ns) == [0, 5000, 9000]
    assert by_row(result.intended_ns) == [0, 5000, 9500]
    assert by_row(result.lateness_ns()) == [10, 70, 300]


@pytest.mark.parametrize("pace", list(Pace))
@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 1 << 30), size=st.integers(1, 9))
def test_in_blocks_it_is_what_it_is_at_once(pace: Pace, seed: int, size: int) -> None:
    random = Random(seed)
    load = Load()
    for number in range(12):
        load.opens(number % 2, number, f"f{random.randrange(4)}", CREATE, lane=random.randrange(3))
    plan = plan_run(load.workload, load.users, pace=pace)
    records = np.array([[START + random.randrange(9000), 0, 0] for _ in range(plan.operations)], np.int64)
    records[:, 2] = [random.choice([0, issued + random.randrange(9000)]) for issued in records[:, 0].tolist()]
    skipped = np.array([random.random() < 0.1 for _ in range(plan.operations)])
    at_once = timing(plan, records, START, skipped)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(arrays, "BLOCK", size)
        in_blocks = timing(plan, records, START, skipped)
    for field in dataclasses.fields(Timing):
        one, other = getattr(at_once, field.name), getattr(in_blocks, field.name)
        assert np.array_equal(one, other), field.name


def told_late() -> Load:
    load = Load(step_ns=1000)
    load.add(0, Open(1, "x", Create(READ, 7, OPEN, 0, 0, 0xFF, 3), granted=3))
    load.opens(1, 2, "x")  # row 1
    load.writes(1, 2)  # row 2, due at 2000
    load.breaks.append(Break(1, 2200, 0, -1))
    load.closes(0, 1)  # row 3, due at 3000, held for 800 after row 2
    return load


@pytest.mark.parametrize(("pace", "held"), [(Pace.ORIGINAL, 4800), (Pace.FAST, 0)])
def test_who_is_held_after_what_it_waits_for_was_ready_then(pace, held):
    result, by_row = timed(told_late(), {0: (0, 50), 1: (1000, 1100), 2: (2000, 7000), 3: (7830, 7900)}, pace)
    assert by_row(result.ready_ns)[3] == 7800
    assert by_row(result.lateness_ns())[3] == 30
    assert by_row(result.held_ns())[3] == held


def watched() -> Load:
    load = Load(step_ns=1000)
    load.opens(0, 1, "d")  # row 0, due at 0
    load.add(0, Notify(1, 3, False), lane=1, takes_ns=1500)  # row 1, due at 1000
    load.opens(1, 2, "d/f", CREATE)  # row 2, due at 2000, after row 1 is armed
    load.closes(0, 1)  # row 3, due at 3000, after row 1 is answered
    return load


def test_who_waited_briefly_was_ready_when_the_notification_was_issued_or_answered():
    result, by_row = timed(watched(), {0: (0, 100), 1: (5000, 7500), 2: (5010, 6000), 3: (7520, 7600)})
    assert by_row(result.ready_ns)[2:] == [5000, 7500]
    assert by_row(result.lateness_ns()) == [0, 4000, 10, 20]
    assert by_row(result.held_ns()) == [0, 0, 3000, 4500]
    assert result.violated == 0


def test_who_waited_for_one_in_vain_was_late_by_the_harness_own_doing():
    result, by_row = timed(watched(), {0: (0, 100), 1: (1000, 90_000), 2: (2000, 2500), 3: (9000, 9100)})
    assert by_row(result.lateness_ns())[3] == 6000
    assert by_row(result.held_ns())[3] == 0
    assert result.violated == 0
