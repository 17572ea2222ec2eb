"""Thresholds: what can be written, what is refused, and that a limit is the number that was written."""

from __future__ import annotations

import contextlib
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smbench.errors import UsageError
from smbench.measure.thresholds import capacity_limit, mismatch_limit, parse_threshold

MS = 1_000_000


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        ("errors.rate<0.7%", Fraction(7, 1000)),
        ("errors.rate<0.007", Fraction(7, 1000)),
        ("read.response.p99<0.3ms", 300_000),
        ("read.response.p99<2.3us", 2_300),
        ("read.response.p99<1.1s", 1_100 * MS),
        ("throughput.read_bytes_per_s>0.1K", Fraction("102.4")),
        ("throughput.operations_per_s>33.3", Fraction(333, 10)),
        ("skipped.count<3", 3),
    ],
)
def test_a_limit_is_what_was_written_and_not_the_nearest_binary_fraction(text, limit):
    assert parse_threshold(text).limit == limit


@given(st.integers(0, 10**12))
def test_so_is_every_time(thousandths):
    written = f"{thousandths // 1000}.{thousandths % 1000:03d}"
    assert parse_threshold(f"all.service.max<{written}us").limit == thousandths
    assert parse_threshold(f"all.service.max<{written}ms").limit == 1000 * thousandths


@pytest.mark.parametrize(
    ("text", "same"),
    [("5", "mismatches.count<=5"), ("0.7%", "mismatches.rate<=0.7%"), ("0", "mismatches.count<=0")],
)
def test_max_mismatch_is_a_threshold_too(text, same):
    limit, written = mismatch_limit(text), parse_threshold(same)
    assert (limit.subject, limit.operator, limit.limit) == (written.subject, written.operator, written.limit)


@pytest.mark.parametrize("text", ["few", "", "-1", "1 %", "%", "nan", "1e3"])
def test_a_number_of_mismatches_is_a_number_or_a_share(text):
    with pytest.raises(UsageError, match=r"--max-mismatch .* cannot be read: give a number, or a share"):
        mismatch_limit(text)


@pytest.mark.parametrize(
    ("text", "factor"),
    [
        ("read.response.p99<1.1x", "1.1"),
        ("errors.rate<=2X", "2"),
        ("throughput.read_bytes_per_s>0.9 x", "0.9"),
    ],
)
def test_a_multiple_waits_for_its_baseline(text, factor):
    threshold = parse_threshold(text)
    assert (threshold.relative, threshold.limit, threshold.baseline) == (True, Fraction(factor), None)


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
        ("errors.rate<=150%", "no share is more than 100 %"),
        ("mismatches.rate<100.001%", "no share is more than 100 %"),
        ("skipped.rate>1.5", "no share is more than 100 %"),
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


@pytest.mark.parametrize("text", ["errors.rate<=100%", "mismatches.rate<1", "errors.rate<1.5x"])
def test_a_share_of_all_is_one_and_so_is_a_multiple(text):
    assert parse_threshold(text).text == text


@pytest.mark.parametrize("text", ["101%", "100.1%"])
def test_no_more_than_all_can_be_mismatched(text):
    with pytest.raises(UsageError, match="no share is more than 100 %"):
        mismatch_limit(text)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("throughput.operations_per_s>1000", "more clones ask for more"),
        ("throughput.operations_per_s<1000", "more clones ask for more"),
        ("throughput.read_bytes_per_s>100M", "more clones ask for more"),
        ("throughput.operations_per_s>0.9x", "more clones ask for more"),
        ("all.service.count>10", "follows from the clones"),
        ("skipped.count==0", "follows from the clones"),
        ("skipped.rate<1%", "follows from the clones"),
        ("all.response.p99>50ms", "write it with < or <=, as all.response.p99<50ms"),
        ("errors.rate>=1%", "write it with < or <=, as errors.rate<1%"),
        ("errors.count!=3", "write it with < or <=, as errors.count<3"),
    ],
)
def test_what_more_clones_do_not_break_is_no_limit_of_them(text, why):
    with pytest.raises(UsageError) as caught:
        capacity_limit(text)
    assert str(caught.value).startswith(f"--find-capacity {text!r} is no limit ")
    assert why in str(caught.value)


@pytest.mark.parametrize(
    "text", ["all.response.p99<50ms", "read.failed.max<=1s", "errors.count==0", "all.held.p50<2x"]
)
def test_what_they_can_break_is_one(text):
    assert capacity_limit(text) == parse_threshold(text)
