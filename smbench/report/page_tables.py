"""The page's words and tables: the verdict, latencies by kind, what differed and why, where it ran."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from fractions import Fraction
from html import escape
from typing import Any

from smbench.measure.judging import judged_value
from smbench.ratios import Bad, format_percent
from smbench.report import charts
from smbench.report.density import spread
from smbench.report.html import facts, table
from smbench.report.origin import Origins
from smbench.report.run import (
    alike,
    count_of,
    failed_by_kind,
    gaps_notes,
    got_of,
    missed,
    uncompared,
    warm_up_notes,
    where,
)
from smbench.report.text import bytes_told, rate_told, time_told
from smbench.run.warm_up import warm_up_of
from smbench.units import format_ns, format_size

Document = Mapping[str, Any]

_SHOWN = 50
_UNITS = re.compile("_s$")
"""Seconds, by the name of a value."""
_HEADS = ("p50", "p90", "p99", "p99.9", "max")
_FATES = {
    "exact": "asked for again as it was",
    "approximate": "asked for again with a difference",
    "client": "what clients do by themselves: sessions, breaks, credits",
    "unsupported": "not asked for again",
}
_RESPONSE = ("p50_ns", "p99_ns", "max_ns")
_SPREAD = tuple(zip(_HEADS, ("p50_ns", "p90_ns", "p99_ns", "p99_9_ns", "max_ns"), strict=True))


def verdict(document: Document) -> str:
    """The first screen: can it be trusted, did it keep to what was asked, was it true to the capture."""
    operations, throughput = document["operations"], document["throughput"]
    every, lateness = document["latency"]["all"], document["lateness"]
    response = every["response"]
    valid = document["valid"]
    cards = [
        _card(
            "this run", "valid" if valid else "not valid", "good" if valid else "bad",
            [("operations", f"{operations['executed']:,} of {operations['planned']:,}"),
             ("in", time_told(document["elapsed_s"] * 1e9 if operations["executed"] else None)),
             ("lateness p99", time_told(lateness["p99_ns"])),
             *_warm_up_told(document),
             ("order broken", f"{document['order']['violated']:,} of {document['order']['edges']:,} edges")],
        ),
        _thresholds_card(document.get("thresholds", [])),
        _outcomes_card(operations),
        _card(
            "response time p99", time_told(response["p99_ns"] if every["count"] else None), "",
            [("p50", time_told(response["p50_ns"] if every["count"] else None)),
             ("operations/s", rate_told(throughput["operations_per_s"])),
             ("read", bytes_told(throughput["read_bytes_per_s"])),
             ("written", bytes_told(throughput["write_bytes_per_s"]))],
        ),
    ]  # fmt: skip
    said = [
        *(("", text) for text in (*warm_up_notes(document), *gaps_notes(document))),
        *(("bad", f"not valid: {reason}") for reason in document.get("reasons", [])),
        *(("fair", f"warning: {warning}") for warning in document.get("warnings", [])),
        *(("fair", f"the capture has {said}") for said in document.get("capture", {}).get("warnings", [])),
        *(("", note) for note in document.get("notes", [])),
    ]
    notes = "".join(f'<p class="note {kind}">{escape(text)}</p>' for kind, text in said)
    return f'<div class="cards">{"".join(cards)}</div>{notes}'


def _warm_up_told(document: Document) -> list[tuple[str, str]]:
    warm_up_ns = warm_up_of(document)
    return [("warm-up", format_ns(warm_up_ns))] if warm_up_ns else []


def _card(name: str, big: str, grade: str, told: Sequence[tuple[str, str]]) -> str:
    return (
        f'<section class="card"><div class="score"><b class="{grade}">{escape(big)}</b>{escape(name)}</div>'
        f"{facts(told)}</section>"
    )


def _thresholds_card(thresholds: Sequence[Document]) -> str:
    if not thresholds:
        return _card("thresholds", "none", "dim", [("ask for one with", "--threshold")])
    missed = [one for one in thresholds if not one["met"]]
    big = f"{len(missed)} missed" if missed else "all met"
    order = [*missed, *(one for one in thresholds if one["met"])]
    told = [(one["text"], judged_value(one)) for one in order[:4]]
    return _card(f"of {len(thresholds)} thresholds", big, "bad" if missed else "good", told)


def _outcomes_card(operations: Document) -> str:
    if (why := uncompared(operations)) is not None:
        return _card("outcomes", "not compared", "dim", [("why", why)])
    mismatched, unanswered = operations["mismatched"], operations.get("unanswered")
    return _card(
        "not as in the capture",
        f"{mismatched:,}", "fair" if mismatched else "good",
        [("as in the capture", f"{alike(operations):,}"),
         *([("not compared, no answer in it", f"{unanswered:,}")] if unanswered else []),
         ("failed, in the capture not", f"{operations.get('errors', 0):,}"),
         ("skipped", f"{operations['skipped']:,}")],
    )  # fmt: skip


def thresholds(document: Document) -> str:
    """All thresholds with what was measured; nothing where there were none."""
    judged = document.get("thresholds", [])
    if not judged:
        return ""
    rows = "".join(
        f'<tr><td class="name">{escape(one["text"])}</td>'
        f'<td class="n">{escape(judged_value(one))}</td>'
        f'<td class="{"good" if one["met"] else "bad"}">'
        f"{'met' if one['met'] else escape(missed(one))}</td></tr>"
        for one in judged
    )
    head = '<th>threshold</th><th class="n">measured</th><th></th>'
    return (
        '<h2>Thresholds</h2><div class="wide"><table class="narrow"><thead><tr>'
        f"{head}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def latencies(document: Document) -> str:
    """A row a kind: service time as numbers and as a picture, on one axis for all; the response beside it."""
    kinds = document["latency"]
    values = [value for one in kinds.values() for _, key in _SPREAD if (value := one["service"][key])] or [1]
    y = charts.log_axis(float(min(values)), float(max(values)))
    rows = []
    for kind, one in sorted(kinds.items(), key=lambda item: (item[0] == "all", -item[1]["count"])):
        service, response = one["service"], one["response"]
        picture = spread([(name, service[key]) for name, key in _SPREAD], y) if one["count"] else ""
        times = [*(service[key] for _, key in _SPREAD), *(response[key] for key in _RESPONSE)]
        numbers = [time_told(value if one["count"] else None) for value in times]
        cells = "".join(f'<td class="n">{escape(number)}</td>' for number in numbers)
        rows.append(
            f'<tr{" class=total" if kind == "all" else ""}><td class="name">{escape(kind)}</td>'
            f'<td class="n">{one["count"]:,}</td><td>{picture}</td>{cells}</tr>'
        )
    low, high = y.ticks[0][1], y.ticks[-1][1]
    ends = f'<span class="ends"><span>{escape(low)}</span><span>{escape(high)}</span></span>'
    measures = [("service time", _HEADS), ("response time", ("p50", "p99", "max"))]
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
        f"{_failed(document)}"
    )


def _failed(document: Document) -> str:
    """Calls that failed as the capture's did not: their times are in none of the above."""
    rows = [(kind, one["count"], *(format_ns(one[key]) for _, key in _SPREAD))
            for kind, one in failed_by_kind(document)]  # fmt: skip
    if not rows:
        return ""
    return f"<h2>How long it took to fail</h2>{table(('call', 'count', *_HEADS), rows)}" + (
        '<p class="dim">Service times of the calls that failed here and did not fail so in the capture: they '
        "are not in the table above.</p>"
    )


def slowest(rows: Sequence[Document], users: Sequence[str], origins: Origins) -> str:
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


def differences(document: Document) -> str:
    """Mismatches by cause, what was skipped, and what was carried out approximately."""
    example = {
        (row["kind"], row["expected"], row["got"]): row for row in reversed(document.get("mismatches", []))
    }
    causes = [
        (count_of(one) if one.get("warm_up") else one["count"], one["kind"],
         one["expected"] or "no answer", got_of(one),
         where(example.get((one["kind"], one["expected"], one["got"]))))
        for one in document.get("causes", [])
    ]  # fmt: skip
    skipped, losses = (
        [(one["count"], one["kind"], one["reason"]) for one in document.get(name, [])]
        for name in ("skipped", "losses")
    )
    parts = [
        _listed("Ended otherwise than in the capture", causes,
                ("count", "call", "in the capture", "here", "for example")),
        _listed("Skipped", skipped, ("count", "call", "why")),
        _listed("Approximate", losses, ("count", "call", "what this executor could not keep")),
    ]  # fmt: skip
    return "".join(parts)


def _listed(title: str, rows: Sequence[Sequence[Any]], heads: Sequence[str]) -> str:
    if not rows:
        return ""
    further = f'<p class="dim">and {len(rows) - _SHOWN:,} more</p>' if len(rows) > _SHOWN else ""
    return f"<h2>{escape(title)}</h2>{table(heads, rows[:_SHOWN])}{further}"


def coverage(document: Document) -> str:
    """What became of the capture's exchanges on the way to this run's operations; runs of older versions
    do not say it."""
    told = document.get("coverage")
    if not told or not told["exchanges"]:
        return ""
    fates = ("exact", "approximate", "client", "unsupported")
    parts = "".join(
        f'<tr><td class="name">{fate}</td><td class="n">{told[fate]:,}</td>'
        f'<td class="n">{format_percent(Fraction(told[fate], told["exchanges"]), 1, bad)}</td>'
        f"<td>{_FATES[fate]}</td></tr>"
        for fate in fates
        if (bad := Bad.LOW if fate == "exact" else Bad.HIGH)
    )
    reasons = [(one["count"], one["disposition"], one["command"], one["reason"]) for one in told["reasons"]]
    rows = table(("exchanges", "", "command", "why"), reasons[:_SHOWN]) if reasons else ""
    return (
        f"<h2>Coverage of the capture's {told['exchanges']:,} exchanges</h2>"
        f'<div class="wide"><table class="narrow"><tbody>{parts}</tbody></table></div>{rows}'
    )


def surroundings(document: Document, counters: Document) -> str:
    """Mounts with their options, the client's own counters, the configuration, versions."""
    parts = [_mounts(document.get("mounts", []))]
    totals = {**counters.get("client", {}), **counters.get("totals", {})}
    told = [
        (name.replace("_", " "), value) for name, value in {**document.get("client", {}), **totals}.items()
    ]
    if told:
        parts.append(f"<h2>The client's own counters</h2>{_columns([(n, f'{v:,}') for n, v in told if v])}")
    configuration = [
        (_UNITS.sub("", name).replace("_", " "), _value(name, value))
        for name, value in document["configuration"].items()
    ]
    versions = [(name, _value(name, value)) for name, value in document.get("versions", {}).items()]
    parts.append(f"<h2>Configuration</h2>{_columns(configuration)}")
    parts.append(f"<h2>Versions</h2>{_columns(versions)}")
    return "".join(parts)


def _mounts(mounts: Sequence[Document]) -> str:
    if not mounts:
        return ""
    if "share" in mounts[0]:
        heads = ["captured user", "account", "mounted", "connection", "options that took effect"]
        rows = [
            [
                *(one[name] for name in ("user", "account", "share")),
                _connection(one.get("connection")),
                one["options"],
            ]
            for one in mounts[:_SHOWN]
        ]
    else:
        heads = ["captured user", "directory", "file system"]
        rows = [[one["user"], one["root"], one.get("filesystem") or "–"] for one in mounts[:_SHOWN]]
    return _listed("Mounts", rows, heads) + (
        f'<p class="dim">and {len(mounts) - _SHOWN:,} more users</p>' if len(mounts) > _SHOWN else ""
    )


def _connection(connection: Document | None) -> str:
    if connection is None:
        return "not told by this kernel"
    flags = [name for name in ("signed", "encrypted") if connection[name]]
    return ", ".join([f"{connection['id']:#x}", f"SMB {connection['dialect']}", *flags])


def _columns(pairs: Sequence[tuple[str, str]]) -> str:
    return f'<div class="columns">{facts(pairs)}</div>'


def _value(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is not None and _UNITS.search(name):
        return format_ns(value * 1e9)
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return "–" if value is None else str(value)
