"""When a run cannot be trusted."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from smbench.measure.validity import RunFacts, judge, judged_percentile


def seconds(*percent: float) -> dict[str, Any]:
    """Samples of the processors, a second each."""
    return {
        "sample_s": [1.0] * len(percent),
        "cpu_percent": list(percent),
        "steal_percent": [0.0] * len(percent),
    }


GOOD = RunFacts(
    paced=True, percentile=99, lateness_ns=50_000, response_ns=2_000_000, **seconds(*[30.0] * 10)
)  # fmt: skip


def test_a_good_run_is_valid_without_a_word():
    verdict = judge(GOOD)
    assert verdict.valid
    assert verdict.reasons == verdict.warnings == ()


@pytest.mark.parametrize(
    ("facts", "word"),
    [
        (replace(GOOD, lateness_ns=3_000_000), "late"),
        (replace(GOOD, lateness_ns=30_000_000, response_ns=200_000_000), "late"),
        (replace(GOOD, **seconds(99, 99, 20, 20)), "busy for 2.0 of 4.0 s"),
        (replace(GOOD, **seconds(99, 99)), "busy for 2.0 of 2.0 s"),
        (replace(GOOD, sample_s=[1, 0.3], cpu_percent=[99, 99], steal_percent=[0, 0]), "1.3 of 1.3 s"),
        (replace(GOOD, **seconds(*[10] * 18, 99, 99, 99)), "busy for 3.0 of 21.0 s"),
        (replace(GOOD, sample_s=[0.5], cpu_percent=[99], steal_percent=[0]), "busy for 0.50 of 0.50 s"),
        (replace(GOOD, sample_s=[0.5], cpu_percent=[9], steal_percent=[9]), "away for 0.50 of 0.50 s"),
        (
            replace(GOOD, sample_s=[0.9, 0.2], cpu_percent=[99, 9], steal_percent=[0, 0]),
            "0.9 of 1.1 s (allowed is half of them)",
        ),
        (replace(GOOD, sample_s=[0.1], cpu_percent=[99], steal_percent=[0]), "busy for 0.10 of 0.10 s"),
        (replace(GOOD, only_warm_up=7), "all 7 operations were due in the warm-up"),
        (replace(GOOD, steal_percent=[9.0] * 10), "took more than 5 %"),
        (
            replace(GOOD, mean_response_ns=400_000, mean_wait_ns=101_000, waited_ns=10**9),
            "101 µs on average, allowed 100 µs",
        ),
        (
            replace(GOOD, mean_response_ns=4e6, mean_wait_ns=1_001_000, waited_ns=10**9),
            "waited for a processor for 1 ms",
        ),
        (replace(GOOD, available_percent=2.9), "2.9 % available"),
        (replace(GOOD, swapped_bytes=2_500_000), "swapped 2.5 MB"),
        (replace(GOOD, out_of_descriptors=3), "3 operations found no file descriptor"),
        (replace(GOOD, unrecorded=2), "2 operations left no record"),
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
        replace(GOOD, **seconds(*[10] * 18, 99, 99)),
        replace(GOOD, **seconds(99, 10, 10)),
        # What is left of the last second: one tick of the system's clock, in which something ran.
        replace(GOOD, sample_s=[1, 1, 1, 0.01], cpu_percent=[26, 25, 4, 100], steal_percent=[0, 0, 0, 100]),
        replace(GOOD, sample_s=[0.5, 0.5], cpu_percent=[99, 9], steal_percent=[0, 0]),
        replace(GOOD, sample_s=[0.09], cpu_percent=[99], steal_percent=[99]),
        replace(GOOD, mean_response_ns=400_000, mean_wait_ns=100_000, waited_ns=10**9),
        replace(GOOD, mean_response_ns=4e6, mean_wait_ns=1_000_000, waited_ns=10**9),
        replace(GOOD, mean_response_ns=4e6, mean_wait_ns=3_000_000, waited_ns=10**8),
        replace(GOOD, available_percent=3.0, swapped_bytes=1_000_000),
        replace(GOOD, sample_s=[], cpu_percent=[], steal_percent=[]),
    ],
)
def test_what_is_within_the_limits(facts):
    assert judge(facts).valid


def test_what_is_too_short_to_tell_says_so():
    short = replace(GOOD, sample_s=[0.0301], cpu_percent=[99], steal_percent=[0])
    assert "30 ms are too short to tell whether" in judge(short).warnings[0]
    assert judge(replace(short, paced=False)).warnings == ()


def test_without_a_pace_a_busy_processor_is_only_told():
    verdict = judge(
        replace(
            GOOD, paced=False, **seconds(*[100] * 9), lateness_ns=5_000_000, mean_wait_ns=1e6, waited_ns=10**9
        )
    )
    assert verdict.valid
    assert len(verdict.warnings) == 3


def test_a_run_that_was_stopped_or_has_times_out_of_range_says_so():
    verdict = judge(replace(GOOD, stopped="SIGINT", out_of_range=2))
    assert verdict.valid
    assert ["SIGINT" in verdict.warnings[0], "2 times" in verdict.warnings[1]] == [True, True]


def test_a_percentile_counts_only_where_ten_operations_lie_above_it():
    judged = [judged_percentile(operations) for operations in (0, 99, 100, 999, 1000, 1_000_000)]
    assert judged == [50, 50, 90, 90, 99, 99]


def test_a_sample_that_was_too_short_to_tell_is_no_busy_one():
    blind = replace(GOOD, sample_s=[1, 1, 0.01], cpu_percent=[10, 10, None], steal_percent=[None] * 3)
    assert judge(blind).valid


def test_what_was_due_when_it_was_stopped_and_a_run_of_nothing_are_reasons():
    late = judge(replace(GOOD, stopped="deadline", overdue=3))
    assert late.reasons[0].startswith("3 operations were due when the run was stopped and are missing")
    assert judge(replace(GOOD, stopped="deadline")).valid
    assert judge(replace(GOOD, nothing="none of 5 was")).reasons == (
        "no operation was carried out: none of 5 was",
    )


def test_what_the_harness_says_of_itself_makes_a_run_not_valid_and_comes_first():
    late = replace(
        GOOD, stood_still=["the harness stood still"], given_up="dead", unfinished=["a call hangs: x"]
    )
    assert judge(replace(late, killed_workers=2)).reasons == (
        "the harness stood still",
        "2 workers did not end in time and were killed",
        "a call hangs: x",
        "dead",
    )


def test_a_deadline_that_leaves_nothing_to_tell_from_is_no_valid_run():
    cut = replace(GOOD, stopped="deadline", lasted_s=0.05, carried_out="16 of 127")
    assert judge(cut).reasons == (
        "the deadline cut the run off at once: 16 of 127 operations in 50 ms after the warm-up, needed are "
        "0.1 s; raise --deadline",
    )
    assert judge(replace(cut, lasted_s=0.1)).valid
    assert judge(replace(cut, stopped="SIGINT")).valid
