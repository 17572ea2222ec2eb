"""Percentiles: the one rule by which every figure that is called p50, p99, … is found.

p % of n values is the smallest of them that at least p % of all do not exceed: of the values in ascending
order the ⌈p·n/100⌉th, and never less than the first. So says HdrHistogram (Java; the Rust crate too); its C
and Python ports round the rank instead, so that their p99 of 51 to 99 values leaves out the slowest.

A percentage is the decimal that it is written as: 99.9 % of 1,000 is the 999th, although the binary fraction
nearest to 99.9 lies above it.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Value = TypeVar("Value")
Percent = float | Fraction
"""0 to 100."""


def rank(percent: Percent, count: int) -> int:
    """Which of `count` values in ascending order is the percentile: 1 the smallest, `count` the largest.

    `count` is at least 1; what is above 100 % is the largest.
    """
    share = _exact(percent)
    return min(max(-(-share.numerator * count // (100 * share.denominator)), 1), count)


def percentile(ascending: Sequence[Value] | NDArray[np.int64], percent: Percent) -> Value | np.int64:
    """The percentile of values that are sorted; there is at least one."""
    return ascending[rank(percent, len(ascending)) - 1]


@lru_cache(maxsize=1024)
def _exact(percent: Percent) -> Fraction:
    return percent if isinstance(percent, Fraction) else Fraction(repr(float(percent)))
