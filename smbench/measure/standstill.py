"""Whether a process of the harness stood still, and whether the machine's clocks went on evenly.

Who stands still issues nothing and sees nothing, and afterwards its times look like a server's: one
operation a lane is late, all behind it are merely held. So each process keeps a heartbeat, which measures
its own oversleep; what a thread spends computing, or waiting for a processor, is no standstill: other rules
of validity judge it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from smbench.measure import scheduler
from smbench.measure.clock import now_ns

STANDSTILL_NS = 1_000_000_000
"""A heartbeat that comes later than this tells of a standstill; less, a busy interpreter does to any
thread."""
STEP_NS = 100_000_000
"""A clock that went so much farther than another between two looks has been set …"""
SLEW_SHARE = 0.1
"""… beyond what adjusting does to it: a tenth of the time between them at most (chronyd's maxslewrate,
adjtimex)."""

_BUSY_EVERY = 16
"""Asking what a thread did costs as much as a beat: so it is asked at each 16th, and of a late one. What it
did in the beats between makes a standstill shorter, never longer."""

CONTROLLER = -1
"""The process that starts the workers and looks after them; they have the plan's numbers."""


@dataclass(frozen=True, slots=True)
class Gap:
    """A process did nothing from one reading of the clock to another."""

    process: int
    begin_ns: int
    end_ns: int


@dataclass(frozen=True, slots=True)
class ClockStep:
    """A clock went otherwise than the one that times are taken from."""

    at_ns: int
    """Reading of the run's clock when it was seen."""
    by_ns: int
    suspended: bool
    """The machine was: the run's clock stood meanwhile (CLOCK_BOOTTIME against CLOCK_MONOTONIC). Else the
    wall clock was set (CLOCK_REALTIME)."""


def busy_ns() -> int:
    """How long the calling thread computed, or waited for a processor, until now."""
    return time.thread_time_ns() + (scheduler.waited_ns() or 0)


class Pulse:
    """One thread's heartbeat, which it means to have every `period_ns`."""

    def __init__(
        self, process: int, period_ns: int, clock: Callable[[], int] = now_ns,
        busy: Callable[[], int] = busy_ns,
    ) -> None:  # fmt: skip
        self._process, self._period_ns = process, period_ns
        self._clock, self._busy = clock, busy
        self.last_ns, self._busy_ns = clock(), busy()
        self._beats = 0

    def beat(self) -> Gap | None:
        """The gap since the last beat, where it is a standstill."""
        before_ns, self.last_ns = self.last_ns, self._clock()
        late = self.last_ns - before_ns > self._period_ns + STANDSTILL_NS
        self._beats += 1
        if not late and self._beats % _BUSY_EVERY:
            return None
        busy_before_ns, self._busy_ns = self._busy_ns, self._busy()
        asleep_ns = self.last_ns - before_ns - (self._busy_ns - busy_before_ns)
        return (
            Gap(self._process, before_ns, self.last_ns)
            if asleep_ns > self._period_ns + STANDSTILL_NS
            else None
        )


@dataclass(frozen=True, slots=True)
class Reading:
    """Three clocks at one moment."""

    at_ns: int
    wall_ns: int
    since_boot_ns: int | None
    """None where the system has no clock that goes on while it is suspended."""
    unsure_ns: int
    """How long it took to read them all."""


def read_clocks() -> Reading:
    """All clocks, now."""
    before = now_ns()
    since_boot = time.clock_gettime_ns(_BOOT_CLOCK) if _BOOT_CLOCK is not None else None
    wall = time.time_ns()
    after = now_ns()
    return Reading((before + after) // 2, wall, since_boot, after - before)


_BOOT_CLOCK: int | None = getattr(time, "CLOCK_BOOTTIME", None)


class ClockWatch:
    """Looks at the clocks now and then."""

    def __init__(self, read: Callable[[], Reading] = read_clocks) -> None:
        self._read = read
        self._last = read()

    def look(self) -> list[ClockStep]:
        """What became of them since the last look."""
        before, now = self._last, self._read()
        self._last = now
        went_ns = now.at_ns - before.at_ns
        most_ns = STEP_NS + before.unsure_ns + now.unsure_ns
        suspended_ns = 0
        if now.since_boot_ns is not None and before.since_boot_ns is not None:
            suspended_ns = now.since_boot_ns - before.since_boot_ns - went_ns
        found = []
        if suspended_ns > most_ns:
            found.append(ClockStep(now.at_ns, suspended_ns, suspended=True))
        else:
            suspended_ns = 0
        # What a machine slept, its wall clock went on: it was set by the rest.
        set_ns = now.wall_ns - before.wall_ns - went_ns - suspended_ns
        if abs(set_ns) > most_ns + SLEW_SHARE * went_ns:
            found.append(ClockStep(now.at_ns, set_ns, suspended=False))
        return found
