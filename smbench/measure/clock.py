"""The one clock of a run, in nanoseconds, the same for all processes of a machine.

CLOCK_MONOTONIC; on Windows the performance counter, because the other one moves every 15.6 ms.
"""

from __future__ import annotations

import sys
import time

now_ns = time.perf_counter_ns if sys.platform == "win32" else time.monotonic_ns
"""Nanoseconds since a moment that all processes share and that no clock adjustment moves."""


def epoch_of(reading_ns: int) -> int:
    """Nanoseconds since 1970 of a reading of `now_ns`."""
    return time.time_ns() - now_ns() + reading_ns
