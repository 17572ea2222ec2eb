"""Ratios as people read them: rounded towards the bad side, in one place.

So 1.0000 says that nothing is missing and 0.00 % that nothing differs, and a figure that is shown beside its
aim does not meet it by its rounding. Nothing of nothing is no ratio: None, null in JSON, a dash for people.
"""

from __future__ import annotations

import math
from decimal import Decimal
from enum import Enum
from fractions import Fraction

NO_RATIO = "–"


class Bad(Enum):
    """Which way a ratio gets worse."""

    LOW = "low"
    """Recall, precision, what is done of a whole."""
    HIGH = "high"
    """Mismatches, inversions, distances, errors, costs."""
    APART = "apart"
    """From 1: the latency of a replay as a multiple of the capture's."""


def share_of(part: int, whole: int) -> float | None:
    """`part` of `whole`; None of nothing."""
    return part / whole if whole else None


def format_ratio(value: float | Fraction | None, digits: int = 4, bad: Bad = Bad.LOW) -> str:
    """`0.9995` from 2,004/2,005: with `digits` decimals; a dash for None.

    A float counts as the shortest decimal that it is written as, so that 0.29 stays 0.29.
    """
    return NO_RATIO if value is None else f"{_rounded(_exact(value), digits, bad):,.{digits}f}"


def format_percent(value: float | Fraction, digits: int = 2, bad: Bad = Bad.HIGH) -> str:
    """`0.01 %` from 1/100,000."""
    return f"{_rounded(100 * _exact(value), digits, bad):,.{digits}f} %"


def round_ratio(value: float | Fraction, digits: int, bad: Bad) -> float:
    """The same for JSON."""
    return float(_rounded(_exact(value), digits, bad))


def _exact(value: float | Fraction) -> Fraction:
    return value if isinstance(value, Fraction) else Fraction(repr(float(value)))


def _rounded(exact: Fraction, digits: int, bad: Bad) -> Decimal:
    up = bad is Bad.HIGH or (bad is Bad.APART and exact > 1)
    return Decimal((math.ceil if up else math.floor)(exact * 10**digits)).scaleb(-digits)
