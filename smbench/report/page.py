"""A run as one HTML page that opens without a network: the verdict first, then what it follows from.

It is made of the run's directory alone (and of the workload beside it, for the frames), in memory that
does not grow with the number of operations.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct, field

from smbench.errors import SetupError
from smbench.outputs import write_output
from smbench.report import charts
from smbench.report.charts import Series
from smbench.report.harness import unfinished
from smbench.report.html import document, escape
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
from smbench.run.columns import REMEDY
from smbench.run.histogram import Histogram
from smbench.run.model import OPERATIONS, Run
from smbench.run.series import read_latencies, read_operations, read_resources
from smbench.run.store import CLIENT_STATS, LATENCY, PAGE, RESOURCES
from smbench.stored import read_document


class _ClientStats(Struct, frozen=True):
    client: dict[str, int | float] = field(default_factory=dict)
    totals: dict[str, int | float] = field(default_factory=dict)


_CURVES = 7
"""Kinds that get a line, the most frequent ones; beside them `all`."""
_CURVES_OF = {"service": "service time", "response": "response time"}


def write_page(run: Run, output: Path | None = None, workload: Path | None = None) -> Path:
    """Write the page of a run that was written; its name comes back.

    `workload` is the one that was replayed; by default what lies beside the run under its name. Raises
    UsageError where the run's files cannot be read, SetupError where the page cannot be written.
    """
    path = output or run.file(PAGE)
    text = page(run, workload or find_workload(run))
    try:
        write_output(path, text)
    except OSError as error:
        raise SetupError(f"cannot write {path}: {error.strerror or error}") from None
    return path


def page(run: Run, workload: Path | None) -> str:
    """The page's text."""
    operations = read_operations(run.file(OPERATIONS), run.elapsed_s, run.warm_up_ns, run.outcomes.begun)
    latency = read_latencies(run.file(LATENCY))
    resources = read_resources(run.file(RESOURCES))
    origins = find_origins(workload, operations.slowest)
    users = [mount.user for mount in run.mounts]
    body = [
        verdict(run),
        thresholds(run.thresholds),
        latencies(run),
        _curves(latency.whole),
        time_section(operations, latency.intervals, resources, run.elapsed_s, run.warm_up.seconds),
        slowest(operations.slowest, users, origins),
        unfinished(run),
        differences(run),
        coverage(run.coverage),
        surroundings(run, _counters(run)),
    ]
    asked = run.configuration
    title = f"{asked.workload or 'a run'} on {asked.target or '–'}"
    return document(title, _subtitle(run), "\n".join(body))


def _subtitle(run: Run) -> str:
    asked = run.configuration
    speed = "" if asked.pace == "fast" else f" ×{asked.speed:g}"
    users = f"{asked.users:,} {'user' if asked.users == 1 else 'users'}"
    processes = f"{asked.processes:,} {'process' if asked.processes == 1 else 'processes'}"
    clones = f", {asked.clones:,} clones ({asked.namespace or '–'} files)" if asked.clones > 1 else ""
    begun = f" ({run.loops_begun:,} begun)" if run.loops_begun < asked.loops else ""
    loops = f", {asked.loops:,} loops{begun}" if asked.loops > 1 else ""
    return (
        f"{asked.executor}, profile {asked.profile}, pace {asked.pace}{speed}, {users} in {processes}"
        f"{clones}{loops}"
    )


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
    figures = "".join(_curve(said, measure, shown, whole) for measure, said in _CURVES_OF.items())
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


def _counters(run: Run) -> dict[str, int | float]:
    """What client_stats.json counts of the run as a whole; nothing where there is none."""
    try:
        found = read_document(run.file(CLIENT_STATS), _ClientStats, REMEDY)
    except FileNotFoundError:
        return {}
    return {**found.client, **found.totals}
