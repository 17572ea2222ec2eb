"""A comparison for a terminal: what stays encrypted, the scores, who was held against whom, then why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import filterfalse

from rich.console import Console

from smbench.fidelity.comparison import Comparison, Outcomes
from smbench.fidelity.differences import EXTRA, MISSING
from smbench.fidelity.latency import LatencyDifference
from smbench.fidelity.outcomes import KindOutcomes, RunOutcomes
from smbench.fidelity.result import Result, alone
from smbench.measure.quality import graded
from smbench.ratios import NO_RATIO, Bad, format_ratio
from smbench.report.text import plain_table
from smbench.trace.grade import SEALED, Use, called
from smbench.units import format_ns, format_size

_SHOWN = 10
NOT_COMPARED = "not compared"


def show_comparison(result: Result, out: Console) -> None:
    """Print a comparison: the scores first, ahead of which stands only what stays encrypted."""
    warnings = capture_warnings(result)
    for name, warning in filter(_is_of_sealed, warnings):
        out.print(f"{name}: {warning}", markup=False)
    out.print(f"reference {result.reference.name}", markup=False)
    _scores(result, out)
    for name, warning in filterfalse(_is_of_sealed, warnings):
        out.print(f"{name}: {warning}", markup=False)
    for name, compared in result.wired:
        out.print()
        _show_wire(name, compared, out)
    if result.runs:
        out.print()
        _show_runs(result.runs, out)
    for candidate in result.candidates:
        for note in candidate.notes:
            out.print(f"{candidate.name}: {note}", markup=False)


def capture_warnings(result: Result) -> list[tuple[str, str]]:
    """What the captures themselves lack, by the side that lacks it; first what stays encrypted."""
    sides = [(result.reference.name, result.reference.info, Use.REFERENCE)]
    sides += [(name, compared.candidate.info, Use.CANDIDATE) for name, compared in result.wired]
    said = [(name, warning) for name, info, use in sides for warning in graded(info, use).warnings]
    return sorted(said, key=lambda one: not _is_of_sealed(one))


def _is_of_sealed(warning: tuple[str, str]) -> bool:
    return warning[1].startswith(called(SEALED))


def _scores(result: Result, out: Console) -> None:
    rows = []
    for candidate in result.candidates:
        wire, moved = candidate.wire, candidate.moved
        scored = [NO_RATIO] * 3 if wire is None else [
            format_ratio(score) for score in (wire.wire.recall, wire.wire.precision, wire.supported.recall)
        ]  # fmt: skip
        breaks = [] if wire is None else [f"{side.tally.breaks.total():,}" for side in wire.rows]
        sizes = [] if moved is None else [" / ".join(map(format_size, both)) for both in moved]
        rows.append(
            (
                candidate.name,
                *scored,
                NO_RATIO if wire is None else part(wire.order.inverted, wire.order.pairs),
                same_outcome(candidate.outcomes),
                "/".join(breaks) or NO_RATIO,
                *(sizes or [NO_RATIO] * 2),
            )
        )
    headings = ("candidate", "recall", "precision", "recall of what can be replayed", "pairs inverted",
                "same outcome", "breaks", "read", "written")  # fmt: skip
    out.print(plain_table(headings, rows, right=range(1, len(headings))))


def part(some: int, whole: int) -> str:
    """`3 of 200`; a dash of nothing."""
    return f"{some:,} of {whole:,}" if whole else NO_RATIO


def same_outcome(outcomes: Outcomes | KindOutcomes | None) -> str:
    """How many of those that could be compared ended the same."""
    if outcomes is None:
        return NOT_COMPARED
    return part(outcomes.matched, outcomes.matched + outcomes.mismatched)


def _show_wire(name: str, compared: Comparison, out: Console) -> None:
    rows = []
    for command, score in compared.by_command.items():
        time = compared.latency[command]
        rows.append(
            (
                command,
                *(f"{count:,}" for count in (score.reference, score.candidate, score.matched)),
                *(format_ratio(share, 3) for share in (score.recall, score.precision)),
                *(_time(value) for value in time.percentiles_ns["p50"]),
                *(_ratio(time.ratios[name]) for name in ("p50", "p99")),
                "" if time.distance is None else format_ratio(time.distance, 2, Bad.HIGH),
            )
        )
    headings = (name, "reference", "candidate", "matched", "recall", "precision",
                "p50 reference", "candidate", "p50 ratio", "p99 ratio", "distance")  # fmt: skip
    out.print(plain_table(headings, rows, right=range(1, len(headings))))
    if apart := apart_told(compared):
        out.print(apart)
    _show_users(compared, out)
    for side in (MISSING, EXTRA):
        _show_reasons(side, compared.differences.reasons(side), out)


def apart_told(compared: Comparison) -> str:
    """How many pairs are in no latency above, because one of the two failed; nothing where there are none."""
    said = ", ".join(
        f"{name} {max(one.reference, one.candidate):,}"
        for name, one in failed_apart(compared.latency, compared.failed)
    )
    return f"in no latency, because one side failed and the other did not fail so: {said}" if said else ""


def _show_users(compared: Comparison, out: Console) -> None:
    """Who was held against whom, and by what evidence."""
    pairs = compared.users
    ours, theirs = (rows.users for rows in compared.rows)
    rows = [
        (ours[pair.reference], theirs[pair.candidate], pair.by, f"{pair.common:,}",
         *(f"{count:,}" for count in pair.sent))
        for pair in pairs[:_SHOWN]
    ]  # fmt: skip
    out.print()
    headings = ("user of the reference", "of the candidate", "paired by", "in common", "reference",
                "candidate")  # fmt: skip
    out.print(plain_table(headings, rows, right=range(3, 6)))
    if len(pairs) > _SHOWN:
        out.print(f"… and {len(pairs) - _SHOWN} more users (--json has them all)")
    for side, names in alone(compared).items():
        if names:
            more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
            said = f"of the {side} alone: {', '.join(names[:_SHOWN])}{more}"
            out.print(said, markup=False)


def _show_reasons(side: str, reasons: Sequence[tuple[str, str, str, int]], out: Console) -> None:
    if not reasons:
        return
    rows = [(f"{count:,}", command, rule, why) for command, rule, why, count in reasons[:_SHOWN]]
    out.print()
    out.print(plain_table((side, "command", "lift rule", "why"), rows, right=(0,)))
    if len(reasons) > _SHOWN:
        out.print(f"… and {len(reasons) - _SHOWN} more reasons")


def _show_runs(runs: Sequence[tuple[str, RunOutcomes]], out: Console) -> None:
    """Runs of one workload side by side: a row a kind."""
    kinds = sorted({kind for _, run in runs for kind in run.by_kind})
    rows = [(kind, *(_kind(run, kind) for _, run in runs)) for kind in kinds]
    headings = ("operations: matched/executed", *(name for name, _ in runs))
    out.print(plain_table(headings, rows, right=range(1, len(headings))))
    failed = [
        (name, kind, *(f"{count:,}" for count in (one.reference, one.candidate)),
         *map(_time, one.percentiles_ns["p50"]))
        for name, run in runs
        for kind, one in failed_apart(run.latency, run.failed)
    ]  # fmt: skip
    if failed:
        out.print()
        headings = ("failed on one side alone: in no time above", "kind", "in the capture", "in the run",
                    "p50 in the capture", "in the run")  # fmt: skip
        out.print(plain_table(headings, failed, right=range(2, 6)))
    reasons = [
        (name, f"{row.count:,}", row.kind, row.reason)
        for name, run in runs
        for row in (run.skipped + run.losses)[:_SHOWN]
    ]
    if reasons:
        out.print()
        out.print(plain_table(("skipped or approximate", "", "kind", "why"), reasons, right=(1,)))


def _kind(run: RunOutcomes, kind: str) -> str:
    one = run.by_kind.get(kind)
    if one is None:
        return NO_RATIO
    if not run.compared:
        return NOT_COMPARED
    counts = {
        "skipped": one.planned - one.executed,
        "approximate": one.approximated,
        "unanswered in the capture": one.unanswered,
    }
    further = [f"{count:,} {name}" for name, count in counts.items() if count]
    said = f"{one.matched:,}/{one.executed:,}"
    return f"{said} ({', '.join(further)})" if further else said


def failed_apart(
    whole: Mapping[str, LatencyDifference], failed: Mapping[str, LatencyDifference]
) -> list[tuple[str, LatencyDifference]]:
    """By kind, in the order of `whole`, the times of what failed on one side and not, or otherwise, on the
    other."""
    return [(kind, failed[kind]) for kind in whole if kind in failed and kind != "all"]


def _time(value: int | None) -> str:
    return "" if value is None else format_ns(value)


def _ratio(value: float | None) -> str:
    return "" if value is None else format_ratio(value, 2, Bad.APART)
