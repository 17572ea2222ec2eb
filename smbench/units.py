"""Sizes and durations as people write and read them."""

from __future__ import annotations

import re
from fractions import Fraction

from smbench.errors import UsageError
from smbench.quoting import quoted

DECIMAL = r"\d{1,20}(?:\.\d{1,20})?"
"""A number as people write it. Binary fractions cannot hold most of them: they are read as Fraction."""

_SIZE_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
_DURATION_UNITS_S = {
    "": Fraction(1), "ms": Fraction(1, 1000), "s": Fraction(1), "m": Fraction(60), "min": Fraction(60),
    "h": Fraction(3600),
}  # fmt: skip


def parse_size(text: str) -> int:
    """Whole bytes from `4096`, `64K`, `1.5G`, `10MiB` (powers of 1024).

    Raises UsageError where the text is no size.
    """
    return int(exact_size(text))


def exact_size(text: str) -> Fraction:
    """`parse_size` as it is written: 0.1K are 102.4 bytes."""
    match = re.fullmatch(rf"\s*({DECIMAL})\s*([KMGT]?)(?:i?B)?\s*", text, re.IGNORECASE)
    if not match:
        raise UsageError(f"{quoted(text)} is no size: write a number with K, M, G or T behind it, e.g. 512M")
    return Fraction(match[1]) * _SIZE_UNITS[match[2].upper()]


def parse_duration_s(text: str) -> float:
    """Seconds from `90`, `1.5s`, `250ms`, `10m`, `1h`: the nearest number that there is.

    Raises UsageError where the text is no duration.
    """
    match = re.fullmatch(rf"\s*({DECIMAL})\s*(ms|s|min|m|h)?\s*", text)
    if not match:
        raise UsageError(
            f"{quoted(text)} is no duration: write seconds, or a number with ms, s, m or h behind it"
        )
    return float(Fraction(match[1]) * _DURATION_UNITS_S[match[2] or ""])


def whole_ns(seconds: float) -> int:
    """The nanosecond that is nearest: cut off, 0.29 s would be one less than it says."""
    return round(seconds * 1e9)


def format_size(count: float) -> str:
    """`1.5 MiB` from bytes, with three digits that matter, and all of a whole number below 1024; what
    `parse_size` reads again."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if abs(shown := _three_digits(count, whole=unit == "B")) < 1024:
            return f"{shown:g} {unit}"
        count /= 1024
    return f"{_three_digits(count):.15g} TiB"


def format_s(duration_s: float) -> str:
    """`12.3 s` from seconds, with three digits that matter, and all of a whole number of seconds."""
    shown = _three_digits(duration_s)
    return f"{shown:,.0f} s" if abs(shown) >= 1_000 else f"{shown:g} s"


def format_ns(duration_ns: float) -> str:
    """`12.3 µs` from nanoseconds, with three digits that matter, and all of a whole number of seconds."""
    if abs(shown := _three_digits(duration_ns, whole=True)) < 1_000:
        return f"{shown:g} ns"
    for unit, length_ns in (("µs", 1e3), ("ms", 1e6)):
        if abs(shown := _three_digits(duration_ns / length_ns)) < 1_000:
            return f"{shown:g} {unit}"
    return format_s(duration_ns / 1e9)


def _three_digits(value: float, whole: bool = False) -> float:
    """Rounded before a unit is chosen for it, lest 1023.9 KiB be 1024 of them, or 1e+03."""
    return float(round(value)) if whole or abs(value) >= 999.5 else float(f"{value:.3g}")
