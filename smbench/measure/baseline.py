"""A run of before as figures: what a threshold as `read.response.p99<1.1x` is held against."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from smbench.errors import UsageError
from smbench.measure.judging import Extent, Figures
from smbench.run.histogram import Histogram
from smbench.run.hlog import read_hlog
from smbench.run.model import ALL, MEASURES


def figures_of(document: Mapping[str, Any], histograms: Mapping[str, Histogram] | None = None) -> Figures:
    """What a run's run.json says; without `histograms` nothing of its times."""
    histograms = histograms or {}
    operations = document["operations"]
    executed = operations["executed"]
    return Figures(
        extent=Extent(
            times={tag: one.total for tag, one in histograms.items()},
            planned=operations["planned"],
            executed=executed,
            compared=executed - (operations.get("unanswered") or 0),
            measured=executed - (document.get("warm_up") or {}).get("operations", 0),
            executor=document["configuration"]["executor"],
            compares=operations.get("compared", True),
            skipped={row["kind"]: row["reason"] for row in document.get("skipped", [])},
        ),
        histograms=histograms,
        errors=operations.get("errors") or 0,
        mismatches=operations["mismatched"] or 0,
        skipped=operations["skipped"],
        throughput=document["throughput"],
    )


def read_baseline(latency: Path, document: Mapping[str, Any]) -> Figures:
    """A run with its times: `latency` is its latency.hlog. UsageError where that cannot be read."""
    histograms: dict[str, Histogram] = {}
    try:
        for logged in read_hlog(latency):
            kind, measure = logged.tag.split(".")
            for tag in (f"{kind}.{measure}", f"{ALL}.{measure}"):
                histograms.setdefault(tag, Histogram()).add(logged.histogram)
    except FileNotFoundError:
        raise UsageError(f"cannot read the baseline's {latency}: it is missing; replay it again") from None
    for kind, one in document["latency"].items():
        for measure in MEASURES:
            # A log tells the largest value as exactly as its bucket is wide.
            if (tag := f"{kind}.{measure}") in histograms and measure in one:
                histograms[tag].max_ns = one[measure]["max_ns"]
    return figures_of(document, histograms)
