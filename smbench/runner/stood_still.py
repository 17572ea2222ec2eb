"""What standstills of the harness mean for a run: who, when and how long, and which operations they
touched."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from smbench.arrays import blocks, long_array
from smbench.measure.standstill import CONTROLLER, ClockStep, Gap
from smbench.plan.model import Plan
from smbench.run.harness import ClockSet, Standstill, StoodStill
from smbench.run.warm_up import after_warm_up
from smbench.runner.harness import Fared
from smbench.runner.timing import Timing
from smbench.runner.verdict import users_named
from smbench.units import format_ns, format_s

_KEPT = 100
_NAMED = 3
_NEVER = (1 << 63) - 1
_LOOK_NS = 200_000_000
"""A suspend lies this long before it was seen, at most: two looks of the controller."""
STANDSTILL, SUSPEND = "standstill", "suspend"


@dataclass(slots=True)
class _Period:
    """Gaps that overlap; in nanoseconds since the start of the run."""

    begin_ns: int
    end_ns: int
    gaps: list[Gap]
    suspended_ns: int = 0


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of it."""

    told: StoodStill
    clocks: tuple[ClockSet, ...]
    sentences: list[str]
    """Why the run is not valid; none where nothing was seen."""
    apart: NDArray[np.bool_] | None
    """The places whose operations were due or in flight meanwhile; None where there are none."""


def stood_still(
    plan: Plan, fared: Fared, start_ns: int, times: Timing, warm_up_ns: int, whole: bool
) -> Verdict:
    """Judge what was seen of a run. `whole`: it came to its end by itself, after which nobody stands
    still."""
    end_ns = int(times.completed_ns.max(initial=0)) if whole else _NEVER
    periods = [
        *_periods(fared.gaps, start_ns, end_ns),
        *_suspends([step for step in fared.steps if step.suspended], start_ns, plan),
    ]
    steps = [step for step in fared.steps if not step.suspended and 0 <= step.at_ns - start_ns <= end_ns]
    clocks = tuple(ClockSet(at_s=(one.at_ns - start_ns) / 1e9, by_s=one.by_ns / 1e9) for one in steps)
    apart = long_array(plan.operations, np.bool_) if periods else None
    told, sentences = [], []
    for period in periods[:_KEPT]:
        count = 0
        for block, touched in _touched(plan, period, times):
            assert apart is not None
            apart[block] |= touched
            mine = touched & after_warm_up(times.intended_ns[block], warm_up_ns) & ~plan.of_outside(block)
            count += int(mine.sum())
        told.append(_told(plan, period, count))
        sentences.append(_sentence(told[-1]))
    return Verdict(
        told=StoodStill(
            seconds=sum(one.lasted_s for one in told),
            operations=0 if apart is None else _count(plan, apart, times, warm_up_ns),
            periods=tuple(told),
        ),
        clocks=clocks,
        sentences=[*sentences, *map(_clock_sentence, clocks)],
        apart=apart,
    )


def _periods(gaps: Sequence[Gap], start_ns: int, end_ns: int) -> list[_Period]:
    """Gaps within the run, those together that overlap."""
    found: list[_Period] = []
    for gap in sorted(gaps, key=lambda gap: gap.begin_ns):
        begin, end = max(gap.begin_ns - start_ns, 0), gap.end_ns - start_ns
        if end <= 0 or begin >= end_ns:
            continue
        if found and begin < found[-1].end_ns:
            found[-1].end_ns = max(found[-1].end_ns, end)
            found[-1].gaps.append(Gap(gap.process, begin, end))
        else:
            found.append(_Period(begin, end, [Gap(gap.process, begin, end)]))
    return found


def _suspends(steps: Sequence[ClockStep], start_ns: int, plan: Plan) -> list[_Period]:
    """The run's clock stood meanwhile: what was in flight then is what was touched."""
    found = []
    for step in steps:
        end = step.at_ns - start_ns
        if end > 0:
            begin = max(end - _LOOK_NS, 0)
            everybody = [Gap(process, begin, end) for process in (CONTROLLER, *range(plan.processes))]
            found.append(_Period(begin, end, everybody, step.by_ns))
    return found


def _touched(plan: Plan, period: _Period, times: Timing) -> Iterator[tuple[slice, NDArray[np.bool_]]]:
    """Which executed operations were due or in flight while their worker stood still, block by block."""
    begin, end = np.full(plan.processes, _NEVER, np.int64), np.full(plan.processes, -1, np.int64)
    for gap in period.gaps:
        if gap.process != CONTROLLER:
            begin[gap.process] = min(begin[gap.process], gap.begin_ns)
            end[gap.process] = max(end[gap.process], gap.end_ns)
    for block in blocks(plan.operations):
        process = plan.lane_process[plan.lanes_at(np.arange(block.start, block.stop))]
        due_before = times.intended_ns[block] < end[process]
        yield block, times.executed[block] & due_before & (times.completed_ns[block] > begin[process])


def _count(plan: Plan, apart: NDArray[np.bool_], times: Timing, warm_up_ns: int) -> int:
    return sum(
        int((apart[b] & after_warm_up(times.intended_ns[b], warm_up_ns) & ~plan.of_outside(b)).sum())
        for b in blocks(plan.operations)
    )


def _told(plan: Plan, period: _Period, operations: int) -> Standstill:
    workers = sorted({gap.process for gap in period.gaps} - {CONTROLLER})
    controller = any(gap.process == CONTROLLER for gap in period.gaps)
    lasted_ns = period.suspended_ns or period.end_ns - period.begin_ns
    return Standstill(
        who="the machine" if period.suspended_ns else _who(plan, controller, workers),
        cause=SUSPEND if period.suspended_ns else STANDSTILL,
        controller=controller,
        workers=tuple(workers),
        at_s=period.begin_ns / 1e9,
        lasted_s=lasted_ns / 1e9,
        operations=operations,
    )


def _who(plan: Plan, controller: bool, workers: Sequence[int]) -> str:
    who = ["the controller"] if controller else []
    if len(workers) == plan.processes > 1:
        who.append(f"all {len(workers):,} workers")
    elif len(workers) == 1:
        who.append(f"worker {workers[0]} ({users_named(plan, workers[0])})")
    elif workers:
        named = ", ".join(f"{one} ({users_named(plan, one)})" for one in workers[:_NAMED])
        who.append(f"{len(workers):,} workers: {named}{', …' * (len(workers) > _NAMED)}")
    return " and ".join(who)


def _sentence(one: Standstill) -> str:
    then = f"for {format_s(one.lasted_s)}, from {format_s(one.at_s)} after the start on"
    if one.cause == SUSPEND:
        said = f"the machine was suspended {then}"
    else:
        said = f"the harness stood still {then}: {one.who}"
    if not one.operations:
        return said
    were = "operation was" if one.operations == 1 else "operations were"
    return f"{said}; {one.operations:,} {were} due or in flight meanwhile, and in no time"


def _clock_sentence(one: ClockSet) -> str:
    how = "forward" if one.by_s > 0 else "back"
    by, at = format_ns(abs(one.by_s) * 1e9), format_s(one.at_s)
    return f"the system's clock was set {how} by {by}, {at} after the start"
