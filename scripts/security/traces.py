"""Damaged captures and senseless traces, through decoder and lift: the product's own errors and no others."""

from __future__ import annotations

from collections.abc import Iterator

from security.row import Row
from security.script import carried_out

_TRACES, _CAPTURES = 5_000, 1_000


def rows(short: bool) -> Iterator[Row]:
    """What scripts/mutate-traces and scripts/mutate-captures say of so many."""
    traces, captures = (_TRACES // 20, _CAPTURES // 20) if short else (_TRACES, _CAPTURES)
    yield carried_out("senseless traces (scripts/mutate-traces)", traces, "mutate-traces", str(traces))
    yield carried_out(
        "damaged captures (scripts/mutate-captures)", captures, "mutate-captures", "--count", str(captures)
    )
