"""A comparison as the document that CLI.md ("compare") promises, and for a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from itertools import islice
from typing import Any

from rich.console import Console

from smbench.fidelity.comparison import Comparison, Order, Score
from smbench.fidelity.differences import EXTRA, MISSING
from smbench.fidelity.latency import LatencyDifference
from smbench.fidelity.outcomes import RunOutcomes
from smbench.fidelity.rows import Rows
from smbench.fidelity.sides import Side
from smbench.ratios import Bad, format_ratio
from smbench.report.text import plain_table
from smbench.units import format_ns, format_size

SCHEMA = 1
DISTANCES = {
    "distance": "two-sample Kolmogorov-Smirnov statistic: 0 the same, 1 nothing in common",
    "factor": "10^(first Wasserstein distance of log10(latency)): by what factor they lie apart",
}
_SHOWN = 10


def document(reference: dict[str, Any], candidates: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The whole result."""
    return {"schema": SCHEMA, "reference": reference, "candidates": list(candidates), "distances": DISTANCES}


def reference_document(side: Side, rows: Rows | None) -> dict[str, Any]:
    """The reference, for the result; `rows` where anything was compared by wire."""
    about: dict[str, Any] = {
        "name": side.name,
        "captures": side.info.captures,
        "duration_s": side.info.duration_ns / 1e9,
        "exchanges": side.info.exchanges,
        "users": [user.name for user in side.info.users],
    }
    if rows is not None:
        about["answerable"] = len(rows)
    return about


def candidate_document(
    name: str, compared: Comparison | None, run: RunOutcomes | None, notes: Iterable[str], limit: int | None
) -> dict[str, Any]:
    """One candidate. `limit`: how many paths and differences are listed; None: all."""
    found: dict[str, Any] = {"name": name, "notes": list(notes)}
    if compared is not None:
        found |= _wire(compared, limit)
    elif run is not None:
        total = run.total
        found |= {
            "wire": None,
            "outcomes": {"matched": total.matched, "mismatched": total.mismatched},
            "bytes": {"read": list(run.read_bytes), "written": list(run.written_bytes)},
        }
    found["run"] = None if run is None else _run(run)
    return found


def _wire(compared: Comparison, limit: int | None) -> dict[str, Any]:
    ours, theirs = compared.rows
    tallies = ours.tally, theirs.tally
    return {
        "wire": {
            **_score(compared.wire),
            "supported": _score(compared.supported),
            "posix": _score(compared.posix),
            "without_counterpart": [
                {"command": command, "reason": reason, "count": count}
                for command, reason, count in compared.lacking
            ],
            "swapped": compared.matching.swapped,
            "moved": compared.matching.moved,
            "by_command": {name: _score(score) for name, score in compared.by_command.items()},
            "by_user": {name: _score(score) for name, score in compared.by_user.items()},
            "by_path": {name: _score(score) for name, score in islice(compared.by_path.items(), limit)},
            "paths": len(compared.by_path),
            "parameters": compared.parameters,
        },
        "users": [
            {
                "reference": ours.users[pair.reference],
                "candidate": theirs.users[pair.candidate],
                "by": pair.by,
            }
            for pair in compared.users
        ],
        "folders": {
            "reference": compared.reference.folder or compared.folders.reference,
            "candidate": compared.candidate.folder or compared.folders.candidate,
        },
        "left_out": theirs.left_out,
        "order": {
            **_order(compared.order),
            "by_user": {name: _order(order) for name, order in compared.order_by_user.items()},
        },
        "outcomes": {
            "matched": compared.outcomes.matched,
            "mismatched": compared.outcomes.mismatched,
            "unanswered": compared.outcomes.unanswered,
            "differing": [
                {"command": command, "reference": mine, "candidate": its, "count": count}
                for command, mine, its, count in islice(compared.outcomes.differing, limit)
            ],
        },
        "leases": {
            "requested": _pairs(*(tally.requested for tally in tallies)),
            "granted": _pairs(*(tally.granted for tally in tallies)),
            "breaks": [tally.breaks.total() for tally in tallies],
            "breaks_by_state": _pairs(*(tally.breaks for tally in tallies)),
            "acknowledged": [tally.acknowledged for tally in tallies],
        },
        "credits": _pairs(*(tally.credits for tally in tallies)),
        "compounds": {
            "exchanges": [tally.compounded for tally in tallies],
            "chains": [tally.compounds.total() for tally in tallies],
            "by_shape": _pairs(*(tally.compounds for tally in tallies)),
        },
        "bytes": {
            "read": [tally.read_bytes for tally in tallies],
            "written": [tally.written_bytes for tally in tallies],
        },
        "latency": {name: _latency(one) for name, one in compared.latency.items()},
        **{
            side: {
                "count": count,
                "alike": alike,
                "reasons": [
                    {"command": command, "rule": rule, "reason": reason, "count": number}
                    for command, rule, reason, number in compared.differences.reasons(side)
                ],
                "exchanges": [asdict(one) for one in islice(compared.differences.all(side), limit)],
            }
            for side, count, alike in (
                (MISSING, compared.differences.missing, compared.matching.alike[0]),
                (EXTRA, compared.differences.extra, compared.matching.alike[1]),
            )
        },
    }


def _score(score: Score) -> dict[str, Any]:
    return {"recall": score.recall, "precision": score.precision, **asdict(score)}


def _order(order: Order) -> dict[str, int]:
    return asdict(order)


def _pairs(reference: dict[str, int], candidate: dict[str, int]) -> dict[str, list[int]]:
    """What is counted on either side, the reference's first."""
    names = sorted({*reference, *candidate}, key=lambda name: (-reference.get(name, 0), name))
    return {name: [reference.get(name, 0), candidate.get(name, 0)] for name in names}


def _latency(one: LatencyDifference) -> dict[str, Any]:
    return {
        "count": [one.reference, one.candidate],
        **{f"{name}_ns": list(values) for name, values in one.percentiles_ns.items()},
        **{f"{name}_ratio": value for name, value in one.ratios.items()},
        "distance": one.distance,
        "factor": one.factor,
    }


def _run(run: RunOutcomes) -> dict[str, Any]:
    return {
        "executor": run.executor,
        "profile": run.profile,
        "pace": run.pace,
        "valid": run.valid,
        "operations": {**asdict(run.total), "skipped": sum(row["count"] for row in run.skipped)},
        "by_kind": {name: asdict(kind) for name, kind in run.by_kind.items()},
        "differing": [
            {"kind": kind, "expected": expected, "got": got, "count": count}
            for kind, expected, got, count in run.differing
        ],
        "losses": run.losses,
        "skipped": run.skipped,
        "latency": {name: _latency(one) for name, one in run.latency.items()},
    }


# For a terminal


def show_comparison(result: dict[str, Any], out: Console) -> None:
    """Print a comparison: the scores first."""
    candidates = result["candidates"]
    out.print(f"reference {result['reference']['name']}", markup=False)
    _scores(candidates, out)
    for candidate in candidates:
        if candidate.get("wire"):
            out.print()
            _show_wire(candidate, out)
    runs = [candidate for candidate in candidates if candidate["run"]]
    if runs:
        out.print()
        _show_runs(runs, out)
    for candidate in candidates:
        for note in candidate["notes"]:
            out.print(f"{candidate['name']}: {note}", markup=False)


def _scores(candidates: Sequence[dict[str, Any]], out: Console) -> None:
    rows = []
    for candidate in candidates:
        wire, outcomes = candidate.get("wire"), candidate["outcomes"]
        compared = outcomes["matched"] + outcomes["mismatched"]
        order = candidate.get("order")
        rows.append(
            (
                candidate["name"],
                *([format_ratio(wire[name]) for name in ("recall", "precision")] if wire else ["–", "–"]),
                format_ratio(wire["supported"]["recall"]) if wire else "–",
                f"{order['inverted']:,} of {order['pairs']:,}" if order else "–",
                f"{outcomes['matched']:,} of {compared:,}",
                "/".join(f"{count:,}" for count in candidate["leases"]["breaks"]) if wire else "–",
                " / ".join(format_size(count) for count in candidate["bytes"]["read"]),
                " / ".join(format_size(count) for count in candidate["bytes"]["written"]),
            )
        )
    headings = ("candidate", "recall", "precision", "recall of what can be replayed", "pairs inverted",
                "same outcome", "breaks", "read", "written")  # fmt: skip
    out.print(plain_table(headings, rows, right=range(1, len(headings))))


def _show_wire(candidate: dict[str, Any], out: Console) -> None:
    latency = candidate["latency"]
    rows = []
    for command, score in candidate["wire"]["by_command"].items():
        time = latency[command]
        medians = [_time(value) for value in time["p50_ns"]]
        ratios = [_ratio(time[f"{name}_ratio"]) for name in ("p50", "p99")]
        distance = "" if time["distance"] is None else format_ratio(time["distance"], 2, Bad.HIGH)
        rows.append(
            (
                command,
                *(f"{score[name]:,}" for name in ("reference", "candidate", "matched")),
                *(format_ratio(score[name], 3) for name in ("recall", "precision")),
                *medians,
                *ratios,
                distance,
            )
        )
    headings = (candidate["name"], "reference", "candidate", "matched", "recall", "precision",
                "p50 reference", "candidate", "p50 ratio", "p99 ratio", "distance")  # fmt: skip
    out.print(plain_table(headings, rows, right=range(1, len(headings))))
    for side in (MISSING, EXTRA):
        _show_reasons(side, candidate[side], out)


def _show_reasons(side: str, differences: dict[str, Any], out: Console) -> None:
    reasons = differences["reasons"]
    if not reasons:
        return
    rows = [(f"{row['count']:,}", row["command"], row["rule"], row["reason"]) for row in reasons[:_SHOWN]]
    out.print()
    out.print(plain_table((side, "command", "lift rule", "why"), rows, right=(0,)))
    if len(reasons) > _SHOWN:
        out.print(f"… and {len(reasons) - _SHOWN} more reasons")


def _show_runs(runs: Sequence[dict[str, Any]], out: Console) -> None:
    """Runs of one workload side by side: a row a kind."""
    kinds = sorted({kind for candidate in runs for kind in candidate["run"]["by_kind"]})
    rows = [(kind, *(_kind(candidate["run"], kind) for candidate in runs)) for kind in kinds]
    headings = ("operations: matched/executed", *(candidate["name"] for candidate in runs))
    out.print(plain_table(headings, rows, right=range(1, len(headings))))
    reasons = [
        (candidate["name"], f"{row['count']:,}", row["kind"], row["reason"])
        for candidate in runs
        for row in (candidate["run"]["skipped"] + candidate["run"]["losses"])[:_SHOWN]
    ]
    if reasons:
        out.print()
        out.print(plain_table(("skipped or approximate", "", "kind", "why"), reasons, right=(1,)))


def _kind(run: dict[str, Any], kind: str) -> str:
    one = run["by_kind"][kind]
    said = f"{one['matched']:,}/{one['executed']:,}"
    skipped = one["planned"] - one["executed"]
    further = [f"{skipped:,} skipped"] * (skipped > 0) + [f"{one['approximated']:,} approximate"] * (
        one["approximated"] > 0
    )
    return f"{said} ({', '.join(further)})" if further else said


def _time(value: int | None) -> str:
    return "" if value is None else format_ns(value)


def _ratio(value: float | None) -> str:
    return "" if value is None else format_ratio(value, 2, Bad.APART)
