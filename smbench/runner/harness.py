"""How the harness itself fared, as the controller sees it while a run goes on: gaps in the heartbeats of
all its processes, and clocks that were set."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from smbench.measure.standstill import CONTROLLER, ClockStep, ClockWatch, Gap, Pulse
from smbench.runner.heartbeat import Heartbeats, InFlight


@dataclass(slots=True)
class Fared:
    """What was seen; by readings of the clock."""

    gaps: list[Gap] = field(default_factory=list)
    steps: list[ClockStep] = field(default_factory=list)
    in_flight: list[InFlight] = field(default_factory=list)
    """Calls that were out when their worker ended, or was killed."""


class HarnessWatch:
    """Looks at each turn of the controller's loop, which means to sleep `period_ns`; `fared` has what it
    saw."""

    def __init__(self, beats: Heartbeats, period_ns: int, fared: Fared) -> None:
        self._beats, self._fared = beats, fared
        self._pulse = Pulse(CONTROLLER, period_ns)
        self._clocks = ClockWatch()

    def look(self) -> None:
        """The controller's own beat, and the clocks."""
        if (gap := self._pulse.beat()) is not None:
            self._fared.gaps.append(gap)
        self._fared.steps += self._clocks.look()

    def end(self, running: Iterable[int], now: int) -> None:
        """The workers' gaps, and of those that still run the ones that go on."""
        self._fared.gaps += [*self._beats.gaps(), *self._beats.still(running, now)]


def shifted(fared: Fared, by_ns: int, places: int, lanes: int) -> Fared:
    """The same of a loop that began so much later, whose first place and lane have these numbers in the
    whole."""
    return Fared(
        [Gap(one.process, one.begin_ns + by_ns, one.end_ns + by_ns) for one in fared.gaps],
        [ClockStep(one.at_ns + by_ns, one.by_ns, one.suspended) for one in fared.steps],
        [
            InFlight(one.lane + lanes, one.place + places, one.issued_ns + by_ns, one.until_ns + by_ns)
            for one in fared.in_flight
        ],
    )


def together(parts: Sequence[Fared]) -> Fared:
    """All of them."""
    return Fared(
        [gap for part in parts for gap in part.gaps],
        [step for part in parts for step in part.steps],
        [call for part in parts for call in part.in_flight],
    )
