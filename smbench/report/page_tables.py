"""The page's words and tables: the verdict, latencies by kind, what differed and why, where it ran."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from msgspec import structs

from smbench.measure.judging import judged_value
from smbench.ratios import Bad, format_percent
from smbench.report import charts
from smbench.report.charts import Axis
from smbench.report.density import spread
from smbench.report.harness import harness_notes
from smbench.report.html import escape, facts, table
from smbench.report.origin import Origins
from smbench.report.outside import outside_notes
from smbench.report.run import (
    client_profile_note,
    count_of,
    examples,
    failed_by_kind,
    gaps_notes,
    got_of,
    key_of,
    lacks_of_capture,
    missed,
    sealed_in,
    warm_up_notes,
    where,
)
from smbench.report.text import STATISTICS, bytes_text, rate_text, statistics, time_text
from smbench.run.measures import ALL, Judged, Latency
from smbench.run.model import Run
from smbench.run.outcomes import Outcomes
from smbench.run.status import in_words
from smbench.run.surroundings import Connection, Coverage, Mount
from smbench.units import format_ns, format_size

_SHOWN = 50
_UNITS = re.compile("_s$")
"""Seconds, by the name of a value."""
_NONE_IS_TOLD = ("content", "close_gaps_s", "deadline_s")
"""What of the configuration stands there also where there was none."""
_FATES = {
    "exact": "asked for again as it was",
    "approximate": "asked for again with a difference",
    "client": "what clients do by themselves: sessions, breaks, credits",
    "unsupported": "not asked for again",
}


def verdict(run: Run) -> str:
    """The first screen: can it be trusted, did it keep to what was asked, was it true to the capture."""
    outcomes, throughput, every = run.outcomes, run.throughput, run.latency[ALL]
    response, order, how = every.response, run.order, in_words(run.stopped)
    cards = [
        _card(
            f"this run{', ' * bool(how)}{how}", "valid" if run.valid else "not valid",
            "good" if run.valid else "bad",
            [("operations", f"{outcomes.executed:,} of {outcomes.planned:,}"),
             ("in", time_text(run.elapsed_s * 1e9 if outcomes.executed else None)),
             ("lateness p99", time_text(run.lateness.p99_ns)),
             *([("warm-up", format_ns(run.warm_up_ns))] if run.warm_up_ns else []),
             ("order broken", f"{order.violated:,} of {order.edges:,} edges")],
        ),
        _thresholds_card(run.thresholds),
        _outcomes_card(outcomes),
        _card(
            "response time p99", time_text(response.p99_ns if every.count else None), "",
            [("p50", time_text(response.p50_ns if every.count else None)),
             ("operations/s", rate_text(throughput.operations_per_s)),
             ("read", bytes_text(throughput.read_bytes_per_s)),
             ("written", bytes_text(throughput.write_bytes_per_s))],
        ),
    ]  # fmt: skip
    said = [
        *(("bad", text) for text in sealed_in(run)),
        *(
            ("", text)
            for text in (*warm_up_notes(run), *harness_notes(run), *gaps_notes(run), *outside_notes(run))
        ),
        *(("bad", f"not valid: {reason}") for reason in run.reasons),
        *(("fair", f"warning: {warning}") for warning in run.warnings),
        *(("fair", text) for text in lacks_of_capture(run)),
        *(("", note) for note in run.notes),
    ]
    notes = "".join(f'<p class="note {kind}">{escape(text)}</p>' for kind, text in said)
    return f'<div class="cards">{"".join(cards)}</div>{notes}'


def _card(name: str, big: str, grade: str, told: Sequence[tuple[str, str]]) -> str:
    return (
        f'<section class="card"><div class="score"><b class="{grade}">{escape(big)}</b>{escape(name)}</div>'
        f"{facts(told)}</section>"
    )


def _thresholds_card(thresholds: Sequence[Judged]) -> str:
    if not thresholds:
        return _card("thresholds", "none", "dim", [("ask for one with", "--threshold")])
    missed = [one for one in thresholds if not one.met]
    big = f"{len(missed)} missed" if missed else "all met"
    order = [*missed, *(one for one in thresholds if one.met)]
    told = [(one.text, judged_value(one)) for one in order[:4]]
    return _card(f"of {len(thresholds)} thresholds", big, "bad" if missed else "good", told)


def _outcomes_card(outcomes: Outcomes) -> str:
    if (why := outcomes.uncompared) is not None:
        return _card("outcomes", "not compared", "dim", [("why", why)])
    mismatched, unanswered = outcomes.mismatched or 0, outcomes.unanswered
    errors = "–" if outcomes.errors is None else f"{outcomes.errors:,}"
    return _card(
        "not as in the capture",
        f"{mismatched:,}", "fair" if mismatched else "good",
        [("as in the capture", f"{outcomes.alike:,}"),
         *([("not compared, no answer in it", f"{unanswered:,}")] if unanswered else []),
         *([("by bytes or entries alone", f"{outcomes.other_amounts:,}")] if outcomes.other_amounts else []),
         ("failed, in the capture not", errors),
         ("skipped", f"{outcomes.skipped:,}")],
    )  # fmt: skip


def thresholds(judged: Sequence[Judged]) -> str:
    """All thresholds with what was measured; nothing where there were none."""
    if not judged:
        return ""
    rows = "".join(
        f'<tr><td class="name">{escape(one.text)}</td>'
        f'<td class="n">{escape(judged_value(one))}</td>'
        f'<td class="{"good" if one.met else "bad"}">'
        f"{'met' if one.met else escape(missed(one))}</td></tr>"
        for one in judged
    )
    head = '<th>threshold</th><th class="n">measured</th><th></th>'
    return (
        '<h2>Thresholds</h2><div class="wide"><table class="narrow"><thead><tr>'
        f"{head}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def latencies(run: Run) -> str:
    """A row a kind: service time as numbers and as a picture, on one axis for all; the response beside it."""
    values = [value for one in run.latency.values() for value in statistics(one.service) if value] or [1]
    y = charts.log_axis(float(min(values)), float(max(values)))
    rows = []
    for kind, one in sorted(run.latency.items(), key=lambda item: (item[0] == ALL, -item[1].count)):
        response = one.response
        times = [*statistics(one.service), response.p50_ns, response.p99_ns, response.max_ns]
        numbers = [time_text(value if one.count else None) for value in times]
        cells = "".join(f'<td class="n">{escape(number)}</td>' for number in numbers)
        rows.append(
            f'<tr{" class=total" if kind == ALL else ""}><td class="name">{escape(kind)}</td>'
            f'<td class="n">{one.count:,}</td><td>{_picture(one, y)}</td>{cells}</tr>'
        )
    low, high = y.ticks[0][1], y.ticks[-1][1]
    ends = f'<span class="ends"><span>{escape(low)}</span><span>{escape(high)}</span></span>'
    measures = [("service time", tuple(STATISTICS)), ("response time", ("p50", "p99", "max"))]
    over = "".join(f'<th class="group" colspan="{len(names)}">{name}</th>' for name, names in measures)
    under = "".join(f'<th class="n">{name}</th>' for _, names in measures for name in names)
    heads = (
        f'<tr><th rowspan="2">call</th><th class="n" rowspan="2">count</th><th rowspan="2">{ends}</th>'
        f"{over}</tr>"
        f"<tr>{under}</tr>"
    )
    return (
        f'<h2>Latency by call</h2><div class="wide"><table><thead>{heads}</thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
        '<p class="dim">Service: from issuing a call to its end. Response: from when the capture wanted it '
        "issued, so that calls that queue behind a stall count in full (no coordinated omission).</p>"
        f"{_failed(run)}"
    )


def _picture(one: Latency, y: Axis) -> str:
    told = [(name, value) for name, value in zip(STATISTICS, statistics(one.service), strict=True)
            if value is not None]  # fmt: skip
    return spread(told, y) if one.count and told else ""


def _failed(run: Run) -> str:
    """Calls that failed as the capture's did not: their times are in none of the above."""
    rows = [(kind, one.count, *map(time_text, statistics(one))) for kind, one in failed_by_kind(run)]
    if not rows:
        return ""
    return f"<h2>How long it took to fail</h2>{table(('call', 'count', *STATISTICS), rows)}" + (
        '<p class="dim">Service times of the calls that failed here and did not fail so in the capture: they '
        "are not in the table above.</p>"
    )


def slowest(rows: Sequence[Mapping[str, Any]], users: Sequence[str], origins: Origins) -> str:
    """The slowest calls, each with the exchanges that it stands for."""
    if not rows:
        return ""
    heads = ["service", "response", "at", "call", "user", "path", "outcome", "operation"]
    listed = []
    for row in rows:
        service, response = (row["completed_ns"] - row[name] for name in ("issued_ns", "intended_ns"))
        where = row["path"] or "/"
        if row["length"]:
            where += f" ({format_size(row['length'])} at {row['offset'] or 0:,})"
        user = users[row["user"]] if 0 <= row["user"] < len(users) else str(row["user"])
        times = [format_ns(value).replace(" ", "\N{NO-BREAK SPACE}")
                 for value in (service, response, row["issued_ns"])]  # fmt: skip
        one = [*times, row["kind"], user, where, row["outcome"], row["operation"]]
        listed.append([*one, origins.of.get(row["operation"], "–")] if origins.of else one)
    if origins.of:
        heads.append("in the capture")
    note = f'<p class="dim">{escape(origins.note)}</p>' if origins.note else ""
    return f"<h2>Slowest calls</h2>{table(heads, listed)}{note}"


def differences(run: Run) -> str:
    """Mismatches by cause, what was skipped, and what was carried out approximately."""
    found = examples(run)
    causes = [
        (count_of(one) if one.warm_up else one.count, one.kind, one.expected or "no answer", got_of(one),
         where(found.get(key_of(one))))
        for one in run.causes
    ]  # fmt: skip
    skipped, losses = (
        [(one.count, one.kind, one.reason) for one in rows] for rows in (run.skipped, run.losses)
    )
    outside = [] if run.outside is None else run.outside.first
    done = [(one.kind, one.path or "/", one.got or "not carried out") for one in outside]
    parts = [
        _listed("Ended otherwise than in the capture", causes,
                ("count", "call", "in the capture", "here", "for example")),
        _listed("Skipped", skipped, ("count", "call", "why")),
        _listed("Approximate", losses, ("count", "call", "what this executor could not keep")),
        _listed("First calls for somebody outside the capture", done, ("call", "path", "here")),
    ]  # fmt: skip
    return "".join(parts)


def _listed(title: str, rows: Sequence[Sequence[Any]], heads: Sequence[str]) -> str:
    if not rows:
        return ""
    further = f'<p class="dim">and {len(rows) - _SHOWN:,} more</p>' if len(rows) > _SHOWN else ""
    return f"<h2>{escape(title)}</h2>{table(heads, rows[:_SHOWN])}{further}"


def coverage(told: Coverage | None) -> str:
    """What became of the capture's exchanges on the way to a run's operations; runs of older versions do not
    say it."""
    if told is None or not told.exchanges:
        return ""
    counts = {fate: getattr(told, fate) for fate in _FATES}
    parts = "".join(
        f'<tr><td class="name">{fate}</td><td class="n">{count:,}</td>'
        f'<td class="n">{format_percent(Fraction(count, told.exchanges), 1, bad)}</td>'
        f"<td>{_FATES[fate]}</td></tr>"
        for fate, count in counts.items()
        if (bad := Bad.LOW if fate == "exact" else Bad.HIGH)
    )
    reasons = [(one.count, one.disposition, one.command, one.reason) for one in told.reasons]
    rows = table(("exchanges", "", "command", "why"), reasons[:_SHOWN]) if reasons else ""
    return (
        f"<h2>Coverage of the capture's {told.exchanges:,} exchanges</h2>"
        f'<div class="wide"><table class="narrow"><tbody>{parts}</tbody></table></div>{rows}'
    )


def surroundings(run: Run, counters: Mapping[str, int | float]) -> str:
    """Mounts with their options, the client's own counters, the configuration, versions."""
    parts = [_mounts(run.mounts)]
    if (client := client_profile_note(run)) is not None:
        parts.append(f'<p class="dim">{escape(client)}</p>')
    told = {name.replace("_", " "): value for name, value in {**run.client, **counters}.items()}
    if told:
        shown = _columns([(name, f"{value:,}") for name, value in told.items() if value])
        parts.append(f"<h2>The client's own counters</h2>{shown}")
    configuration = [
        (_UNITS.sub("", name).replace("_", " "), _value(name, value))
        for name, value in structs.asdict(run.configuration).items()
        if value is not None or name in _NONE_IS_TOLD
    ]
    versions = [(name, _value(name, value)) for name, value in run.versions.items()]
    parts.append(f"<h2>Configuration</h2>{_columns(configuration)}")
    parts.append(f"<h2>Versions</h2>{_columns(versions)}")
    return "".join(parts)


def _mounts(mounts: Sequence[Mount]) -> str:
    if not mounts:
        return ""
    if mounts[0].share is not None:
        heads = ["captured user", "account", "mounted", "connection", "options that took effect"]
        rows = [
            [whose, one.account or "–", one.led or "–", _connection(connection), options or "–"]
            for one in mounts[:_SHOWN]
            for whose, connection, options in _both(one)
        ]
    else:
        heads = ["captured user", "directory", "file system"]
        rows = [[one.user, one.root, one.filesystem or "–"] for one in mounts[:_SHOWN]]
    return _listed("Mounts", rows, heads) + (
        f'<p class="dim">and {len(mounts) - _SHOWN:,} more users</p>' if len(mounts) > _SHOWN else ""
    )


def _both(mount: Mount) -> list[tuple[str, Connection | None, str | None]]:
    """A user's mount, and the second one where there is one."""
    both = [(mount.user, mount.connection, mount.options)]
    if mount.streams is not None:
        both.append((f"{mount.user}, streams", mount.streams.connection, mount.streams.options))
    return both


def _connection(connection: Connection | None) -> str:
    if connection is None:
        return "not told by this kernel"
    flags = [name for name in ("signed", "encrypted") if getattr(connection, name)]
    return ", ".join([f"{connection.id:#x}", f"SMB {connection.dialect}", *flags])


def _columns(pairs: Sequence[tuple[str, str]]) -> str:
    return f'<div class="columns">{facts(pairs)}</div>'


def _value(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is not None and _UNITS.search(name):
        return format_ns(value * 1e9)
    if isinstance(value, tuple):
        return ", ".join(value) or "none"
    return "–" if value is None else str(value)
