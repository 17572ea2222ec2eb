"""The times of a run: latency.hlog (docs/formats.md), and its percentiles by kind of call and measure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from smbench.arrays import blocks
from smbench.plan.model import Plan
from smbench.run.histogram import Histogram
from smbench.run.hlog import IntervalLog, Part
from smbench.run.measures import (
    ALL,
    ANSWERED_BY_OTHERS,
    FAILED,
    HELD,
    LATENESS,
    MEASURES,
    OF_ALL,
    RESPONSE,
    SERVICE,
    Failures,
    Latency,
    Percentiles,
)
from smbench.run.warm_up import after_warm_up
from smbench.runner.call_file import KINDS
from smbench.runner.expectations import Expectations
from smbench.runner.timing import Timing
from smbench.runner.unfinished import UnfinishedCalls


def measured(
    plan: Plan, timing: Timing, warm_up_ns: int, places: NDArray[np.int64] | slice
) -> NDArray[np.bool_]:
    """Which of the places were executed, and intended after the warm-up; nothing that was done outside, or
    while the harness stood still."""
    counts = timing.executed[places] & after_warm_up(timing.intended_ns[places], warm_up_ns)
    if timing.apart is not None:
        counts &= ~timing.apart[places]
    return np.asarray(counts if plan.outside is None else counts & ~plan.of_outside(places))


@dataclass(frozen=True, slots=True)
class Histograms:
    """All times of a run."""

    by_tag: Mapping[str, Histogram]
    """`Read.response`, …; `all.…` are those of all kinds."""

    def every(self, measure: str) -> Histogram:
        """Of all kinds of calls but those that others answer."""
        return self.by_tag[f"{ALL}.{measure}"]

    def latency(self) -> dict[str, Latency]:
        """The percentiles, by kind of call in the order of the calls, and at last of all."""
        kinds = dict.fromkeys(tag.rpartition(".")[0] for tag in self.by_tag)
        return {kind: self._of(kind) for kind in kinds}

    def _of(self, kind: str) -> Latency:
        its = {measure: self.by_tag[f"{kind}.{measure}"] for measure in MEASURES}
        failed = its[FAILED].percentiles()
        return Latency(
            count=its[SERVICE].total,
            service=its[SERVICE].percentiles(),
            response=its[RESPONSE].percentiles(),
            lateness=its[LATENESS].percentiles(),
            held=its[HELD].percentiles(),
            failed=Failures(
                count=its[FAILED].total,
                **{name: getattr(failed, name) for name in Percentiles.__struct_fields__},
            ),
        )


@dataclass(frozen=True, slots=True)
class Times:
    """The times of a plan's operations beside what the capture expected of each."""

    plan: Plan
    expectations: Expectations
    timing: Timing
    warm_up_ns: int
    unfinished: UnfinishedCalls
    """They have a response time alone: at least their age."""

    def write(self, path: Path, start_epoch_ns: int) -> Histograms:
        """Write latency.hlog; the histograms of the whole run come back."""
        present, end_ns = np.zeros(len(KINDS), np.int64), 0
        for block in blocks(self.plan.operations):
            mine = measured(self.plan, self.timing, self.warm_up_ns, block)
            present += np.bincount(self.expectations.kinds(block)[mine], minlength=len(KINDS))
            end_ns = max(end_ns, int(self.timing.completed_ns[block][mine].max(initial=0)))
        aged = self._aged()
        present += np.bincount(self.expectations.kinds(self.unfinished.places[aged]), minlength=len(KINDS))
        log = IntervalLog(max(end_ns, int(self.unfinished.until_ns[aged].max(initial=0))))
        every = {measure: Histogram() for measure in MEASURES}
        by_tag: dict[str, Histogram] = {}
        for number in np.flatnonzero(present).tolist():
            kind = KINDS[number].__name__
            for measure in MEASURES:
                tag = f"{kind}.{measure}"
                by_tag[tag] = log.count(tag, self._parts(number, measure))
                if kind not in ANSWERED_BY_OTHERS:
                    every[measure].add(by_tag[tag])
        log.write(path, start_epoch_ns)
        return Histograms(by_tag | {f"{ALL}.{measure}": one for measure, one in every.items()})

    def _parts(self, kind: int, measure: str) -> Iterator[Part]:
        timing = self.timing
        values_ns = timing.service_ns if measure == FAILED else getattr(timing, f"{measure}_ns")
        for block in blocks(self.plan.operations):
            mine = measured(self.plan, timing, self.warm_up_ns, block) & (
                self.expectations.kinds(block) == kind
            )
            places = block.start + np.flatnonzero(mine)
            if measure not in OF_ALL:
                failed = self.expectations.failed(places, timing.outcome[places])
                places = places[failed if measure == FAILED else ~failed]
            if len(places):
                yield timing.completed_ns[places], values_ns(places)
        if measure == RESPONSE:
            calls = self.unfinished
            mine = self._aged() & (self.expectations.kinds(calls.places) == kind)
            if mine.any():
                until_ns = calls.until_ns[mine]
                yield until_ns, until_ns - timing.intended_ns[calls.places[mine]]

    def _aged(self) -> NDArray[np.bool_]:
        """Which of the unfinished calls were intended after the warm-up, and not while the harness stood
        still."""
        places = self.unfinished.places
        counts = after_warm_up(self.timing.intended_ns[places], self.warm_up_ns)
        return np.asarray(counts if self.timing.apart is None else counts & ~self.timing.apart[places])
