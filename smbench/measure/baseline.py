"""A run of before as figures: what a threshold as `read.response.p99<1.1x` is held against."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from smbench.errors import UsageError
from smbench.measure.judging import Extent, Figures
from smbench.run.histogram import Histogram
from smbench.run.hlog import read_hlog
from smbench.run.measures import ALL, ANSWERED_BY_OTHERS, MEASURES
from smbench.run.model import Run
from smbench.run.store import LATENCY


def figures_of(run: Run, histograms: Mapping[str, Histogram] | None = None) -> Figures:
    """What a run says; without `histograms` nothing of its times."""
    histograms = histograms or {}
    outcomes, unfinished = run.outcomes, run.outcomes.unfinished or 0
    return Figures(
        extent=Extent(
            times={tag: one.total for tag, one in histograms.items()},
            planned=outcomes.begun,
            executed=outcomes.executed + unfinished,
            compared=outcomes.answered + unfinished,
            measured=outcomes.executed - run.warm_up.operations - run.stood_still.operations,
            executor=run.configuration.executor,
            compares=outcomes.compared,
            skipped={row.kind: row.reason for row in run.skipped},
        ),
        histograms=histograms,
        errors=(outcomes.errors or 0) + unfinished,
        mismatches=outcomes.mismatched or 0,
        skipped=outcomes.skipped,
        throughput=msgspec.structs.asdict(run.throughput),
    )


def read_baseline(run: Run) -> Figures:
    """A run with its times, of its latency.hlog. UsageError where that cannot be read."""
    path = run.file(LATENCY)
    histograms: dict[str, Histogram] = {}
    try:
        for logged in read_hlog(path):
            kind, measure = logged.tag.split(".")
            whole = () if kind in ANSWERED_BY_OTHERS else (f"{ALL}.{measure}",)
            for tag in (f"{kind}.{measure}", *whole):
                histograms.setdefault(tag, Histogram()).add(logged.histogram)
    except FileNotFoundError:
        raise UsageError(f"cannot read the baseline's {path}: it is missing; replay it again") from None
    for kind, one in run.latency.items():
        for measure in MEASURES:
            # A log tells the largest value as exactly as its bucket is wide.
            told = getattr(one, measure)
            if (tag := f"{kind}.{measure}") in histograms and told is not None and told.max_ns is not None:
                histograms[tag].max_ns = told.max_ns
    return figures_of(run, histograms)
