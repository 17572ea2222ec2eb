"""Histograms: the counts of the library, value by value, and its log as its own reader reads it."""

from __future__ import annotations

import numpy as np
import pytest
from hdrh.histogram import HdrHistogram
from hdrh.log import HistogramLogReader
from helpers.hlog import write_log
from hypothesis import given
from hypothesis import strategies as st

from smbench.ranks import rank
from smbench.run.histogram import BUCKETS, DIGITS, HIGHEST_NS, LOWEST_NS, Histogram, bucket_of
from smbench.run.hlog import read_hlog
from smbench.run.measures import Percentiles


def library(values: list[int]) -> tuple[HdrHistogram, int]:
    """The library's own recorder, and how many values it refused."""
    histogram = HdrHistogram(LOWEST_NS, HIGHEST_NS, DIGITS)
    return histogram, sum(not histogram.record_value(value) for value in values)


edges = [0, 1, 2047, 2048, 2049, 4095, 4096, HIGHEST_NS, (1 << 42) - 1, 1 << 42, 1 << 43, (1 << 63) - 1, -1]
values = st.one_of(
    st.sampled_from(edges), st.integers(-10, 5000), st.integers(0, HIGHEST_NS), st.integers(0, 1 << 62)
)


@given(st.lists(values, max_size=200))
def test_counts_are_the_librarys_and_what_it_refuses_is_counted(times: list[int]) -> None:
    ours = Histogram()
    ours.record(np.array(times, np.int64))
    theirs, refused = library(times)
    assert ours.counts.tolist() == list(theirs.counts)
    assert ours.out_of_range == refused
    assert ours.total == theirs.get_total_count()


@given(st.lists(st.integers(0, HIGHEST_NS), min_size=1, max_size=200), st.floats(0.1, 100))
def test_percentiles_are_the_librarys_values_but_never_above_the_largest(times, percent) -> None:
    """At the rank of `smbench.ranks`: the library's Python port rounds it, its original takes the ceiling."""
    ours = Histogram()
    ours.record(np.array(times, np.int64))
    theirs, _ = library(times)
    at = rank(percent, len(times))
    highest = theirs.get_highest_equivalent_value(sorted(times)[at - 1])
    assert ours.percentile_ns(percent) == min(highest, max(times))
    if theirs.get_target_count_at_percentile(percent) == at:
        assert ours.percentile_ns(percent) == min(theirs.get_value_at_percentile(percent), max(times))


def test_every_power_of_two_and_its_neighbours() -> None:
    around = [max(0, (1 << bit) + step) for bit in range(63) for step in (-1, 0, 1)]
    theirs = HdrHistogram(LOWEST_NS, HIGHEST_NS, DIGITS)
    index = [theirs._counts_index_for(value) for value in around]
    assert bucket_of(np.array(around)).tolist() == [at if at < BUCKETS else -1 for at in index]


def test_an_empty_histogram_says_nothing() -> None:
    nothing = dict.fromkeys(("p50_ns", "p90_ns", "p99_ns", "p99_9_ns", "max_ns"))
    assert Histogram().percentiles() == Percentiles(**nothing)


def test_the_log_opens_in_the_librarys_reader_with_its_tags_and_all_counts(tmp_path) -> None:
    dice = np.random.default_rng(1)
    values = {
        tag: (dice.integers(0, 5_000_000_000, 3000), dice.integers(0, 80_000_000, 3000))
        for tag in ("Read.service", "Read.response", "Open.service")
    }
    start_ns = 1_700_000_000_123_000_000
    whole = write_log(tmp_path / "latency.hlog", start_ns, values)
    reader = HistogramLogReader(str(tmp_path / "latency.hlog"), HdrHistogram(LOWEST_NS, HIGHEST_NS, DIGITS))
    read: dict[str, HdrHistogram] = {}
    starts = []
    while (interval := reader.get_next_interval_histogram()) is not None:
        starts.append(interval.get_start_time_stamp())
        assert interval.get_end_time_stamp() - interval.get_start_time_stamp() == 1000
        read.setdefault(interval.get_tag(), HdrHistogram(LOWEST_NS, HIGHEST_NS, DIGITS)).add(interval)
    reader.close()
    assert starts == sorted(starts)
    assert starts[0] == start_ns / 1e6
    assert len(starts) == 3 * 5
    for tag, (_, times) in values.items():
        alone, _ = library(times.tolist())
        assert list(read[tag].counts) == list(alone.counts) == whole[tag].counts.tolist()


def test_a_log_is_the_same_in_whatever_parts_it_was_counted(tmp_path) -> None:
    dice = np.random.default_rng(2)
    values = {"Read.service": (dice.integers(0, 9_000_000_000, 4000), dice.integers(0, 1 << 43, 4000))}
    one = write_log(tmp_path / "one.hlog", 0, values)["Read.service"]
    many = write_log(tmp_path / "many.hlog", 0, values, parts=7)["Read.service"]
    assert one.out_of_range == many.out_of_range > 0
    assert (tmp_path / "one.hlog").read_text() == (tmp_path / "many.hlog").read_text()


def test_a_long_run_has_longer_intervals(tmp_path) -> None:
    hours = np.arange(0, 7200_000_000_000, 1_000_000_000)
    write_log(tmp_path / "latency.hlog", 0, {"Read.service": (hours, np.full(7200, 5))})
    lines = (tmp_path / "latency.hlog").read_text().splitlines()
    assert sum(line.startswith("Tag=") for line in lines) == 300


def test_what_was_encoded_comes_back():
    histogram = Histogram()
    histogram.record(np.array([1, 1, 1000, 12345678], np.int64))
    again = Histogram.decode(histogram.encode())
    assert (again.counts == histogram.counts).all()
    assert again.max_ns == pytest.approx(histogram.max_ns, rel=1e-3)
    assert Histogram.decode(Histogram().encode()).max_ns == 0


def test_a_log_is_read_as_it_was_written(tmp_path):
    completed = np.array([100, 1_500_000_000, 1_600_000_000], np.int64)
    values = np.array([10, 2000, 3000], np.int64)
    whole = write_log(tmp_path / "latency.hlog", 0, {"Read.service": (completed, values)})
    first, second = read_hlog(tmp_path / "latency.hlog")
    assert (first.tag, first.start_s, first.length_s, first.histogram.total) == ("Read.service", 0.0, 1.0, 1)
    assert (second.start_s, second.histogram.total) == (1.0, 2)
    first.histogram.add(second.histogram)
    assert (first.histogram.counts == whole["Read.service"].counts).all()
