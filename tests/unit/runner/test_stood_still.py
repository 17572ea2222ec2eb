"""What standstills mean for a run: who, when, how long, and which operations they touched."""

from __future__ import annotations

import numpy as np
import pytest
from helpers.load import Load

from smbench.measure.standstill import CONTROLLER, ClockStep, Gap
from smbench.plan import plan_run
from smbench.runner.harness import Fared, shifted, together
from smbench.runner.heartbeat import InFlight
from smbench.runner.stood_still import Verdict, stood_still
from smbench.runner.timing import timing
from smbench.workload.calls import Stat

S = 1_000_000_000
START = 100 * S
SECONDS = 10


def judged(fared: Fared, warm_up_s: int = 0, whole: bool = True) -> Verdict:
    """Two users, a worker each: an operation at each second, which takes a tenth of it."""
    load = Load()
    for second in range(SECONDS):
        for user in range(2):
            load.add(user, Stat(""), at_ns=second * S, takes_ns=S // 10)
    plan = plan_run(load.workload, load.users)
    assert plan.intended_ns is not None
    issued = START + plan.intended_ns
    records = np.stack([issued, np.zeros_like(issued), issued + S // 10], axis=1)
    times = timing(plan, records, START, np.zeros(plan.operations, bool))
    return stood_still(plan, fared, START, times, warm_up_s * S, whole)


def gap(process: int, begin_s: float, end_s: float) -> Gap:
    return Gap(process, START + round(begin_s * S), START + round(end_s * S))


def test_nothing_seen_is_nothing_said():
    found = judged(Fared())
    assert (found.told.seconds, found.told.periods, found.sentences, found.apart) == (0, (), [], None)


def test_what_was_due_or_in_flight_is_apart_of_the_workers_that_stood_still():
    found = judged(Fared([gap(1, 2.05, 4.5)]))
    (period,) = found.told.periods
    assert (period.who, period.controller, period.workers) == ("worker 1 (bob)", False, (1,))
    assert (period.at_s, round(period.lasted_s, 2), period.operations) == (2.05, 2.45, 3)
    # In flight at second 2, due at 3 and 4; of bob alone.
    assert found.apart is not None
    assert np.flatnonzero(found.apart).tolist() == [12, 13, 14]
    assert found.sentences == [
        "the harness stood still for 2.45 s, from 2.05 s after the start on: worker 1 (bob); "
        "3 operations were due or in flight meanwhile, and in no time"
    ]


@pytest.mark.parametrize(
    ("gaps", "who"),
    [
        ([gap(CONTROLLER, 2, 4)], ["the controller"]),
        ([gap(CONTROLLER, 2, 4), gap(0, 2.1, 4.1), gap(1, 1.9, 4)], ["the controller and all 2 workers"]),
        ([gap(0, 2, 4), gap(1, 3, 5)], ["all 2 workers"]),
        ([gap(1, 6, 8), gap(0, 2, 4)], ["worker 0 (alice)", "worker 1 (bob)"]),
    ],
)
def test_gaps_that_overlap_are_one_period(gaps, who):
    assert [period.who for period in judged(Fared(gaps)).told.periods] == who


def test_a_controller_alone_touches_nothing_and_says_so():
    found = judged(Fared([gap(CONTROLLER, 2, 4)]))
    assert found.told.operations == 0
    assert found.sentences == ["the harness stood still for 2 s, from 2 s after the start on: the controller"]


def test_an_operation_of_two_periods_counts_once():
    found = judged(Fared([gap(0, 2.01, 2.03), gap(0, 2.05, 2.07)]))
    assert [period.operations for period in found.told.periods] == [1, 1]
    assert found.told.operations == 1


def test_what_belongs_to_the_warm_up_is_counted_there():
    found = judged(Fared([gap(0, 0.5, 5.5)]), warm_up_s=3)
    assert found.told.operations == found.told.periods[0].operations == 3


def test_before_the_start_and_after_the_end_nobody_stands_still():
    outside = [gap(0, -9, -1), gap(1, 9.5, 20)]
    assert judged(Fared(outside)).told.periods == ()
    # Who was stopped has not come to an end.
    assert len(judged(Fared(outside), whole=False).told.periods) == 1
    assert judged(Fared([gap(0, -5, 2)])).told.periods[0].at_s == 0


def test_a_machine_that_slept_touches_what_was_in_flight():
    found = judged(Fared(steps=[ClockStep(START + 3 * S + S // 20, 30 * S, suspended=True)]))
    (period,) = found.told.periods
    assert (period.who, period.cause, period.lasted_s, period.operations) == ("the machine", "suspend", 30, 2)
    assert found.sentences[0].startswith(
        "the machine was suspended for 30 s, from 2.85 s after the start on; 2 "
    )


def test_a_clock_that_was_set_is_a_reason_and_touches_nothing():
    found = judged(Fared(steps=[ClockStep(START + 3 * S, -2 * S, suspended=False)]))
    assert [(one.at_s, one.by_s) for one in found.clocks] == [(3, -2)]
    assert found.sentences == ["the system's clock was set back by 2 s, 3 s after the start"]
    assert found.apart is None


def test_what_was_seen_of_a_later_loop_lies_later():
    seen = Fared([Gap(0, 1, 2)], [ClockStep(5, 7, suspended=False)], [InFlight(1, 2, 3, 4)])
    later = shifted(seen, 100, places=10, lanes=2)
    assert later == Fared(
        [Gap(0, 101, 102)], [ClockStep(105, 7, suspended=False)], [InFlight(3, 12, 103, 104)]
    )
    assert together([seen, later]).gaps == [Gap(0, 1, 2), Gap(0, 101, 102)]
