"""Sizes and durations: what people write, and what they read."""

import pytest

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
        (999_700, "1 ms"),
        (12_345_678, "12.3 ms"),
        (61e9, "61 s"),
    ],
)
def test_a_time_shows_three_digits(ns: float, text: str) -> None:
    assert format_ns(ns) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (1023, "1023 B"), (1536, "1.5 KiB"), (5 << 30, "5 GiB"), (3 << 40, "3 TiB")],
)
def test_a_size_shows_its_unit(count: float, text: str) -> None:
    assert format_size(count) == text
