"""How long a thread was ready to run and had no processor: what the scheduler adds to every time."""

from __future__ import annotations

from pathlib import Path

_SCHEDSTAT = Path("/proc/thread-self/schedstat")
"""On a processor, waiting for one, and time slices so far (Documentation/scheduler/sched-stats.rst)."""


def waited_ns() -> int | None:
    """The calling thread's waits for a processor until now; None where the system does not tell."""
    try:
        return int(_SCHEDSTAT.read_bytes().split()[1])
    except (OSError, IndexError, ValueError):
        return None
