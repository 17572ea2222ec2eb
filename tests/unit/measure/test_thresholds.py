"""Thresholds: what can be written, what is refused, and what they are judged by."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smbench.errors import UsageError
from smbench.measure.latency import Histogram
from smbench.measure.thresholds import Figures, format_value, judge_thresholds, parse_threshold


def histogram(*values_ns: int) -> Histogram:
    made = Histogram()
    made.record(np.array(values_ns, np.int64))
    return made


MS = 1_000_000
READS = histogram(*(n * MS for n in range(1, 101)))
FIGURES = Figures(
    histograms={
        "Read.response": READS, "all.lateness": histogram(1000, 2000), "Read.failed": histogram(7000),
    },
    executed=1000, planned=1010, errors=2, mismatches=5, skipped=10,
    throughput={"operations_per_s": 1500.0, "read_bytes_per_s": 2e6, "write_bytes_per_s": 0.0},
)  # fmt: skip

JUDGED = [
    ("read.response.p99<20ms", False),
    ("read.response.p99<0.2s", True),
    ("Read.Response.P50 <= 51ms", True),
    ("READ.response.max==100ms", True),
    ("read.response.max<=100ms", True),
    ("read.response.mean<51ms", True),
    ("read.response.mean>50000us", True),
    ("read.response.p99.9>99000000ns", True),
    ("read.response.count==100", True),
    ("read.response.p100>100µs", True),
    ("all.lateness.max<10μs", True),
    ("read.failed.p99<8us", True),
    ("read.failed.count==1", True),
    ("write.service.p99<20ms", False),  # nothing was measured
    ("write.service.count==0", True),
    ("errors.rate<0.1%", False),
    ("errors.rate<=0.002", True),
    ("errors.count<3", True),
    ("mismatches.count==0", False),
    ("mismatches.rate!=0", True),
    ("skipped.rate<1%", True),
    ("throughput.operations_per_s>1000", True),
    ("throughput.read_bytes_per_s>2M", False),
]


@pytest.mark.parametrize(("text", "met"), JUDGED)
def test_what_is_judged(text, met):
    (judged,) = judge_thresholds([parse_threshold(text)], FIGURES)
    assert judged["text"] == text
    assert judged["met"] is met, judged


def test_the_value_stands_beside_the_verdict():
    texts = ["read.response.p50<1s", "errors.rate<1%", "write.held.p50<1s", "throughput.read_bytes_per_s>1K"]
    judged = judge_thresholds([parse_threshold(text) for text in texts], FIGURES)
    assert judged[0]["value"] == pytest.approx(50 * MS, rel=1e-3)
    assert judged[1]["value"] == 0.002
    assert judged[2]["value"] is None
    shown = [format_value(one["value"], one["unit"]) for one in judged]
    assert shown == ["50 ms", "0.2 %", "not measured", "1.91 MiB/s"]


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("read.response.p99", "no operator"),
        ("read.response.p99<", "no operator or no value"),
        ("read.response.p99=20ms", "no operator"),
        ("read.response.p99<20", "needs its unit"),
        ("read.response.p99<20%", "needs its unit"),
        ("read.response.p99<fast", "no value"),
        ("read.response.p101<1s", "no statistic"),
        ("read.response.median<1s", "no statistic"),
        ("read.latency.p99<1s", "latency is not measured"),
        ("reed.response.p99<1s", "reed is no call; there are"),
        ("errors.share<1%", "errors has rate, count"),
        ("errors.rate<1ms", "fraction"),
        ("errors.count<1%", "no unit"),
        ("latency<1s", "latency is not measured"),
        ("foo.bar<1", "foo.bar is not measured"),
        ("throughput.p99>1", "operations_per_s"),
        ("throughput.read_bytes_per_s>many", "no size"),
        ("", "no operator"),
    ],
)
def test_what_cannot_be_read_says_what_can(text, word):
    with pytest.raises(UsageError) as caught:
        parse_threshold(text)
    assert word in str(caught.value)
    assert "read.response.p99<20ms" in str(caught.value)
    assert "\n" not in str(caught.value)


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused(text):
    with contextlib.suppress(UsageError):
        assert parse_threshold(text).limit >= 0


@given(st.lists(st.integers(1, 10**12), min_size=1, max_size=200))
def test_the_mean_is_as_exact_as_the_buckets(values_ns):
    assert histogram(*values_ns).mean_ns == pytest.approx(np.mean(values_ns), rel=1e-3, abs=1)
