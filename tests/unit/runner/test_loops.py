"""Loops that were carried out one by one, as one result."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
from helpers.load import Load
from helpers.schedules import loads, simulate
from hypothesis import given, settings
from hypothesis import strategies as st

from smbench.executors.registry import executor_class
from smbench.measure.oplog import COMPLETED, ISSUED, OUTCOME
from smbench.measure.resources import ResourceSampler
from smbench.plan import Pace, Plan, clone, plan_run
from smbench.run.model import MACHINE
from smbench.runner.loops import join_loops
from smbench.runner.pool import Ending
from smbench.runner.result import lasted_s
from smbench.runner.run import RunOptions, RunResult
from smbench.runner.timing import timing

PAUSE_NS = 10**12
"""Between two loops files are prepared: by the clock of the machine, a quarter of an hour."""


def carried_out(plan: Plan, dice: random.Random, number: int, done: float = 1.0, **ended) -> RunResult:
    """A loop that began a pause after the one before; of its operations a share was done."""
    records = simulate(plan, dice)
    records[:, OUTCOME] = number
    records[np.array([dice.random() >= done for _ in records], bool)] = 0
    start_ns = (number + 1) * PAUSE_NS
    records[records[:, COMPLETED] != 0] += [start_ns - 1, 0, start_ns - 1]
    sampler = ResourceSampler()
    sampler.rows = [{"time_ns": 5, "process": MACHINE}]
    ending = Ending(start_ns=start_ns, **ended)
    counted = [[{"users": {}, "lost": {}, "waited_ns": number}]]
    nobody_asks: Any = None  # for operations
    return RunResult(
        plan, RunOptions("null", []), ending, executor_class("null"), nobody_asks, records, sampler, counted,
        lasted_s(records, start_ns),
    )  # fmt: skip


@given(
    loads(),
    st.integers(1, 3),
    st.integers(2, 4),
    st.integers(0, 2),
    st.sampled_from(Pace),
    st.integers(0, 99),
)
@settings(max_examples=100, deadline=None)
def test_each_loop_lies_behind_the_one_before_and_is_as_it_was(load: Load, clones, ran, never, pace, seed):
    plan = clone(plan_run(load.workload, load.users, pace=pace), clones)
    dice = random.Random(seed)
    results = [carried_out(plan, dice, number, done=dice.choice([1, 1, 0.7])) for number in range(ran)]
    before = [result.records.copy() for result in results]
    whole = join_loops(results, ran + never)
    assert (whole.plan.loops, whole.loops) == (ran, ran + never)
    assert len(whole.records) == ran * plan.operations
    assert [documents[0]["waited_ns"] for documents in whole.statistics] == list(range(ran))
    parts = np.split(whole.records, ran)
    ends_ns = results[0].ending.start_ns
    for number, (part, was) in enumerate(zip(parts, before, strict=True)):
        done = was[:, COMPLETED] != 0
        assert ((part[:, COMPLETED] != 0) == done).all()
        assert (part[done, OUTCOME] == number).all()
        if not done.any():
            continue
        # No user's call of this loop begins before the last call of anybody in the one before has ended …
        assert part[done, ISSUED].min() >= ends_ns
        # … nor later after its beginning than it did: the clock stood still.
        shift_ns = part[done] - was[done]
        assert len(set(shift_ns[:, ISSUED].tolist()) | set(shift_ns[:, COMPLETED].tolist())) == 1
        assert part[done, ISSUED].min() - ends_ns == was[done, ISSUED].min() - results[number].ending.start_ns
        ends_ns = part[:, COMPLETED].max()


@given(loads(), st.integers(1, 3), st.integers(2, 4), st.sampled_from(Pace), st.integers(0, 99))
@settings(max_examples=100, deadline=None)
def test_what_was_broken_in_a_loop_is_broken_in_the_whole_and_nothing_else(
    load: Load, clones, loops, pace, seed
):
    plan = clone(plan_run(load.workload, load.users, pace=pace), clones)
    dice = random.Random(seed)
    results = [carried_out(plan, dice, number) for number in range(loops)]
    for result in results:
        for edge in range(len(plan.waits)):
            if dice.random() < 0.2:
                before = plan.lane_start[plan.waits.lane[edge]] + plan.waits.count[edge] - 1
                result.records[plan.waits.place[edge], ISSUED] = result.records[before, COMPLETED] - 1
    none = np.zeros(plan.operations, bool)
    each = [timing(plan, result.records, result.ending.start_ns, none) for result in results]
    whole = join_loops(results, loops)
    told = timing(whole.plan, whole.records, whole.ending.start_ns, np.tile(none, loops))
    assert told.violated == sum(one.violated for one in each)
    assert told.released == 0
    # Times of a loop count from its own beginning: what lies between is neither late nor held.
    for measure in ("service_ns", "response_ns", "lateness_ns", "held_ns"):
        apart = np.concatenate([getattr(one, measure)() for one in each])
        assert getattr(told, measure)().tolist() == apart.tolist()


def test_endings_come_together_and_one_loop_is_itself():
    load = Load()
    load.opens(0, 1, "f", 2)
    plan = plan_run(load.workload, load.users)
    dice = random.Random(1)
    first = carried_out(plan, dice, 0, lost={0: "killed"}, messages={0: "a"})
    second = carried_out(plan, dice, 1, killed=[1], messages={1: "b"}, stopped="SIGINT")
    assert join_loops([first], 1) is first
    whole = join_loops([first, second], 3)
    assert whole.ending.lost == {0: "killed"}
    assert whole.ending.killed == [1]
    assert whole.ending.messages == {0: "a", 1: "b"}
    assert (whole.ending.stopped, whole.ending.start_ns) == ("SIGINT", first.ending.start_ns)
    assert [row["time_ns"] for row in whole.sampler.rows] == [5, 5 + int(first.lasted_s * 1e9)]
