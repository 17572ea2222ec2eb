"""A run as one HTML page that opens without a network: the verdict first, then what it follows from.

It is made of the run's directory alone (and of the workload beside it, for the frames), in memory that
does not grow with the number of operations.
"""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any

from smbench.errors import SetupError
from smbench.report import charts
from smbench.report.charts import Series
from smbench.report.origin import find_origins, find_workload
from smbench.report.page_tables import (
    coverage,
    differences,
    latencies,
    slowest,
    surroundings,
    thresholds,
    verdict,
)
from smbench.report.page_time import legend, time_section
from smbench.run.histogram import Histogram
from smbench.run.model import OPERATIONS
from smbench.run.series import read_latencies, read_operations, read_resources
from smbench.run.store import CLIENT_STATS, LATENCY, PAGE, REMEDY, RESOURCES
from smbench.run.warm_up import warm_up_of
from smbench.stored import read_document

_CURVES = 7
"""Kinds that get a line, the most frequent ones; beside them `all`."""
_MEASURES = {"service": "service time", "response": "response time"}


def write_page(
    run: Path, document: Mapping[str, Any], output: Path | None = None, workload: Path | None = None
) -> Path:
    """Write the page of the run directory `run`, whose run.json is `document`; its name comes back.

    `workload` is the one that was replayed; by default what lies beside the run under its name. Raises
    UsageError where the run's files cannot be read, SetupError where the page cannot be written.
    """
    path = output or run / PAGE
    text = page(run, document, workload or find_workload(run, document))
    try:
        path.write_text(text, encoding="utf-8", errors="replace")
    except OSError as error:
        raise SetupError(f"cannot write {path}: {error.strerror or error}") from None
    return path


def page(run: Path, document: Mapping[str, Any], workload: Path | None) -> str:
    """The page's text."""
    elapsed_s = float(document["elapsed_s"])
    warm_up_ns = warm_up_of(document)
    operations = read_operations(run / OPERATIONS, elapsed_s, warm_up_ns)
    latency = read_latencies(run / LATENCY)
    resources = read_resources(run / RESOURCES)
    origins = find_origins(workload, operations.slowest)
    users = [mount["user"] for mount in document.get("mounts", [])]
    configuration = document["configuration"]
    body = [
        verdict(document),
        thresholds(document),
        latencies(document),
        _curves(latency.whole),
        time_section(operations, latency.intervals, resources, elapsed_s, warm_up_ns / 1e9),
        slowest(operations.slowest, users, origins),
        differences(document),
        coverage(document),
        surroundings(document, _counters(run)),
    ]
    speed = "" if configuration["pace"] == "fast" else f" ×{configuration['speed']:g}"
    return Template(files("smbench.report").joinpath("page.html").read_text("utf-8")).substitute(
        title=escape(f"{configuration.get('workload', 'a run')} on {configuration.get('target', '–')}"),
        subtitle=escape(
            f"{configuration['executor']}, profile {configuration['profile']}, pace {configuration['pace']}"
            f"{speed}, {_counted(configuration, 'users')} in {_counted(configuration, 'processes')}"
            f"{_repeated(configuration)}"
        ),
        body="\n".join(body),
    )


def _counted(configuration: Mapping[str, Any], name: str) -> str:
    count = configuration[name]
    word = {"users": "user", "processes": "process"}[name] if count == 1 else name
    return f"{count:,} {word}"


def _repeated(configuration: Mapping[str, Any]) -> str:
    clones, loops = configuration.get("clones", 1), configuration.get("loops", 1)
    said = f", {clones:,} clones ({configuration.get('namespace', '–')} files)" if clones > 1 else ""
    return said + (f", {loops:,} loops" if loops > 1 else "")


def _curves(whole: Mapping[str, Histogram]) -> str:
    """Latency by percentile: a chart a measure, a line a kind."""
    kinds = {tag.split(".")[0]: one.total for tag, one in whole.items() if tag.endswith(".service")}
    every = kinds.pop("all", 0)
    if not every:
        return ""
    shown = ["all", *sorted(kinds, key=lambda kind: -kinds[kind])[:_CURVES]]
    if len(kinds) == 1:
        shown = shown[1:]
    lines = [Series(kind, number, []) for number, kind in enumerate(shown)]
    figures = "".join(_curve(said, measure, shown, whole) for measure, said in _MEASURES.items())
    return f'<h2>Percentiles</h2><div class="charts">{figures}</div>{legend(lines)}'


def _curve(title: str, measure: str, kinds: list[str], whole: Mapping[str, Histogram]) -> str:
    found = [(number, kind, whole[f"{kind}.{measure}"]) for number, kind in enumerate(kinds)]
    count = max(histogram.total for _, _, histogram in found)
    series = []
    for number, kind, histogram in found:
        shares = charts.percentiles(histogram.total)
        values = [float(max(value, 1)) for value in histogram.percentiles_ns(shares)]
        values[-1] = float(max(histogram.max_ns, 1))
        series.append(Series(f"{kind}: {histogram.total:,}", number, list(zip(shares, values, strict=True))))
    values = [value for one in series for _, value in one.points]
    chart = charts.line_chart(
        series,
        charts.percentile_axis(count, "share of the calls that took no longer"),
        charts.log_axis(min(values), max(values)),
        height=280,
        stepped=True,
    )
    return f"<figure><figcaption>{escape(title)}</figcaption>{chart}</figure>"


def _counters(run: Path) -> dict[str, Any]:
    """client_stats.json; nothing where there is none."""
    try:
        found: dict[str, Any] = read_document(run / CLIENT_STATS, dict[str, Any], REMEDY)
    except FileNotFoundError:
        return {}
    return found
