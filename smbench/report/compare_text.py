"""A comparison for a terminal: the scores first, then who was held against whom, then why."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import Console

from smbench.fidelity.differences import EXTRA, MISSING
from smbench.ratios import Bad, format_ratio
from smbench.report.text import plain_table
from smbench.units import format_ns, format_size

_SHOWN = 10


def show_comparison(result: dict[str, Any], out: Console) -> None:
    """Print a comparison: the scores first."""
    candidates = result["candidates"]
    reference = result["reference"]
    out.print(f"reference {reference['name']}", markup=False)
    _scores(candidates, out)
    for side in (reference, *candidates):
        for warning in side["warnings"]:
            out.print(f"{side['name']}: {warning}", markup=False)
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
    _show_users(candidate, out)
    for side in (MISSING, EXTRA):
        _show_reasons(side, candidate[side], out)


def _show_users(candidate: dict[str, Any], out: Console) -> None:
    """Who was held against whom, and by what evidence."""
    pairs, alone = candidate["users"], candidate["users_alone"]
    rows = [
        (pair["reference"], pair["candidate"], pair["by"], f"{pair['common']:,}",
         *(f"{count:,}" for count in pair["exchanges"]))
        for pair in pairs[:_SHOWN]
    ]  # fmt: skip
    out.print()
    headings = ("user of the reference", "of the candidate", "paired by", "in common", "reference",
                "candidate")  # fmt: skip
    out.print(plain_table(headings, rows, right=range(3, 6)))
    if len(pairs) > _SHOWN:
        out.print(f"… and {len(pairs) - _SHOWN} more users (--json has them all)")
    for side, names in alone.items():
        if names:
            more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
            said = f"of the {side} alone: {', '.join(names[:_SHOWN])}{more}"
            out.print(said, markup=False)


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
