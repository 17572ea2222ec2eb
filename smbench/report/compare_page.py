"""A comparison as one HTML page that opens without a network: the scores first, then why."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from smbench.fidelity.comparison import Comparison, Score, durations
from smbench.fidelity.latency import LatencyDifference
from smbench.fidelity.result import Candidate, Result
from smbench.fidelity.rows import Rows
from smbench.ranks import percentile
from smbench.ratios import format_ratio, share_of
from smbench.report import charts
from smbench.report.charts import Series
from smbench.report.compare_text import NOT_COMPARED, apart_told, capture_warnings, same_outcome
from smbench.report.compare_why import Wired, kept, operations, why
from smbench.report.html import distance, document, duration, escape, facts, multiple, part_of
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


def page(result: Result, limit: int | None = None) -> str:
    """The page for a result; `limit` is how many paths and differences are listed at most."""
    reference, wired, runs = result.reference, result.wired, result.runs
    parts = [_warnings(result), _cards(result.candidates)]
    if wired:
        samples: Samples = [
            (f"{reference.name} (reference)", wired[0][1].rows[0]),
            *((name, compared.rows[1]) for name, compared in wired),
        ][:_SERIES]
        keys = _legend([name for name, _ in samples])
        parts += [
            f"<h2>By command</h2>{keys}",
            _commands(wired),
            _curves(samples, keys),
            _timeline(samples, keys),
            kept(wired),
        ]
        parts += [why(name, compared, number, limit) for number, (name, compared) in enumerate(wired)]
    if runs:
        parts.append(operations(runs))
    title = f"{reference.name} compared with {', '.join(one.name for one in result.candidates)}"
    return document(title, _subtitle(result), "\n".join(parts))


def _subtitle(result: Result) -> str:
    info, rows = result.reference.info, result.rows
    users = f"{len(info.users)} {'user' if len(info.users) == 1 else 'users'}"
    answerable = "" if rows is None else f", {len(rows):,} of them a replay is answerable for"
    return f"reference: {info.exchanges:,} exchanges of {users} in {info.duration_ns / 1e9:.3g} s{answerable}"


def _warnings(result: Result) -> str:
    """What the captures themselves lack, before any figure."""
    return "".join(
        f'<p class="note bad">{escape(name)}: {escape(warning)}</p>'
        for name, warning in capture_warnings(result)
    )


def _cards(candidates: Sequence[Candidate]) -> str:
    return f'<div class="cards broad">{"".join(_card(candidate) for candidate in candidates)}</div>'


def _card(candidate: Candidate) -> str:
    scores, told = "", []
    if candidate.wire is not None:
        score = candidate.wire.wire
        scores = _big("recall", score.recall) + _big("precision", score.precision)
        told = _wire_told(candidate.wire)
    elif (run := candidate.run) is not None:
        scores, total = _outcomes_score(candidate), run.total
        carried_out = total.executed if run.compared else 0
        told = [
            ("operations", f"{carried_out:,} of {total.planned:,} carried out"),
            ("executor, profile", f"{run.executor}, {run.profile}"),
        ]
    told.append(("same outcome", same_outcome(candidate.outcomes)))
    if (moved := candidate.moved) is not None:
        told += [
            (f"bytes {what}", " → ".join(format_size(count) for count in both))
            for what, both in zip(("read", "written"), moved, strict=True)
        ]
    notes = "".join(f'<p class="note">{escape(note)}</p>' for note in candidate.notes)
    return (
        f'<section class="card"><h2>{escape(candidate.name)}</h2><div class="scores">{scores}</div>'
        f"{facts(told)}{notes}</section>"
    )


def _wire_told(compared: Comparison) -> list[tuple[str, str]]:
    score, order = compared.wire, compared.order
    breaks = " → ".join(f"{rows.tally.breaks.total():,}" for rows in compared.rows)
    medians = compared.latency["all"].percentiles_ns["p50"]
    return [
        ("matched exchanges", f"{score.matched:,} of {score.reference:,}"),
        ("missing, extra", f"{compared.differences.missing:,}, {compared.differences.extra:,}"),
        ("recall of what can be replayed", format_ratio(compared.supported.recall)),
        ("recall of what has a POSIX counterpart", format_ratio(compared.posix.recall)),
        ("pairs in another order", part_of(order.inverted, order.pairs)),
        ("lease and oplock breaks", breaks),
        ("median latency", " → ".join(duration(value) for value in medians)),
    ]


def _outcomes_score(candidate: Candidate) -> str:
    if (ended := candidate.outcomes) is None:
        return f'<div class="score"><b class="dim">{NOT_COMPARED}</b>outcomes</div>'
    return _big("same outcome", share_of(ended.matched, ended.matched + ended.mismatched))


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


def _commands(wired: Wired) -> str:
    """A row a command: counts as bars, then the scores and latencies of every candidate."""
    names = list(dict.fromkeys(command for _, compared in wired for command in compared.by_command))
    counts = {name: _counts(wired, name) for name in names}
    largest = max((value for values in counts.values() for value in values), default=1)
    head = "<th>command</th><th>exchanges</th>" + "".join(
        f'<th class="n">{escape(name)}: recall</th><th class="n">precision</th>'
        '<th class="n">p50</th><th class="n">p99</th><th class="n">distance</th>'
        for name, _ in wired
    )
    rows = []
    for name in names:
        said = [f"{value:,}" for value in counts[name]]
        bars = charts.bar_pair(
            [(float(value), f"{name}: {text}") for value, text in zip(counts[name], said, strict=True)],
            float(largest),
        )
        cells = "".join(_command_cells(compared, name) for _, compared in wired)
        rows.append(
            f'<tr><td class="name">{escape(name)}</td>'
            f"<td>{bars}<small>{' → '.join(said)}</small></td>{cells}</tr>"
        )
    return (
        f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table></div>'
        "<p class=\"dim\">p50 and p99: the candidate's latency as a multiple of the reference's. Distance: "
        "Kolmogorov-Smirnov, 0 the same distribution, 1 nothing in common.</p>"
        + "".join(
            f'<p class="dim">{escape(name)}: {escape(apart)}</p>'
            for name, compared in wired
            if (apart := apart_told(compared))
        )
    )


def _counts(wired: Wired, command: str) -> list[int]:
    scores = [compared.by_command.get(command, Score()) for _, compared in wired]
    reference = next((score.reference for score in scores if score.reference), 0)
    return [reference, *(score.candidate for score in scores)][:_SERIES]


def _command_cells(compared: Comparison, command: str) -> str:
    score = compared.by_command.get(command)
    if score is None:
        return '<td class="n">–</td>' * 5
    latency = compared.latency[command]
    shares = "".join(
        f'<td class="n {_grade(share)}">{format_ratio(share, 3)}</td>'
        for share in (score.recall, score.precision)
    )
    times = "".join(_times_cell(latency, key) for key in ("p50", "p99"))
    return f'{shares}{times}<td class="n">{distance(latency.distance)}</td>'


def _times_cell(latency: LatencyDifference, key: str) -> str:
    said = " → ".join(duration(value) for value in latency.percentiles_ns[key])
    return f'<td class="n" title="{escape(said)}">{multiple(latency.ratios[key])}</td>'


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
