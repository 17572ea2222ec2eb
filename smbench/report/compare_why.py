"""Why a candidate scores as it does: what is missing or extra, other outcomes, worst paths, runs by kind."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

from smbench.ratios import NO_RATIO, format_ratio
from smbench.report.compare_text import NOT_COMPARED, failed_apart
from smbench.report.html import duration, multiple, table

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
_KEPT = (
    ("Leases and oplocks requested", "leases", "requested"),
    ("Leases and oplocks granted", "leases", "granted"),
    ("Breaks", "leases", "breaks_by_state"),
    ("Compounds", "compounds", "by_shape"),
    ("Credits", "credits", None),
)


def kept(wired: Sequence[dict[str, Any]]) -> str:
    """What is counted beside the matching: leases, breaks, compounds, credits."""
    tables = []
    for title, group, key in _KEPT:
        said = [one[group] if key is None else one[group][key] for one in wired]
        names = list(dict.fromkeys(name for pairs in said for name in pairs))[:_SHAPES]
        if not names:
            continue
        rows = [
            [name, next((pairs[name][0] for pairs in said if name in pairs), 0),
             *(pairs.get(name, [0, 0])[1] for pairs in said)]
            for name in names
        ]  # fmt: skip
        heads = ["", "reference", *(one["name"] for one in wired)]
        tables.append(f"<div><h3>{escape(title)}</h3>{table(heads, rows)}</div>")
    return f'<h2>Leases, compounds, credits</h2><div class="charts">{"".join(tables)}</div>'


def why(candidate: dict[str, Any], number: int) -> str:
    name = candidate["name"]
    parts = [f"<h2>{escape(name)}: what is missing and what is extra, and why</h2>", who(candidate)]
    for side in ("missing", "extra"):
        reasons = candidate[side]["reasons"]
        if not reasons:
            parts.append(f"<h3>{side}: nothing</h3>")
            continue
        rows = [[row["count"], row["command"], row["rule"], row["reason"]] for row in reasons[:_REASONS]]
        parts.append(f"<h3>{side}: {candidate[side]['count']:,}</h3>")
        parts.append(table(["exchanges", "command", "lift rule", "why"], rows))
        parts.append(_exchanges(side, candidate[side], f"x{number}-{side}"))
    parts.append(_outcomes(candidate["outcomes"]))
    parts.append(_parameters(candidate["wire"]["parameters"]))
    worst = [
        [path or "/", score["reference"], score["candidate"], score["matched"],
         score["reference"] - score["matched"], score["candidate"] - score["matched"]]
        for path, score in candidate["wire"]["by_path"].items()
        if score["reference"] != score["matched"] or score["candidate"] != score["matched"]
    ]  # fmt: skip
    if worst:
        parts.append("<h3>Worst paths</h3>")
        heads = ["path", "reference", "candidate", "matched", "missing", "extra"]
        parts.append(table(heads, worst[:_PATHS]))
    users = [
        [user, score["reference"], score["candidate"], score["matched"],
         *(format_ratio(score[name], 3) for name in ("recall", "precision"))]
        for user, score in candidate["wire"]["by_user"].items()
    ]  # fmt: skip
    heads = ["user", "reference", "candidate", "matched", "recall", "precision"]
    parts.append(f"<details><summary>By user</summary>{table(heads, users)}</details>")
    return "".join(parts)


def who(candidate: dict[str, Any]) -> str:
    """Who was held against whom, and by what evidence."""
    rows = [
        [pair["reference"], pair["candidate"], _EVIDENCE[pair["by"]], pair["common"], *pair["exchanges"],
         "–" if pair["common_with_namesake"] is None else pair["common_with_namesake"]]
        for pair in candidate["users"]
    ]  # fmt: skip
    alone = candidate["users_alone"]
    rows += [[name, "–", "the candidate has nobody for this user", *"––––"] for name in alone["reference"]]
    rows += [["–", name, "the reference has nobody for this user", *"––––"] for name in alone["candidate"]]
    heads = ["user of the reference", "of the candidate", "paired by", "exchanges in common",
             "sent in the reference", "in the candidate", "in common with its namesake"]  # fmt: skip
    shown = table(heads, rows[:_USERS])
    further = f'<p class="dim">and {len(rows) - _USERS:,} more</p>' if len(rows) > _USERS else ""
    return f"<h3>Who was held against whom</h3>{shown}{further}"


def _exchanges(side: str, differences: dict[str, Any], identity: str) -> str:
    shown = differences["exchanges"][:_EXCHANGES]
    rows = [
        [one["frame"], f"{one['time_ns'] / 1e9:.6f}", one["user"], one["command"], one["path"] or "/",
         one["parameters"], one["status"], one["call"]]
        for one in shown
    ]  # fmt: skip
    heads = ["frame", "at, s", "user", "command", "path", "parameters", "status",
             "its operation" if side == "missing" else "sent by"]  # fmt: skip
    return (
        f"<details><summary>The first {len(shown):,} of {differences['count']:,}</summary>"
        f'<input type="search" placeholder="filter" aria-label="filter" data-filter="{identity}">'
        f"{table(heads, rows, identity)}</details>"
    )


def _outcomes(outcomes: dict[str, Any]) -> str:
    if not outcomes["differing"]:
        return ""
    rows = [
        [row["count"], row["command"], row["reference"], row["candidate"]]
        for row in outcomes["differing"][:_REASONS]
    ]
    return "<h3>Other outcomes</h3>" + table(["exchanges", "command", "reference", "candidate"], rows)


def _count(named: tuple[str, int]) -> int:
    return named[1]


def _parameters(parameters: dict[str, dict[str, int]]) -> str:
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


def operations(runs: Sequence[dict[str, Any]]) -> str:
    """Runs of one workload side by side: operations by kind."""
    kinds = sorted({kind for one in runs for kind in one["run"]["by_kind"]})
    heads = ["operation"]
    for one in runs:
        heads += [f"{one['name']}: as in the capture", *_JUDGED] if one["run"]["compared"] else [one["name"]]
    rows = [[kind, *(cell for one in runs for cell in _kind_cells(one["run"], kind))] for kind in kinds]
    failed = [
        [
            one["name"],
            kind,
            *apart["count"],
            *(duration(value) for value in (*apart["p50_ns"], *apart["p99_ns"])),
        ]
        for one in runs
        for kind, apart in failed_apart(one["run"]["latency"])
    ]
    reasons = [
        [one["name"], row["count"], row["kind"], row["reason"]]
        for one in runs
        for row in (one["run"]["skipped"] + one["run"]["losses"])[:_REASONS]
    ]
    differing = [
        [one["name"], row["count"], row["kind"], row["expected"], row["got"]]
        for one in runs
        for row in one["run"]["differing"][:_REASONS]
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


def _kind_cells(run: dict[str, Any], kind: str) -> list[Any]:
    """What became of one kind, as many cells as the run has columns."""
    if not run["compared"]:
        return [NOT_COMPARED]
    if (counted := run["by_kind"].get(kind)) is None:
        return [NO_RATIO] * (1 + len(_JUDGED))
    latency = run["latency"][kind]
    return [
        counted["matched"], counted["mismatched"], counted["unanswered"],
        counted["planned"] - counted["executed"], counted["approximated"],
        *(multiple(latency[f"{key}_ratio"]) for key in ("p50", "p99")),
    ]  # fmt: skip
