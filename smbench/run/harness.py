"""What a run tells of the harness itself: where it stood still, clocks that were set, and calls that never
came back."""

from __future__ import annotations

from msgspec import Struct

from smbench.run.numbers import Seconds
from smbench.stored import Count


class Standstill(Struct, frozen=True, kw_only=True):
    """A time in which processes of the harness, or the machine, did nothing."""

    who: str
    """For people."""
    cause: str
    """`standstill` of processes, or `suspend` of the machine."""
    controller: bool
    """Whether the process that looks after the workers was among them."""
    workers: tuple[int, ...]
    """The others, by their number."""
    at_s: Seconds
    """Since the start of the run."""
    lasted_s: Seconds
    operations: Count
    """Those of these workers that were due or in flight meanwhile."""


class StoodStill(Struct, frozen=True, kw_only=True):
    """What was due or in flight while the harness stood still: carried out and compared, and in no time and
    no rate."""

    seconds: Seconds = 0.0
    operations: Count = 0
    """Each once, without those of the warm-up."""
    periods: tuple[Standstill, ...] = ()
    """The first hundred."""


class ClockSet(Struct, frozen=True, kw_only=True):
    """The wall clock was set."""

    at_s: Seconds
    by_s: float
    """Forward, or back (below 0)."""


class Unfinished(Struct, frozen=True, kw_only=True):
    """A call that was in flight when its worker ended."""

    operation: Count
    user: str
    lane: Count
    kind: str
    path: str
    issued_s: Seconds
    """Since the start of the run."""
    lasted_s: Seconds
    """Until it was given up: at least so long it would have taken."""
