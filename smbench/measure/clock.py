"""The one clock of a run: CLOCK_MONOTONIC in nanoseconds, the same for all processes of a machine."""

from __future__ import annotations

import time

now_ns = time.monotonic_ns
"""Nanoseconds since a moment that all processes share and that no clock adjustment moves."""


def epoch_of(monotonic_ns: int) -> int:
    """Nanoseconds since 1970 of a reading of `now_ns`."""
    return time.time_ns() - time.monotonic_ns() + monotonic_ns
