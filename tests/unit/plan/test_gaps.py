"""Stretches in which nothing happens: found, told, and shortened with all that comes after them."""

from __future__ import annotations

import numpy as np
import pytest
from helpers.load import CREATE, Load
from hypothesis import given
from hypothesis import strategies as st

from smbench.plan import Pace, find_gaps, plan_run
from smbench.plan.gaps import Gaps, closed, gaps_warning
from smbench.report.gaps import gaps_document
from smbench.workload.calls import Flush, Notify
from smbench.workload.store import StoredOperations, read, write

S = 1_000_000_000


def arrivals(*spans_s: tuple[float, float | None], call=None) -> Load:
    """Operations by (arrival, service) in seconds; None: never answered."""
    load = Load(["alice"])
    for at_s, takes_s in spans_s:
        load.add(0, Flush(1) if call is None else call, at_ns=int(at_s * S),
                 takes_ns=-1 if takes_s is None else int(takes_s * S))  # fmt: skip
    return load


def found(load: Load, longer_than_s: float = 60) -> list[tuple[float, float]]:
    gaps = find_gaps(load.workload.operations, int(longer_than_s * S))
    return [(begin / S, end / S) for begin, end in zip(gaps.begin_ns, gaps.end_ns, strict=True)]


def test_a_gap_begins_with_the_last_answer_and_ends_with_the_next_arrival():
    assert found(arrivals((5, 1), (10, 2), (100, 1), (161, 1))) == [(12, 100)]
    assert found(arrivals((5, 1), (10, 2), (72, 1))) == []
    assert found(arrivals((5, 1), (10, 2), (72.001, 1))) == [(12, 72.001)]


def test_nothing_before_the_first_and_after_the_last_is_a_gap():
    assert found(arrivals((7200, 1))) == []
    assert found(arrivals()) == []


def test_a_long_call_is_no_gap_and_one_without_an_answer_does_not_hide_any():
    assert found(arrivals((0, 3600), (3600, 1))) == []
    assert found(arrivals((0, 100), (50, 1), (130, 1))) == []
    assert found(arrivals((0, None), (3600, 1))) == [(0, 3600)]


def test_a_pending_notification_is_no_activity(tmp_path):
    load = Load(["alice"])
    load.add(0, Notify(1, 1, False, 100), takes_ns=3600 * S, at_ns=0)
    load.add(0, Flush(1), at_ns=3600 * S, takes_ns=0)
    assert found(load) == [(0, 3600)]
    write(tmp_path / "w", load.workload)
    stored = read(tmp_path / "w").operations
    assert isinstance(stored, StoredOperations)
    gaps = find_gaps(stored)
    assert (gaps.begin_ns.tolist(), gaps.end_ns.tolist()) == ([0], [3600 * S])


def test_gaps_over_batches_are_found(tmp_path):
    load = arrivals(*((at if at < 70_000 else at + 500, 0.5) for at in range(70_100)))
    write(tmp_path / "w", load.workload)
    stored = read(tmp_path / "w").operations
    assert find_gaps(stored).end_ns.tolist() == [70_500 * S]
    assert found(load) == [(69_999.5, 70_500)]


def test_a_plan_keeps_gaps_unless_they_are_closed():
    load = arrivals((5, 1), (10, 2), (3610, 1), (3700, 1), (3720, 1))
    kept = plan_run(load.workload, load.users)
    assert kept.intended_ns is not None
    assert (kept.intended_ns / S).tolist() == [0, 5, 3605, 3695, 3715]
    plan = plan_run(load.workload, load.users, close_gaps_ns=30 * S)
    assert plan.intended_ns is not None
    assert (plan.intended_ns / S).tolist() == [0, 5, 2 + 5 + 30, 1 + 37 + 30, 20 + 68]
    assert plan.closed == (3598 * S, 89 * S)
    assert kept.closed == ()


def test_what_arrives_in_a_gap_keeps_its_distance_from_the_end_as_far_as_there_is_room():
    gaps = Gaps(np.array([10, 200]), np.array([100, 300]))
    arrival = np.array([0, 10, 11, 91, 99, 100, 200, 201, 299, 300, 301])
    # To 10: 80 and 90 shorter.
    assert closed(gaps, 10, arrival).tolist() == [0, 10, 10, 11, 19, 20, 120, 120, 129, 130, 131]


def test_think_times_are_closed_too_and_a_fast_pace_has_none():
    load = arrivals((5, 1), (10, 2), (3610, 1))
    plan = plan_run(load.workload, load.users, pace=Pace.THINK, close_gaps_ns=30 * S)
    assert plan.think_ns is not None
    assert (plan.think_ns / S).tolist() == [0, 4, 30]
    assert plan_run(load.workload, load.users, pace=Pace.FAST, close_gaps_ns=30 * S).closed == ()


def test_the_speed_divides_what_is_left_of_a_gap():
    load = arrivals((0, 1), (3601, 1))
    plan = plan_run(load.workload, load.users, speed=2, close_gaps_ns=30 * S)
    assert plan.intended_ns is not None
    assert (plan.intended_ns / S).tolist() == [0, 15.5]


@given(
    st.lists(st.tuples(st.integers(0, 100), st.integers(-1, 100)), min_size=1, max_size=50),
    st.integers(0, 30),
)
def test_order_and_what_is_no_gap_stay_and_nothing_longer_is_left(steps, to_ns):
    load, now = Load(["alice"]), 0
    for step, takes_ns in steps:
        now += step
        load.add(0, Flush(1), at_ns=now, takes_ns=takes_ns)
    operations = load.workload.operations
    arrival_ns = np.array([one.arrival_ns for one in operations])
    gaps = find_gaps(operations, to_ns)
    after = closed(gaps, to_ns, arrival_ns)
    assert (np.diff(after) >= 0).all()
    assert arrival_ns[-1] - after[-1] == (gaps.length_ns - to_ns).sum()
    again = Load(["alice"])
    for one, at_ns in zip(operations, after.tolist(), strict=True):
        again.add(0, Flush(1), at_ns=at_ns, takes_ns=one.service_ns)
    assert len(find_gaps(again.workload.operations, to_ns)) == 0


def test_the_warning_names_the_longest_with_its_beginning_and_the_option():
    load = arrivals((5, 1), (6, 1), (7207, 1), (7300, 1))
    gaps = find_gaps(load.workload.operations)
    document = gaps_document(gaps)
    assert document == {
        "count": 2, "seconds": 7292.0,
        "longest": [{"from_s": 7.0, "lasts_s": 7200.0}, {"from_s": 7208.0, "lasts_s": 92.0}],
    }  # fmt: skip
    assert gaps_warning(gaps) == (
        "no operation for 2 h, from 7.000 s of the capture on (and 1 more such gap, 2.03 h in all): a replay "
        "waits through them, and --close-gaps SECONDS shortens them"
    )
    one = find_gaps(arrivals((0, 1), (90, 1)).workload.operations)
    assert gaps_warning(one) == (
        "no operation for 89 s, from 1.000 s of the capture on: a replay waits through it, and --close-gaps "
        "SECONDS shortens it"
    )
    assert gaps_warning(find_gaps(Load().workload.operations)) is None


@pytest.mark.parametrize("pace", [Pace.ORIGINAL, Pace.THINK])
def test_what_waits_for_what_is_the_same(pace):
    load = Load()
    load.opens(0, 1, "f", CREATE)
    load.closes(0, 1)
    load.opens(1, 2, "f", at_ns=3600 * S)
    load.closes(1, 2)
    kept, plan = (plan_run(load.workload, load.users, pace=pace, close_gaps_ns=gap) for gap in (None, 10 * S))
    assert plan.waits.place.tolist() == kept.waits.place.tolist() != []
    assert plan.closed
