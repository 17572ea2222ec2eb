"""Why a candidate scores as it does: what is missing or extra, other outcomes, worst paths, runs by kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from typing import Any

from smbench.fidelity.comparison import Comparison
from smbench.fidelity.differences import EXTRA, MISSING
from smbench.fidelity.outcomes import RunOutcomes
from smbench.fidelity.result import alone, counted
from smbench.fidelity.tally import Tally
from smbench.ratios import NO_RATIO, format_ratio
from smbench.report.compare_text import NOT_COMPARED, failed_apart
from smbench.report.html import duration, escape, multiple, table

Wired = Sequence[tuple[str, Comparison]]
Runs = Sequence[tuple[str, RunOutcomes]]
"""By the candidates' names."""

_PATHS, _EXCHANGES, _REASONS, _SHAPES = 40, 200, 40, 20
_USERS = 100
_JUDGED = ("otherwise", "unanswered in the capture", "skipped", "approximate", "p50", "p99")
_EVIDENCE = {
    "given": "what the command line said",
    "mounts": "what the run says of its mounts",
    "content": "what they sent",
    "left": "what they sent, of those whom --user left",
    "name": "their names: what they sent does not say who is who",
    "order": "the order in which they appeared: nothing else says who is who",
}
_KEPT: Mapping[str, Callable[[Tally], Mapping[str, int]]] = {
    "Leases and oplocks requested": lambda tally: tally.requested,
    "Leases and oplocks granted": lambda tally: tally.granted,
    "Breaks": lambda tally: tally.breaks,
    "Compounds": lambda tally: tally.compounds,
    "Credits": lambda tally: tally.credits,
}


def kept(wired: Wired) -> str:
    """What is counted beside the matching: leases, breaks, compounds, credits."""
    tables = []
    for title, of in _KEPT.items():
        said = [counted(*(of(rows.tally) for rows in compared.rows)) for _, compared in wired]
        names = list(dict.fromkeys(name for pairs in said for name in pairs))[:_SHAPES]
        if not names:
            continue
        rows = [
            [name, next((pairs[name][0] for pairs in said if name in pairs), 0),
             *(pairs.get(name, (0, 0))[1] for pairs in said)]
            for name in names
        ]  # fmt: skip
        heads = ["", "reference", *(name for name, _ in wired)]
        tables.append(f"<div><h3>{escape(title)}</h3>{table(heads, rows)}</div>")
    return f'<h2>Leases, compounds, credits</h2><div class="charts">{"".join(tables)}</div>'


def why(name: str, compared: Comparison, number: int, limit: int | None) -> str:
    """What a candidate has not, and has too much; `number` tells it from the others of the page."""
    parts = [f"<h2>{escape(name)}: what is missing and what is extra, and why</h2>", who(compared)]
    for side in (MISSING, EXTRA):
        parts += _one_sided(compared, side, f"x{number}-{side}", limit)
    parts.append(_outcomes(compared.outcomes.differing[:limit]))
    parts.append(_parameters(compared.parameters))
    parts.append(_worst(compared, limit))
    users = [
        [user, score.reference, score.candidate, score.matched,
         *(format_ratio(share, 3) for share in (score.recall, score.precision))]
        for user, score in compared.by_user.items()
    ]  # fmt: skip
    heads = ["user", "reference", "candidate", "matched", "recall", "precision"]
    parts.append(f"<details><summary>By user</summary>{table(heads, users)}</details>")
    return "".join(parts)


def _one_sided(compared: Comparison, side: str, identity: str, limit: int | None) -> list[str]:
    reasons = compared.differences.reasons(side)
    if not reasons:
        return [f"<h3>{side}: nothing</h3>"]
    count = compared.differences.missing if side == MISSING else compared.differences.extra
    rows = [[sent, command, rule, reason] for command, rule, reason, sent in reasons[:_REASONS]]
    return [
        f"<h3>{side}: {count:,}</h3>",
        table(["exchanges", "command", "lift rule", "why"], rows),
        _exchanges(compared, side, count, identity, limit),
    ]


def _worst(compared: Comparison, limit: int | None) -> str:
    worst = [
        [path or "/", score.reference, score.candidate, score.matched,
         score.reference - score.matched, score.candidate - score.matched]
        for path, score in islice(compared.by_path.items(), limit)
        if score.reference != score.matched or score.candidate != score.matched
    ]  # fmt: skip
    heads = ["path", "reference", "candidate", "matched", "missing", "extra"]
    return f"<h3>Worst paths</h3>{table(heads, worst[:_PATHS])}" if worst else ""


def who(compared: Comparison) -> str:
    """Who was held against whom, and by what evidence."""
    ours, theirs = (rows.users for rows in compared.rows)
    rows: list[list[Any]] = [
        [ours[pair.reference], theirs[pair.candidate], _EVIDENCE[pair.by], pair.common, *pair.sent,
         "–" if pair.namesake is None else pair.namesake.common]
        for pair in compared.users
    ]  # fmt: skip
    left = alone(compared)
    rows += [[name, "–", "the candidate has nobody for this user", *"––––"] for name in left["reference"]]
    rows += [["–", name, "the reference has nobody for this user", *"––––"] for name in left["candidate"]]
    heads = ["user of the reference", "of the candidate", "paired by", "exchanges in common",
             "sent in the reference", "in the candidate", "in common with its namesake"]  # fmt: skip
    shown = table(heads, rows[:_USERS])
    further = f'<p class="dim">and {len(rows) - _USERS:,} more</p>' if len(rows) > _USERS else ""
    return f"<h3>Who was held against whom</h3>{shown}{further}"


def _exchanges(compared: Comparison, side: str, count: int, identity: str, limit: int | None) -> str:
    most = _EXCHANGES if limit is None else min(limit, _EXCHANGES)
    rows = [
        [one.frame, f"{one.time_ns / 1e9:.6f}", one.user, one.command, one.path or "/",
         one.parameters, one.status, one.call]
        for one in islice(compared.differences.all(side), most)
    ]  # fmt: skip
    heads = ["frame", "at, s", "user", "command", "path", "parameters", "status",
             "its operation" if side == MISSING else "sent by"]  # fmt: skip
    return (
        f"<details><summary>The first {len(rows):,} of {count:,}</summary>"
        f'<input type="search" placeholder="filter" aria-label="filter" data-filter="{identity}">'
        f"{table(heads, rows, identity)}</details>"
    )


def _outcomes(differing: Sequence[tuple[str, str, str, int]]) -> str:
    if not differing:
        return ""
    rows = [[count, command, mine, its] for command, mine, its, count in differing[:_REASONS]]
    return "<h3>Other outcomes</h3>" + table(["exchanges", "command", "reference", "candidate"], rows)


def _count(named: tuple[str, int]) -> int:
    return named[1]


def _parameters(parameters: Mapping[str, Mapping[str, int]]) -> str:
    if not parameters:
        return ""
    rows = [
        [
            command,
            ", ".join(f"{name} {count:,}" for name, count in sorted(names.items(), key=_count, reverse=True)),
        ]
        for command, names in parameters.items()
    ]
    return "<h3>Matched, with other parameters</h3>" + table(["command", "parameter and how often"], rows)


def operations(runs: Runs) -> str:
    """Runs of one workload side by side: operations by kind."""
    kinds = sorted({kind for _, run in runs for kind in run.by_kind})
    heads = ["operation"]
    for name, run in runs:
        heads += [f"{name}: as in the capture", *_JUDGED] if run.compared else [name]
    rows = [[kind, *(cell for _, run in runs for cell in _kind_cells(run, kind))] for kind in kinds]
    failed = [
        [name, kind, apart.reference, apart.candidate,
         *(duration(value) for key in ("p50", "p99") for value in apart.percentiles_ns[key])]
        for name, run in runs
        for kind, apart in failed_apart(run.latency, run.failed)
    ]  # fmt: skip
    reasons = [
        [name, row.count, row.kind, row.reason]
        for name, run in runs
        for row in (run.skipped + run.losses)[:_REASONS]
    ]
    differing = [
        [name, count, kind, expected, got]
        for name, run in runs
        for kind, expected, got, count in run.differing[:_REASONS]
    ]
    parts = ["<h2>Operations of the runs</h2>", table(heads, rows)]
    if differing:
        heads = ["run", "operations", "kind", "in the capture", "in the run"]
        parts += ["<h3>Ended otherwise</h3>", table(heads, differing)]
    if failed:
        heads = ["run", "kind", "in the capture", "in the run", "p50 in the capture", "in the run",
                 "p99 in the capture", "in the run"]  # fmt: skip
        parts += ["<h3>Failed on one side alone: in no time above</h3>", table(heads, failed)]
    if reasons:
        parts += ["<h3>Skipped or approximate</h3>", table(["run", "operations", "kind", "why"], reasons)]
    return "".join(parts)


def _kind_cells(run: RunOutcomes, kind: str) -> list[Any]:
    """What became of one kind, as many cells as the run has columns."""
    if not run.compared:
        return [NOT_COMPARED]
    if (ended := run.by_kind.get(kind)) is None:
        return [NO_RATIO] * (1 + len(_JUDGED))
    return [
        ended.matched, ended.mismatched, ended.unanswered, ended.planned - ended.executed,
        ended.approximated, *(multiple(run.latency[kind].ratios[key]) for key in ("p50", "p99")),
    ]  # fmt: skip
