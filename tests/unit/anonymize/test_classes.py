"""Classes of sizes and of times: what is alike in them, and what stays."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smbench.anonymize.classes import EPOCH_NS, HOUR_NS, LEAST_SIZE, size_class, time_class

START_NS = 1_700_000_000_123_456_789


@pytest.mark.parametrize(
    ("size", "made"),
    [
        (0, 0), (1, 4096), (4096, 4096), (4097, 8192), (1 << 40, 1 << 40),
        ((1 << 40) - 1, 1 << 40), ((1 << 40) + 1, (1 << 40) + 1),
        ((1 << 63) - 1, (1 << 63) - 1),
    ],
)  # fmt: skip
def test_sizes_are_rounded_up_to_powers_of_two(size: int, made: int) -> None:
    assert size_class(np.array([size])).tolist() == [made]


@given(st.lists(st.integers(0, (1 << 62) - 1), min_size=1))
def test_a_class_is_no_smaller_and_less_than_twice_as_large(sizes: list[int]) -> None:
    for size, made in zip(sizes, size_class(np.array(sizes)).tolist(), strict=True):
        assert size <= made <= max(2 * size, LEAST_SIZE if size else 0)
    assert size_class(size_class(np.array(sizes))).tolist() == size_class(np.array(sizes)).tolist()


@pytest.mark.parametrize(
    ("before_ns", "hours"),
    [
        (0, 1), (1, -1), (HOUR_NS, -1), (HOUR_NS + 10_000, -2), (3 * HOUR_NS, -4), (-1, 1), (-5 * HOUR_NS, 8),
        (300 * 365 * 24 * HOUR_NS, -(1 << 20)),
    ],
)  # fmt: skip
def test_times_are_how_long_before_the_capture(before_ns: int, hours: int) -> None:
    made = time_class(np.array([START_NS - before_ns]), START_NS)
    assert made.tolist() == [EPOCH_NS + hours * HOUR_NS]
