"""A comparison for a terminal: the scores first, then who was held against whom, then why."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import Console

from smbench.fidelity.differences import EXTRA, MISSING
from smbench.ratios import NO_RATIO, Bad, format_ratio
from smbench.report.text import plain_table
from smbench.units import format_ns, format_size

_SHOWN = 10
NOT_COMPARED = "not compared"


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
        wire, order, moved = candidate.get("wire"), candidate.get("order"), candidate["bytes"]
        rows.append(
            (
                candidate["name"],
                *(format_ratio(wire[name] if wire else None) for name in ("recall", "precision")),
                format_ratio(wire["supported"]["recall"] if wire else None),
                part(order["inverted"], order["pairs"]) if order else NO_RATIO,
                same_outcome(candidate["outcomes"]),
                "/".join(f"{count:,}" for count in candidate["leases"]["breaks"]) if wire else NO_RATIO,
                *(
                    " / ".join(format_size(count) for count in moved[what]) if moved else NO_RATIO
                    for what in ("read", "written")
                ),
            )
        )
    headings = ("candidate", "recall", "precision", "recall of what can be replayed", "pairs inverted",
                "same outcome", "breaks", "read", "written")  # fmt: skip
    out.print(plain_table(headings, rows, right=range(1, len(headings))))


def part(some: int, whole: int) -> str:
    """`3 of 200`; a dash of nothing."""
    return f"{some:,} of {whole:,}" if whole else NO_RATIO


def same_outcome(outcomes: dict[str, int] | None) -> str:
    """How many of those that could be compared ended the same."""
    if outcomes is None:
        return NOT_COMPARED
    return part(outcomes["matched"], outcomes["matched"] + outcomes["mismatched"])


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
    if apart := apart_told(latency):
        out.print(apart)
    _show_users(candidate, out)
    for side in (MISSING, EXTRA):
        _show_reasons(side, candidate[side], out)


def apart_told(latency: dict[str, Any]) -> str:
    """How many pairs are in no latency above, because one of the two failed; nothing where there are none."""
    said = ", ".join(f"{name} {max(one['count']):,}" for name, one in failed_apart(latency))
    return f"in no latency, because one side failed and the other did not fail so: {said}" if said else ""


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
    failed = [
        (candidate["name"], kind, *(f"{count:,}" for count in one["count"]), *map(_time, one["p50_ns"]))
        for candidate in runs
        for kind, one in failed_apart(candidate["run"]["latency"])
    ]
    if failed:
        out.print()
        headings = ("failed on one side alone: in no time above", "kind", "in the capture", "in the run",
                    "p50 in the capture", "in the run")  # fmt: skip
        out.print(plain_table(headings, failed, right=range(2, 6)))
    reasons = [
        (candidate["name"], f"{row['count']:,}", row["kind"], row["reason"])
        for candidate in runs
        for row in (candidate["run"]["skipped"] + candidate["run"]["losses"])[:_SHOWN]
    ]
    if reasons:
        out.print()
        out.print(plain_table(("skipped or approximate", "", "kind", "why"), reasons, right=(1,)))


def _kind(run: dict[str, Any], kind: str) -> str:
    one = run["by_kind"].get(kind)
    if one is None:
        return NO_RATIO
    if not run["compared"]:
        return NOT_COMPARED
    counts = {
        "skipped": one["planned"] - one["executed"],
        "approximate": one["approximated"],
        "unanswered in the capture": one["unanswered"],
    }
    further = [f"{count:,} {name}" for name, count in counts.items() if count]
    said = f"{one['matched']:,}/{one['executed']:,}"
    return f"{said} ({', '.join(further)})" if further else said


def failed_apart(latency: dict[str, Any] | None) -> list[tuple[str, dict[str, Any]]]:
    """By kind, the times of what failed on one side and not, or otherwise, on the other."""
    latency = latency or {}
    return [(kind, one["failed"]) for kind, one in latency.items() if one["failed"] and kind != "all"]


def _time(value: int | None) -> str:
    return "" if value is None else format_ns(value)


def _ratio(value: float | None) -> str:
    return "" if value is None else format_ratio(value, 2, Bad.APART)
