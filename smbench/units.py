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
    """`1.5 MiB` from bytes, with three digits that matter."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if abs(count) < 1024:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.3g} {unit}"
        count /= 1024
    return f"{count:.3g} TiB"


def format_ns(duration_ns: float) -> str:
    """`12.3 µs` from nanoseconds, with three digits that matter."""
    magnitude = abs(duration_ns)
    if magnitude < 1_000:
        return f"{duration_ns:.0f} ns"
    if magnitude < 1_000_000:
        return f"{duration_ns / 1e3:.3g} µs" if magnitude < 999_500 else f"{duration_ns / 1e6:.3g} ms"
    if magnitude < 999_500_000:
        return f"{duration_ns / 1e6:.3g} ms"
    return f"{duration_ns / 1e9:.3g} s" if magnitude < 9.995e11 else f"{duration_ns / 1e9:,.0f} s"
