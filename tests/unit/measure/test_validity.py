"""When a run cannot be trusted."""

from __future__ import annotations

from dataclasses import replace

import pytest

from smbench.measure.validity import RunFacts, judge, judged_percentile

GOOD = RunFacts(paced=True, percentile=99, lateness_ns=50_000, response_ns=2_000_000, cpu_percent=[30.0] * 10)


def test_a_good_run_is_valid_without_a_word():
    verdict = judge(GOOD)
    assert verdict.valid
    assert verdict.reasons == verdict.warnings == []


@pytest.mark.parametrize(
    ("facts", "word"),
    [
        (replace(GOOD, lateness_ns=3_000_000), "late"),
        (replace(GOOD, lateness_ns=30_000_000, response_ns=200_000_000), "late"),
        (replace(GOOD, cpu_percent=[99.0, 99.0, 20.0, 20.0]), "busy"),
        (replace(GOOD, steal_percent=[9.0] * 3), "stolen"),
        (replace(GOOD, lost_workers=["worker 3 (alice) was lost: killed by SIGKILL"]), "alice"),
        (replace(GOOD, killed_workers=1), "killed"),
        (replace(GOOD, defects=["the executor posix: Read raised"]), "raised"),
        (replace(GOOD, order_violated=1), "before what they depend on"),
        (replace(GOOD, order_released=1), "without what they depend on"),
    ],
)
def test_what_makes_a_run_invalid(facts, word):
    reasons = judge(facts).reasons
    assert len(reasons) == 1
    assert word in reasons[0]


@pytest.mark.parametrize(
    "facts",
    [
        replace(GOOD, lateness_ns=15_000_000, response_ns=200_000_000),
        replace(GOOD, cpu_percent=[99.0, 99.0]),
        replace(GOOD, cpu_percent=[99.0] + [10.0] * 20),
    ],
)
def test_what_is_within_the_limits(facts):
    assert judge(facts).valid


def test_without_a_pace_a_busy_processor_is_only_told():
    verdict = judge(replace(GOOD, paced=False, cpu_percent=[100.0] * 9, lateness_ns=5_000_000))
    assert verdict.valid
    assert len(verdict.warnings) == 2


def test_a_run_that_was_stopped_or_has_times_out_of_range_says_so():
    verdict = judge(replace(GOOD, stopped="SIGINT", out_of_range=2))
    assert verdict.valid
    assert ["SIGINT" in verdict.warnings[0], "2 times" in verdict.warnings[1]] == [True, True]


def test_a_percentile_counts_only_where_ten_operations_lie_above_it():
    judged = [judged_percentile(operations) for operations in (0, 99, 100, 999, 1000, 1_000_000)]
    assert judged == [50, 50, 90, 90, 99, 99]
