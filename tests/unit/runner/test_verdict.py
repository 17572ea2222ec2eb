"""What the verdict follows from: the time after the warm-up, of the machine as of the operations."""

from __future__ import annotations

import numpy as np
from helpers.executors import lacking
from helpers.load import Load

from smbench.measure.oplog import COMPLETED
from smbench.measure.validity import RunFacts, judge
from smbench.plan import Pace, plan_run
from smbench.run.histogram import Histogram
from smbench.run.model import MACHINE
from smbench.runner.call_file import stored
from smbench.runner.expectations import Expectations
from smbench.runner.pool import Ending
from smbench.runner.statistics import Counted
from smbench.runner.tally import Tally
from smbench.runner.timing import timing
from smbench.runner.verdict import facts_of, overdue
from smbench.workload.calls import SetAllocation, Stat

S = 1_000_000_000
START = 5 * S


def facts(cpu_percent: list[float], warm_up_s: int, end_s: int) -> RunFacts:
    """Of a run of an operation a second, each as its second begins; samples end with each second."""
    load = Load(["alice"], step_ns=S)
    for _ in range(end_s):
        load.add(0, Stat(""))
    plan = plan_run(load.workload, load.users)
    records = np.array([(START + at * S, 0, START + (at + 1) * S) for at in range(end_s)], np.int64)
    times = timing(plan, records, START, np.zeros(plan.operations, bool))
    rows = [
        {"time_ns": (at + 1) * S, "process": MACHINE, "cpu_percent": percent, "steal_percent": 0.0,
         "available_percent": 50.0, "swapped_bytes": 0}
        for at, percent in enumerate(cpu_percent)
    ]  # fmt: skip
    every = {measure: Histogram() for measure in ("lateness", "response")}
    tally = Tally(planned=end_s, executed=end_s, measured=end_s - warm_up_s)
    return facts_of(
        plan, Ending(start_ns=START), times, tally, every, rows, Counted(waited_ns=0), warm_up_s * S
    )


def test_a_busy_warm_up_is_no_reason():
    assert not judge(facts([99.0] * 5 + [10.0] * 15, 0, 20)).valid
    assert judge(facts([99.0] * 5 + [10.0] * 15, 5, 20)).valid


def test_a_quiet_warm_up_does_not_hide_what_came_after_it():
    assert judge(facts([10.0] * 40 + [99.0] * 2 + [10.0] * 2, 0, 44)).valid
    found = judge(facts([10.0] * 40 + [99.0] * 2 + [10.0] * 2, 40, 44))
    assert "busy for 2.0 of 4.0 s" in found.reasons[0]


def test_a_sample_that_the_warm_up_ends_in_counts_for_what_is_left_of_it():
    assert facts([50.0] * 4, 0, 4).sample_s == [1.0] * 4
    assert facts([50.0] * 4, 3, 4).sample_s == [0.0, 0.0, 0.0, 1.0]
    assert facts([50.0] * 6, 2, 4).sample_s == [0.0, 0.0, 1.0, 1.0, 0.0, 0.0]


def test_the_percentile_is_that_of_what_was_measured():
    assert facts([10.0], 0, 100).percentile == 90
    assert facts([10.0], 1, 100).percentile == 50


def test_overdue_is_what_was_due_when_the_run_was_stopped_and_is_missing(tmp_path):
    load = Load(["alice"], step_ns=S)
    for _ in range(5):
        load.add(0, Stat(""))
    load.add(0, SetAllocation(1, 5))
    load.add(0, Stat(""))
    records = np.zeros((7, 3), np.int64)
    records[:2, COMPLETED] = START + S
    for pace, stopped_s, missing in (
        (Pace.ORIGINAL, 1.5, 0), (Pace.ORIGINAL, 2.005, 0), (Pace.ORIGINAL, 2.02, 1), (Pace.ORIGINAL, 4.5, 3),
        (Pace.ORIGINAL, 5.5, 3), (Pace.ORIGINAL, 60, 4), (Pace.FAST, 60, 0), (Pace.THINK, 60, 0),
    ):  # fmt: skip
        plan = plan_run(load.workload, load.users, pace=pace)
        known = Expectations(stored(load.workload, tmp_path), plan, lacking(SetAllocation))
        ending = Ending(start_ns=START, stopped="deadline", stopped_ns=START + int(stopped_s * S))
        assert overdue(plan, ending, records, known) == missing, (pace, stopped_s)
    assert overdue(plan, Ending(start_ns=START), records, known) == 0
