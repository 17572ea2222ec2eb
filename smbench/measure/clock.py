"""The one clock of a run, in nanoseconds, the same for all processes of a machine.

CLOCK_MONOTONIC; on Windows the performance counter, because the other one moves every 15.6 ms.
"""

from __future__ import annotations

import sys
import time

now_ns = time.perf_counter_ns if sys.platform == "win32" else time.monotonic_ns
"""Nanoseconds since a moment that all processes share and that no clock adjustment moves."""


_READINGS = 9


def epoch_of(reading_ns: int) -> int:
    """Nanoseconds since 1970 of a reading of `now_ns`.

    The two clocks are read several times, and the closest pair counts: between two reads a busy machine
    may do something else for milliseconds, by which all calls would lie beside their packets.
    """
    pairs = []
    for _ in range(_READINGS):
        before, epoch_ns, after = now_ns(), time.time_ns(), now_ns()
        pairs.append((after - before, epoch_ns - (before + after) // 2))
    return min(pairs)[1] + reading_ns
