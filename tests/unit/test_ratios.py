"""Ratios at their edges: never better than they are, and what is whole stays whole."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.progress import Progress

from smbench.cli.common import Share
from smbench.ratios import Bad, format_percent, format_ratio, round_ratio, share_of
from smbench.report.html import distance, multiple, part_of


@pytest.mark.parametrize(
    ("value", "digits", "bad", "said"),
    [
        (2004 / 2005, 4, Bad.LOW, "0.9995"),
        (2004 / 2005, 3, Bad.LOW, "0.999"),
        (2004 / 2005, 2, Bad.LOW, "0.99"),
        (Fraction(99_999_999, 100_000_000), 4, Bad.LOW, "0.9999"),
        (1 - 2**-53, 4, Bad.LOW, "0.9999"),
        (1.0, 4, Bad.LOW, "1.0000"),
        (1, 3, Bad.LOW, "1.000"),
        (0.29, 2, Bad.LOW, "0.29"),
        (0.57, 2, Bad.HIGH, "0.57"),
        (1.1, 1, Bad.HIGH, "1.1"),
        (0.0, 2, Bad.HIGH, "0.00"),
        (1e-9, 2, Bad.HIGH, "0.01"),
        (0.999, 2, Bad.HIGH, "1.00"),
        (1e-9, 4, Bad.LOW, "0.0000"),
        (1.0, 2, Bad.APART, "1.00"),
        (1.0001, 2, Bad.APART, "1.01"),
        (0.9999, 2, Bad.APART, "0.99"),
        (12345.671, 2, Bad.APART, "12,345.68"),
        (0.5, 0, Bad.LOW, "0"),
        (0.5, 0, Bad.HIGH, "1"),
    ],
)
def test_the_edges(value: float | Fraction, digits: int, bad: Bad, said: str) -> None:
    assert format_ratio(value, digits, bad) == said
    assert round_ratio(value, digits, bad) == float(said.replace(",", ""))


@pytest.mark.parametrize(
    ("value", "digits", "bad", "said"),
    [
        (Fraction(1, 100_000), 2, Bad.HIGH, "0.01 %"),
        (Fraction(0, 100_000), 2, Bad.HIGH, "0.00 %"),
        (Fraction(99_999, 100_000), 2, Bad.LOW, "99.99 %"),
        (Fraction(99_999, 100_000), 0, Bad.LOW, "99 %"),
        (Fraction(1), 0, Bad.LOW, "100 %"),
        (Fraction(3, 200), 2, Bad.HIGH, "1.50 %"),
        (0.0007, 2, Bad.HIGH, "0.07 %"),
    ],
)
def test_percentages(value: float | Fraction, digits: int, bad: Bad, said: str) -> None:
    assert format_percent(value, digits, bad) == said


@given(st.integers(1, 10**7), st.data(), st.integers(0, 6))
def test_a_ratio_is_never_shown_better_than_it_is(whole: int, data: st.DataObject, digits: int) -> None:
    part = data.draw(st.integers(0, whole))
    exact, step = Fraction(part, whole), Fraction(1, 10**digits)
    for value in (exact, part / whole):
        low = Fraction(Decimal(format_ratio(value, digits, Bad.LOW)))
        high = Fraction(Decimal(format_ratio(value, digits, Bad.HIGH)))
        assert exact - step < low <= exact <= high < exact + step
        assert (low == 1) == (part == whole)
        assert (high == 0) == (part == 0)


def test_the_pages_forms() -> None:
    assert part_of(1, 100_000) == "1 of 100,000 (0.01 %)"
    assert (part_of(0, 7), part_of(0, 0)) == ("0 of 7 (0.00 %)", "–")
    assert (share_of(3, 4), share_of(0, 4), share_of(0, 0), format_ratio(None)) == (0.75, 0, None, "–")
    assert (multiple(1.001), multiple(None)) == ("×1.01", "–")
    assert (distance(0.0001), distance(0.0), distance(None)) == ("0.01", "0.00", "–")


def test_a_bar_says_100_percent_when_all_is_done() -> None:
    bar = Progress(Share())
    said = []
    for done, total in ((0, None), (0, 1000), (999, 1000), (1000, 1000)):
        bar.add_task("reading", total=total, completed=done)
        said.append(Share().render(bar.tasks[-1]).plain)
    assert said == ["", "0 %", "99 %", "100 %"]
