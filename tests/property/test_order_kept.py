"""No edge is ever broken, at any speed: real workers and simulated ones, clones and loops; and the check that
every run makes of itself notices one that is."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest
from helpers import executors
from helpers.executors import Backwards, Uneven
from helpers.load import CREATE, OPEN, READ, Load
from helpers.ran import written
from helpers.schedules import loads, must_hold, place_of_row, random_load, simulate, without_renames
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from smbench.measure.oplog import COMPLETED, ISSUED
from smbench.plan import Pace, Plan, clone, plan_run
from smbench.plan.model import Waits
from smbench.runner.run import RunOptions, run
from smbench.runner.timing import timing
from smbench.workload.calls import Create, Open
from smbench.workload.model import Break

START = 1
"""As `simulate` has it."""


def planned(load: Load, pace: Pace = Pace.FAST) -> Plan:
    return plan_run(load.workload, load.users, pace=pace)


def violated(plan: Plan, records: NDArray[np.int64], start_ns: int = START) -> int:
    return timing(plan, records, start_ns, np.zeros(plan.operations, bool)).violated


def broken(plan: Plan, records: NDArray[np.int64]) -> int:
    """What `timing` counts with arrays, edge by edge."""
    count = 0
    for place, lane, number in zip(plan.waits.place, plan.waits.lane, plan.waits.count, strict=True):
        before = records[plan.lane_start[lane] + number - 1]
        count += bool(
            records[place, COMPLETED] and before[COMPLETED] and records[place, ISSUED] < before[COMPLETED]
        )
    return count


def without(plan: Plan, edge: int) -> Plan:
    """The plan without one of its edges: what a runner would do that forgets it."""
    waits = plan.waits
    kept = np.arange(len(waits)) != edge
    return replace(plan, waits=Waits(waits.place[kept], waits.lane[kept], waits.count[kept]))


@pytest.mark.long
@pytest.mark.parametrize("tens", range(10))
def test_100_random_schedules_and_worker_speeds_with_real_workers(tmp_path, monkeypatch, tens):
    executors.use(monkeypatch, Uneven)
    edges = 0
    for seed in range(10 * tens, 10 * tens + 10):
        dice = random.Random(seed)
        load = without_renames(random_load(dice, 60))
        plan = plan_run(
            load.workload, load.users, pace=dice.choice(list(Pace)), speed=dice.choice([0.5, 1, 100]),
            users_per_process=dice.choice([1, 1, 2, 3]),
        )  # fmt: skip
        result = run(plan, load.workload, RunOptions("uneven", [tmp_path] * len(load.users), seed=seed))
        result.close()
        assert not result.ending.messages
        assert result.records[:, COMPLETED].all(), seed
        assert violated(plan, result.records, result.ending.start_ns) == 0, seed
        by_row = result.records[place_of_row(plan)]
        held = list(must_hold(load))
        assert [(a, b) for a, b in held if by_row[b, ISSUED] < by_row[a, COMPLETED]] == [], seed
        edges += len(plan.waits)
    assert edges > 100


@pytest.mark.parametrize("pace", list(Pace))
def test_who_is_to_be_told_of_a_break_first_is_held_after_what_broke(tmp_path, monkeypatch, pace):
    executors.use(monkeypatch, Uneven)
    load = Load()
    load.add(0, Open(1, "f", Create(READ, 7, OPEN, 0, 0, 0xFF, 3), granted=3))
    load.opens(1, 2, "f")
    broke = load.writes(1, 2)
    load.breaks.append(Break(1, load.now_ns, 0, -1))
    closed = load.closes(0, 1, at_ns=load.now_ns + 5_000_000)
    plan = planned(load, pace)
    result = run(plan, load.workload, RunOptions("uneven", [tmp_path] * 2))
    result.close()
    by_row = result.records[place_of_row(plan)]
    assert by_row[closed, ISSUED] - by_row[broke, COMPLETED] >= 5_000_000


def handed_over() -> Load:
    load = Load(users=["alice", "bob"])
    load.opens(0, 1, "f", CREATE)
    load.opens(1, 2, "f", OPEN)
    return load


def test_a_run_that_forgets_an_edge_is_found_out(tmp_path, monkeypatch):
    """alice's call ends only when bob has begun: with the edge he may not, without it he does."""
    executors.use(monkeypatch, Backwards)
    load = handed_over()
    plan = planned(load)
    assert len(plan.waits) == 1
    result = run(without(plan, 0), load.workload, RunOptions("backwards", [tmp_path] * 2))
    assert violated(plan, result.records, result.ending.start_ns) == 1
    (tmp_path / "a.run").mkdir()
    document = written(replace(result, plan=plan), tmp_path / "a.run")
    assert document["order"] == {"edges_found": 1, "edges": 1, "violated": 1, "released": 0}
    assert not document["valid"]
    assert any("1 operations were issued before what they depend on" in why for why in document["reasons"])


@given(loads(), st.integers(0, 1 << 32))
@settings(max_examples=100, deadline=None)
def test_the_check_counts_what_is_broken_in_any_log(load: Load, seed: int) -> None:
    """Times at random, some operations never executed: most such logs break something."""
    plan = planned(load)
    dice = np.random.default_rng(seed)
    records = np.zeros((plan.operations, 3), np.int64)
    records[:, ISSUED] = START + dice.integers(0, 1000, plan.operations)
    records[:, COMPLETED] = records[:, ISSUED] + 1 + dice.integers(0, 100, plan.operations)
    records[dice.random(plan.operations) < 0.1] = 0
    assert violated(plan, records) == broken(plan, records)


def test_of_100_schedules_without_one_edge_the_check_finds_those_that_broke_it() -> None:
    found = 0
    for seed in range(100):
        dice = random.Random(seed)
        plan = planned(random_load(dice, 40))
        if not len(plan.waits):
            continue
        records = simulate(without(plan, dice.randrange(len(plan.waits))), dice)
        assert violated(plan, records) == broken(plan, records)
        found += violated(plan, records) > 0
    assert found > 20


@given(loads(), st.integers(1, 5), st.integers(0, 5000), st.sampled_from(Pace), st.integers(0, 1 << 32))
@settings(max_examples=100, deadline=None)
def test_clones_keep_the_order_each_by_itself(
    load: Load, clones: int, stagger_ns: int, pace: Pace, seed: int
) -> None:
    load = without_renames(load)
    one = planned(load, pace)
    plan = clone(one, clones, stagger_ns=stagger_ns)
    records = simulate(plan, random.Random(seed))
    assert records[:, COMPLETED].all()
    assert violated(plan, records) == 0
    held = list(must_hold(load))
    for copy in range(clones):
        by_row = records[place_of_row(plan) + copy * one.operations]
        assert all(by_row[a, COMPLETED] <= by_row[b, ISSUED] for a, b in held)


@given(loads(), st.integers(2, 4), st.integers(0, 1 << 32))
@settings(max_examples=100, deadline=None)
def test_an_edge_that_breaks_in_one_clone_is_counted_once(load: Load, clones: int, seed: int) -> None:
    plan = clone(planned(load), clones)
    assume(len(plan.waits))
    records = simulate(plan, random.Random(seed))
    edge = random.Random(seed).randrange(len(plan.waits))
    before = plan.lane_start[plan.waits.lane[edge]] + plan.waits.count[edge] - 1
    records[plan.waits.place[edge], ISSUED] = records[before, COMPLETED] - 1
    assert violated(plan, records) == broken(plan, records) >= 1
