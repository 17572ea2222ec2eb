"""The percentile's rank, against its definition, HdrHistogram's counting, and binary fractions."""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction

import msgspec
import numpy as np
import pytest
from hdrh.histogram import HdrHistogram
from hypothesis import example, given
from hypothesis import strategies as st

from smbench.fidelity.latency import PERCENTILES as COMPARED
from smbench.fidelity.latency import difference
from smbench.ranks import percentile, rank
from smbench.run.histogram import DIGITS, HIGHEST_NS, LOWEST_NS, PERCENTILES, Histogram

percents = st.one_of(
    st.sampled_from([0.1, 1, 5, 50, 90, 95, 99, 99.5, 99.9, 99.95, 99.99, 99.999, 100]),
    st.decimals(0, 100, places=4).map(float),
)
times = st.lists(st.integers(1, 2000), min_size=1, max_size=300)
"""Below 2,048 each value of the histograms is its own bucket."""


@given(percents, st.integers(1, 10**9))
@example(99.9, 1000)
@example(99.99, 10_000)
@example(0.1, 1000)
@example(29, 100)
@example(57, 100)
def test_the_rank_is_the_least_that_covers_its_share(percent: float, count: int) -> None:
    exact = Decimal(repr(float(percent)))
    found = rank(percent, count)
    assert 1 <= found <= count
    assert 100 * found >= exact * count
    assert found == 1 or 100 * (found - 1) < exact * count


@pytest.mark.parametrize(
    ("percent", "count", "expected"),
    [
        (99.9, 1000, 999), (99.9, 1001, 1000), (99.9, 519, 519), (99, 51, 51), (99, 99, 99), (99, 100, 99),
        (99, 101, 100), (50, 1, 1), (50, 2, 1), (50, 3, 2), (90, 10, 9), (99.99, 10_000, 9999), (100, 7, 7),
        (0, 7, 1), (14, 50, 7), (7, 100, 7), (28, 25, 7), (110, 7, 7), (Fraction(999, 10), 1000, 999),
        (np.float64(99.9), 1000, 999),
    ],
)  # fmt: skip
def test_ranks_that_are_known(percent: float | Fraction, count: int, expected: int) -> None:
    assert rank(percent, count) == expected


def test_the_binary_fractions_would_be_wrong() -> None:
    """What the decimal form is for."""
    assert math.ceil(Fraction(99.9) * 1000 / 100) == 1000
    assert math.ceil(14 / 100 * 50) == 8
    assert (rank(99.9, 1000), rank(14, 50)) == (999, 7)


def counted_by_the_library(values: list[int], percent: float) -> int:
    """The first recorded value up to which the library has counted so many percent."""
    histogram = HdrHistogram(LOWEST_NS, HIGHEST_NS, DIGITS)
    for value in values:
        histogram.record_value(value)
    for step in histogram.get_recorded_iterator():
        if 100 * Fraction(step.total_count_to_this_value) >= Fraction(repr(percent)) * len(values):
            return int(step.value_iterated_to)
    raise AssertionError("the library counted fewer values than it recorded")


@given(times, percents.filter(lambda percent: percent > 0))
def test_histograms_samples_and_the_library_say_the_same(values: list[int], percent: float) -> None:
    plain = sorted(values)[math.ceil(Fraction(repr(float(percent))) * len(values) / 100) - 1]
    histogram = Histogram()
    histogram.record(np.array(values, np.int64))
    assert histogram.percentile_ns(percent) == plain
    assert percentile(sorted(values), percent) == plain
    assert counted_by_the_library(values, float(percent)) == plain


@given(st.lists(st.integers(0, HIGHEST_NS), min_size=1, max_size=300))
def test_run_json_and_compare_say_the_same_of_the_same_times(values: list[int]) -> None:
    """As near as a histogram's buckets, which are 0.1 % wide."""
    histogram = Histogram()
    histogram.record(np.array(values, np.int64))
    compared = difference(np.array(values, np.int64), np.array(values, np.int64)).percentiles_ns
    summary = msgspec.to_builtins(histogram.percentiles())
    assert {f"{name}_ns" for name in COMPARED} == {*PERCENTILES, "max_ns"}
    for name, (value, _) in compared.items():
        assert value is not None
        shown = summary[f"{name}_ns"]
        assert shown is not None
        assert value <= shown <= value + value // 1000 + 1
