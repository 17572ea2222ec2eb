"""A comparison as one HTML page that opens without a network: the scores first, then why.

What is shown is the document of `smbench.report.compare`; only the curves need the samples themselves.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from importlib.resources import files
from string import Template
from typing import Any

import numpy as np
from numpy.typing import NDArray

from smbench.fidelity.comparison import Comparison, durations
from smbench.fidelity.rows import Rows
from smbench.ranks import percentile
from smbench.ratios import format_ratio, share_of
from smbench.report import charts
from smbench.report.charts import Series
from smbench.report.compare_text import NOT_COMPARED, apart_told, same_outcome
from smbench.report.compare_why import kept, operations, why
from smbench.report.html import distance, duration, facts, multiple, part_of
from smbench.trace.model import Command, command_name
from smbench.units import format_size

_SERIES = 6
"""Colours of the style sheet: the reference's and those of five candidates."""
_SLICES = 160
_GOOD, _FAIR = 0.98, 0.90
_WAITING = ("CHANGE_NOTIFY",)

Numbers = NDArray[np.int64]
Samples = Sequence[tuple[str, Rows]]
"""Reference and candidates with a wire: names and rows."""


def page(result: dict[str, Any], compared: Sequence[Comparison]) -> str:
    """The page for a result; `compared` holds its candidates that have a wire."""
    candidates = result["candidates"]
    wired = [candidate for candidate in candidates if candidate.get("wire")]
    samples: list[tuple[str, Rows]] = []
    if compared:
        samples = [(f"{result['reference']['name']} (reference)", compared[0].rows[0])]
        samples += [(one.candidate.name, one.rows[1]) for one in compared]
    samples = samples[:_SERIES]
    parts = [_warnings([result["reference"], *candidates]), _cards(candidates)]
    if wired:
        keys = _legend([name for name, _ in samples])
        parts += [
            f"<h2>By command</h2>{keys}",
            _commands(wired),
            _curves(samples, keys),
            _timeline(samples, keys),
            kept(wired),
        ]
        for number, candidate in enumerate(wired):
            parts.append(why(candidate, number))
    runs = [candidate for candidate in candidates if candidate["run"]]
    if runs:
        parts.append(operations(runs))
    reference = result["reference"]
    return Template(files("smbench.report").joinpath("page.html").read_text("utf-8")).substitute(
        title=escape(f"{reference['name']} compared with {', '.join(one['name'] for one in candidates)}"),
        subtitle=escape(
            f"reference: {reference['exchanges']:,} exchanges of {len(reference['users'])} "
            f"{'user' if len(reference['users']) == 1 else 'users'} in {reference['duration_s']:.3g} s"
            + (
                f", {reference['answerable']:,} of them a replay is answerable for"
                if "answerable" in reference
                else ""
            )
        ),
        body="\n".join(parts),
    )


def _warnings(sides: Sequence[dict[str, Any]]) -> str:
    """What the captures themselves lack, before any figure."""
    return "".join(
        f'<p class="note bad">{escape(side["name"])}: {escape(warning)}</p>'
        for side in sides
        for warning in side["warnings"]
    )


def _cards(candidates: Sequence[dict[str, Any]]) -> str:
    return f'<div class="cards broad">{"".join(_card(candidate) for candidate in candidates)}</div>'


def _card(candidate: dict[str, Any]) -> str:
    wire, outcomes = candidate.get("wire"), candidate["outcomes"]
    scores = ""
    told: list[tuple[str, str]] = []
    if wire:
        supported = wire["supported"]
        scores = _big("recall", wire["recall"]) + _big("precision", wire["precision"])
        order, latency = candidate["order"], candidate["latency"]["all"]
        told = [
            ("matched exchanges", f"{wire['matched']:,} of {wire['reference']:,}"),
            ("missing, extra", f"{candidate['missing']['count']:,}, {candidate['extra']['count']:,}"),
            ("recall of what can be replayed", format_ratio(supported["recall"])),
            ("recall of what has a POSIX counterpart", format_ratio(wire["posix"]["recall"])),
            ("pairs in another order", part_of(order["inverted"], order["pairs"])),
            ("lease and oplock breaks", " → ".join(f"{count:,}" for count in candidate["leases"]["breaks"])),
            ("median latency", " → ".join(duration(value) for value in latency["p50_ns"])),
        ]
    else:
        run = candidate["run"]
        total = run["operations"]
        scores = _outcomes_score(outcomes)
        told = [
            ("operations", f"{total['executed'] or 0:,} of {total['planned']:,} carried out"),
            ("executor, profile", f"{run['executor']}, {run['profile']}"),
        ]
    told.append(("same outcome", same_outcome(outcomes)))
    if moved := candidate["bytes"]:
        told += [
            ("bytes read", " → ".join(format_size(count) for count in moved["read"])),
            ("bytes written", " → ".join(format_size(count) for count in moved["written"])),
        ]
    notes = "".join(f'<p class="note">{escape(note)}</p>' for note in candidate["notes"])
    return (
        f'<section class="card"><h2>{escape(candidate["name"])}</h2><div class="scores">{scores}</div>'
        f"{facts(told)}{notes}</section>"
    )


def _outcomes_score(outcomes: dict[str, int] | None) -> str:
    if outcomes is None:
        return f'<div class="score"><b class="dim">{NOT_COMPARED}</b>outcomes</div>'
    compared = outcomes["matched"] + outcomes["mismatched"]
    return _big("same outcome", share_of(outcomes["matched"], compared))


def _big(name: str, share: float | None) -> str:
    said = format_ratio(share, 3)
    return f'<div class="score"><b class="{_grade(share)}">{said}</b>{escape(name)}</div>'


def _grade(share: float | None) -> str:
    if share is None:
        return "dim"
    return "good" if share >= _GOOD else "fair" if share >= _FAIR else "bad"


def _legend(names: Iterable[str]) -> str:
    keys = "".join(
        f'<span><i class="key s{number}"></i>{escape(name)}</span>' for number, name in enumerate(names)
    )
    return f'<p class="legend">{keys}</p>'


def _commands(wired: Sequence[dict[str, Any]]) -> str:
    """A row a command: counts as bars, then the scores and latencies of every candidate."""
    names = list(dict.fromkeys(name for one in wired for name in one["wire"]["by_command"]))
    counts = {name: _counts(wired, name) for name in names}
    largest = max((value for values in counts.values() for value in values), default=1)
    head = "<th>command</th><th>exchanges</th>" + "".join(
        f'<th class="n">{escape(one["name"])}: recall</th><th class="n">precision</th>'
        '<th class="n">p50</th><th class="n">p99</th><th class="n">distance</th>'
        for one in wired
    )
    rows = []
    for name in names:
        said = [f"{value:,}" for value in counts[name]]
        bars = charts.bar_pair(
            [(float(value), f"{name}: {text}") for value, text in zip(counts[name], said, strict=True)],
            float(largest),
        )
        cells = "".join(_command_cells(one, name) for one in wired)
        rows.append(
            f'<tr><td class="name">{escape(name)}</td>'
            f"<td>{bars}<small>{' → '.join(said)}</small></td>{cells}</tr>"
        )
    return (
        f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table></div>'
        "<p class=\"dim\">p50 and p99: the candidate's latency as a multiple of the reference's. Distance: "
        "Kolmogorov-Smirnov, 0 the same distribution, 1 nothing in common.</p>"
        + "".join(
            f'<p class="dim">{escape(one["name"])}: {escape(apart)}</p>'
            for one in wired
            if (apart := apart_told(one["latency"]))
        )
    )


def _counts(wired: Sequence[dict[str, Any]], name: str) -> list[int]:
    scores = [one["wire"]["by_command"].get(name) for one in wired]
    reference = next((score["reference"] for score in scores if score), 0)
    return [reference, *(score["candidate"] if score else 0 for score in scores)][:_SERIES]


def _command_cells(candidate: dict[str, Any], name: str) -> str:
    score = candidate["wire"]["by_command"].get(name)
    if score is None:
        return '<td class="n">–</td>' * 5
    latency = candidate["latency"][name]
    shares = "".join(
        f'<td class="n {_grade(score[key])}">{format_ratio(score[key], 3)}</td>'
        for key in ("recall", "precision")
    )
    times = "".join(_times_cell(latency, key) for key in ("p50", "p99"))
    return f'{shares}{times}<td class="n">{distance(latency["distance"])}</td>'


def _times_cell(latency: dict[str, Any], key: str) -> str:
    ratio = latency[f"{key}_ratio"]
    said = " → ".join(duration(value) for value in latency[f"{key}_ns"])
    return f'<td class="n" title="{escape(said)}">{multiple(ratio)}</td>'


def _curves(samples: Samples, keys: str) -> str:
    """Latency by percentile, a chart a command."""
    commands = sorted({int(number) for _, rows in samples for number in np.unique(rows["command"])})
    figures = [
        _curve(command_name(command), [(name, durations(rows, command)) for name, rows in samples])
        for command in commands
        if command != Command.CHANGE_NOTIFY
    ]
    every = _curve("all commands", [(name, durations(rows)) for name, rows in samples])
    return (
        f"<h2>Latency</h2>{keys}"
        f'<div class="charts">{every}{"".join(figures)}</div>'
        '<p class="dim">From request to final response; both axes logarithmic. Waiting requests '
        f"({', '.join(_WAITING)}, LOCK) are not in the first.</p>"
    )


def _curve(name: str, samples: Sequence[tuple[str, Numbers]]) -> str:
    filled = [(number, who, np.sort(sample)) for number, (who, sample) in enumerate(samples) if len(sample)]
    if not filled:
        return ""
    count = max(len(sample) for _, _, sample in filled)
    x = charts.percentile_axis(count)
    y = charts.log_axis(
        float(min(max(1, sample[0]) for _, _, sample in filled)),
        float(max(sample[-1] for _, _, sample in filled)),
    )
    series = []
    for number, who, sample in filled:
        shares = charts.percentiles(len(sample))
        values = [float(percentile(sample, share)) for share in shares]
        series.append(Series(f"{who}: {len(sample):,}", number, list(zip(shares, values, strict=True))))
    chart = charts.line_chart(series, x, y, stepped=True)
    return f"<figure><figcaption>{escape(name)}</figcaption>{chart}</figure>"


def _timeline(samples: Samples, keys: str) -> str:
    """Exchanges a second over each side's own time."""
    spans = [_span(rows) for _, rows in samples]
    longest_s = max((end - begin for begin, end in spans), default=0) / 1e9 or 1e-3
    width_s = longest_s / _SLICES
    series, busiest = [], 0.0
    for number, ((name, rows), (begin, end)) in enumerate(zip(samples, spans, strict=True)):
        if not len(rows):
            continue
        slices = np.minimum(_SLICES - 1, ((rows["time_ns"] - begin) / 1e9 / width_s).astype(np.int64))
        rates = np.bincount(slices) / width_s
        busiest = max(busiest, float(rates.max()))
        points = [(at * width_s, float(rate)) for at, rate in enumerate(rates.tolist())]
        series.append(Series(name, number, [*points, (max((end - begin) / 1e9, points[-1][0]), 0.0)]))
    x = charts.linear_axis(longest_s, lambda value: f"{value:g} s", "since the side's first exchange", 8)
    y = charts.linear_axis(busiest, lambda value: f"{value:,.0f}/s")
    chart = charts.line_chart(series, x, y, width=1180, height=240, stepped=True)
    return f"<h2>Timeline: exchanges a second</h2>{keys}<figure>{chart}</figure>"


def _span(rows: Rows) -> tuple[int, int]:
    times = rows["time_ns"]
    return (int(times[0]), int(times[-1])) if len(times) else (0, 0)
