"""What thresholds are judged by: the exact numbers, and nothing that was not measured."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smbench.errors import UsageError
from smbench.measure.judging import (
    Extent,
    Figures,
    against,
    format_value,
    judge_thresholds,
    judged_value,
    refuse_unmeasurable,
)
from smbench.measure.thresholds import mismatch_limit, parse_threshold
from smbench.run.histogram import Histogram
from smbench.run.measures import Judged


def histogram(*values_ns: int) -> Histogram:
    made = Histogram()
    made.record(np.array(values_ns, np.int64))
    return made


MS = 1_000_000
READS = histogram(*(n * MS for n in range(1, 101)))
EXTENT = Extent(
    {"Read.response": 100, "Read.service": 100, "all.lateness": 1000, "all.response": 1000},
    planned=1020, executed=1010, compared=1000, measured=1000, executor="posix",
)  # fmt: skip
FIGURES = Figures(
    extent=EXTENT,
    histograms={"Read.response": READS, "all.lateness": histogram(1000, 2000)},
    errors=2, mismatches=5, skipped=10,
    throughput={"operations_per_s": 1500.0, "read_bytes_per_s": 2e6, "write_bytes_per_s": 0.0},
)  # fmt: skip


def judged(text: str, figures: Figures = FIGURES) -> Judged:
    (one,) = judge_thresholds([parse_threshold(text)], figures)
    return one


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
    one = judged(text)
    assert one.text == text
    assert one.met is met, one
    assert one.reason is None


def test_two_thousand_shares_at_their_limit():
    """Each at, below and above it, as --threshold and as --max-mismatch."""
    for share in range(1, 2001):
        written = f"{5 * share // 100}.{5 * share % 100:02d}%"
        extent = replace(EXTENT, executed=2000, compared=2000)
        for count, at in ((share - 1, -1), (share, 0), (share + 1, 1)):
            figures = replace(FIGURES, extent=extent, errors=count, mismatches=count)
            for operator, met in (
                ("<=", at <= 0), ("<", at < 0), (">=", at >= 0),
                (">", at > 0), ("==", at == 0), ("!=", at != 0),
            ):  # fmt: skip
                assert judged(f"errors.rate{operator}{written}", figures).met is met, (written, count)
            assert judge_thresholds([mismatch_limit(written)], figures)[0].met is (at <= 0)


@given(st.integers(1, 10**12))
def test_a_time_at_its_limit(ns):
    figures = Figures(replace(EXTENT, times={"Read.service": 1}), {"Read.service": histogram(ns)})
    written = f"{ns // 10**6}.{ns % 10**6:06d}ms"
    assert judged(f"read.service.max<={written}", figures).met
    assert not judged(f"read.service.max<{written}", figures).met


def test_a_rate_at_its_limit():
    for thirds in range(1, 200):
        figures = replace(FIGURES, throughput={"operations_per_s": Fraction(thirds, 10)})
        assert judged(f"throughput.operations_per_s>={thirds // 10}.{thirds % 10}", figures).met
        assert not judged(f"throughput.operations_per_s>{thirds // 10}.{thirds % 10}", figures).met


def test_the_value_stands_beside_the_verdict():
    texts = ["read.response.p50<1s", "errors.rate<1%", "throughput.read_bytes_per_s>1K"]
    found = [judged(text) for text in texts]
    assert found[0].value == pytest.approx(50 * MS, rel=1e-3)
    assert found[1].value == 0.002
    assert [judged_value(one) for one in found] == ["50 ms", "0.2 %", "1.91 MiB/s"]


def test_what_three_digits_cannot_tell_from_the_limit_is_told_exactly():
    near = Figures(replace(EXTENT, times={"Read.service": 1}), {"Read.service": histogram(19_999_743)})
    assert judged_value(judged("read.service.max<20ms", near)) == "19,999,743 ns"
    assert judged_value(judged("read.service.max<21ms", near)) == "20 ms"
    almost = replace(FIGURES, extent=replace(EXTENT, executed=10**7, compared=10**6), errors=1001)
    assert judged_value(judged("errors.rate<=0.1%", almost)) == "0.1001 %"


UNMEASURED = [
    ("write.service.p99<20ms", EXTENT, "no Write is measured"),
    ("write.service.mean>0ns", EXTENT, "no Write is measured"),
    ("read.held.max<1s", EXTENT, "no Read has a time that is called held"),
    ("all.response.max<1s", replace(EXTENT, times={}), "no operation is measured"),
    ("notify.held.p50<1s", replace(EXTENT, skipped={"Notify": "never: no such call"}, executor="memory"),
     "the executor memory carries no Notify out (never: no such call)"),
    ("mismatches.count==0", replace(EXTENT, compares=False, executor="null"),
     "the executor null has no outcomes to compare"),
    ("errors.rate<1%", replace(EXTENT, compares=False, executor="null"),
     "the executor null has no outcomes to compare"),
    ("mismatches.count==0", replace(EXTENT, executed=0, compared=0), "no operation is carried out"),
    ("errors.rate<=1", replace(EXTENT, compared=0), "the capture has no answer to any operation that is"),
    ("skipped.count==0", replace(EXTENT, planned=0), "no operation is planned"),
    ("skipped.rate<1%", replace(EXTENT, planned=0), "no operation is planned"),
    ("throughput.operations_per_s<5", replace(EXTENT, measured=0), "no operation is measured"),
    ("throughput.write_bytes_per_s<5M", EXTENT, "no Write is measured"),
    ("throughput.read_bytes_per_s<5M", replace(EXTENT, compares=False, executor="null"),
     "the executor null moves no bytes"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "extent", "why"), UNMEASURED)
def test_what_was_not_measured_is_not_kept_to_and_is_refused_where_it_is_known_before(text, extent, why):
    one = judged(text, replace(FIGURES, extent=extent))
    assert (one.value, one.met) == (None, False)
    assert one.reason is not None
    assert why in one.reason
    assert judged_value(one) == "not measured"
    with pytest.raises(UsageError) as caught:
        refuse_unmeasurable(parse_threshold(text), extent)
    assert str(caught.value).startswith(f"--threshold {text!r} asks for what this run does not measure: ")
    assert why in str(caught.value)


@pytest.mark.parametrize("text", [text for text, _ in JUDGED])
def test_what_can_be_measured_is_not_refused(text):
    refuse_unmeasurable(parse_threshold(text), EXTENT)


def test_a_multiple_of_a_baseline_is_judged_by_what_that_measured():
    baseline = replace(FIGURES, histograms={"Read.response": histogram(10 * MS)}, errors=10)
    now = replace(FIGURES, histograms={"Read.response": histogram(11 * MS)}, errors=11)
    for text, met in [
        ("read.response.max<=1.1x", True), ("read.response.max<1.1x", False),
        ("read.response.p50<1.11x", True),
        ("errors.count<=1.1x", True), ("errors.rate<1.1x", False), ("errors.rate==1.1x", True),
    ]:  # fmt: skip
        (one,) = judge_thresholds([against(parse_threshold(text), baseline, "old.run")], now)
        assert one.met is met, one
    (one,) = judge_thresholds([against(parse_threshold("read.response.max<2x"), baseline)], now)
    assert (one.baseline, one.limit) == (10 * MS, 20 * MS)
    assert judged_value(one) == "11 ms (1.1x of 10 ms)"


def test_every_multiple_is_exact_at_its_limit():
    for tenths in range(1, 2000):
        baseline = replace(FIGURES, errors=10)
        now = replace(FIGURES, errors=tenths)
        threshold = against(parse_threshold(f"errors.count<={tenths // 10}.{tenths % 10}x"), baseline)
        assert judge_thresholds([threshold], now)[0].met, tenths


def test_a_multiple_of_a_share_is_a_share():
    half = replace(FIGURES, errors=500)
    assert against(parse_threshold("errors.rate<=2x"), half, "old.run").limit == 1
    with pytest.raises(UsageError, match="no share is more than 100 %"):
        against(parse_threshold("errors.rate<=2.1x"), half, "old.run")


def test_a_multiple_of_nothing_is_refused():
    with pytest.raises(UsageError, match="is a multiple of a baseline: name its run with --baseline"):
        against(parse_threshold("read.response.p99<1.1x"), None)
    with pytest.raises(UsageError, match=r"the baseline old.run did not measure: no Write is measured"):
        against(parse_threshold("write.response.p99<1.1x"), FIGURES, "old.run")
    uncompared = replace(FIGURES, extent=replace(EXTENT, compares=False, executor="null"))
    with pytest.raises(UsageError, match="did not measure: the executor null has no outcomes"):
        against(parse_threshold("mismatches.count<1.1x"), uncompared, "old.run")


def test_values_for_people():
    values = [(None, "ns"), (1500, "ns"), (0.002, "share"), (12_345, "count"), (12_345.6, "operations/s")]
    said = [format_value(*one) for one in values]
    assert said == ["not measured", "1.5 µs", "0.2 %", "12,345", "12,346 operations/s"]


@given(st.lists(st.integers(1, 10**12), min_size=1, max_size=200))
def test_the_mean_is_as_exact_as_the_buckets(values_ns):
    assert histogram(*values_ns).mean_ns == pytest.approx(np.mean(values_ns), rel=1e-3, abs=1)
