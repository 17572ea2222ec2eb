"""Sizes and durations: what people write, and what they read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smbench.errors import UsageError
from smbench.units import exact_size, format_ns, format_size, parse_duration_s, parse_size, whole_ns


@pytest.mark.parametrize(
    ("text", "size"),
    [("4096", 4096), ("64K", 65536), ("1.5G", 3 << 29), ("10MiB", 10 << 20), ("2 tb", 2 << 40)],
)
def test_a_size_is_a_number_with_a_unit(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "K", "-1", "ten", "1X", "1 2"])
def test_what_is_no_size_is_refused_in_a_sentence(text: str) -> None:
    with pytest.raises(UsageError, match="is no size"):
        parse_size(text)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90", 90), ("1.5s", 1.5), ("250ms", 0.25), ("10m", 600), ("1h", 3600), ("2min", 120)],
)
def test_a_duration_is_seconds_or_has_a_unit(text: str, seconds: float) -> None:
    assert parse_duration_s(text) == seconds


def test_what_is_written_in_decimals_is_read_as_such() -> None:
    assert exact_size("0.1K") * 10 == 1024
    for thousandths in range(1, 20_000):
        written = f"{thousandths // 1000}.{thousandths % 1000:03d}"
        assert whole_ns(parse_duration_s(written)) == thousandths * 1_000_000
        assert whole_ns(parse_duration_s(f"{written}ms")) == thousandths * 1_000
        assert parse_size(f"{written}K") == thousandths * 1024 // 1000


def test_what_is_no_duration_is_refused_in_a_sentence() -> None:
    with pytest.raises(UsageError, match="is no duration"):
        parse_duration_s("soon")


@pytest.mark.parametrize(
    ("ns", "text"),
    [
        (0, "0 ns"),
        (999, "999 ns"),
        (1500, "1.5 µs"),
        (999.4, "999 ns"),
        (999.6, "1 µs"),
        (-999.6, "-1 µs"),
        (999_400, "999 µs"),
        (999_700, "1 ms"),
        (12_345_678, "12.3 ms"),
        (999_600_000, "1 s"),
        (61e9, "61 s"),
        (999.4e9, "999 s"),
        (999.6e9, "1,000 s"),
        (86_400e9, "86,400 s"),
    ],
)
def test_a_time_shows_three_digits(ns: float, text: str) -> None:
    assert format_ns(ns) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (1000, "1000 B"),
        (1023, "1023 B"),
        (1023.4, "1023 B"),
        (1023.6, "1 KiB"),
        (1024, "1 KiB"),
        (1536, "1.5 KiB"),
        (999.4 * 1024, "999 KiB"),
        (999.6 * 1024, "1000 KiB"),
        (1000 << 10, "1000 KiB"),
        (1010.2 * 1024, "1010 KiB"),
        (1023.4 * 1024, "1023 KiB"),
        (1023.9 * 1024, "1 MiB"),
        ((1 << 20) - 1, "1 MiB"),
        (-1023.9 * 1024, "-1 MiB"),
        (1001 << 20, "1001 MiB"),
        ((1 << 30) - 1, "1 GiB"),
        (5 << 30, "5 GiB"),
        ((1 << 40) - 1, "1 TiB"),
        (3 << 40, "3 TiB"),
        (2048 << 40, "2048 TiB"),
    ],
)
def test_a_size_shows_its_unit(count: float, text: str) -> None:
    assert format_size(count) == text


@given(st.floats(0, 2.0**60))
def test_a_size_is_read_again_as_what_it_was_to_three_digits(count: float) -> None:
    text = format_size(count)
    assert "e" not in text
    assert parse_size(text) == pytest.approx(count, rel=0.0051, abs=1)


@given(st.floats(0, 1e18))
def test_no_time_is_told_with_an_exponent(ns: float) -> None:
    number, _ = format_ns(ns).split(" ")
    assert "e" not in number
    assert len(number.replace(".", "").lstrip("0")) <= 3 or "," in number
