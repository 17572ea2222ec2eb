"""What is in a workload, as the document of `inspect --json` (CLI.md) and as text."""

from __future__ import annotations

from collections import Counter
from typing import Any

from rich.console import Console
from rich.table import Table

from smbench.report.text import ONE_OF_EACH, plain_table
from smbench.units import format_ns, format_size
from smbench.workload.model import Disposition, Kind, Workload

SCHEMA = 1
GRADE = ("unanswered", "orphan_responses", "unknown_handles", "tcp_gaps", "undecrypted")
"""The counts that a grade always has; a decoder adds others that it found."""
_REASONS_SHOWN = 12


def inspection(workload: Workload) -> dict[str, Any]:
    """The inspection document. `coverage` adds up to `exchanges`."""
    info = workload.info
    trace = info.trace
    fates = dict.fromkeys((fate.value for fate in Disposition), 0)
    for row in info.coverage:
        fates[row.disposition.value] += row.count
    files = directories = size = 0
    for entry in workload.namespace:
        if entry.present and entry.kind is Kind.DIRECTORY:
            directories += 1
        elif entry.present:
            files += entry.kind is Kind.FILE
            size += entry.size
    return {
        "schema": SCHEMA,
        "captures": trace.captures,
        "duration_s": trace.duration_ns / 1e9,
        "exchanges": trace.exchanges,
        "commands": dict(trace.commands),
        "coverage": fates,
        "reasons": [
            {
                "disposition": row.disposition.value,
                "command": row.command,
                "reason": row.reason,
                "count": row.count,
            }
            for row in sorted(
                info.coverage, key=lambda row: (row.disposition, -row.count, row.command, row.reason)
            )
        ],
        "users": [
            {"name": user.name, "client": user.client, "operations": operations, "lanes": lanes}
            for user, operations, lanes in zip(trace.users, info.operations_by_user, info.lanes, strict=True)
        ],
        "operations": dict(info.operations),
        "namespace": {"files": files, "directories": directories, "bytes": size},
        "grade": dict.fromkeys(GRADE, 0) | trace.grade,
    }


def show_inspection(document: dict[str, Any], out: Console) -> None:
    """The document for a person: what it is, what became of it, who did what, and how good it was."""
    exchanges = document["exchanges"]
    namespace = document["namespace"]
    out.print(
        f"{', '.join(document['captures'])}: {exchanges:,} exchanges in "
        f"{format_ns(document['duration_s'] * 1e9)}, {sum(document['operations'].values()):,} operations of "
        f"{len(document['users'])} users on {namespace['files']:,} files in {namespace['directories']:,} "
        f"folders ({format_size(namespace['bytes'])})"
    )
    out.print(_coverage_table(document))
    reasons = [row for row in document["reasons"] if row["disposition"] in ("approximate", "unsupported")]
    if reasons:
        rows = [
            (r["disposition"], r["command"], f"{r['count']:,}", r["reason"]) for r in reasons[:_REASONS_SHOWN]
        ]
        out.print(plain_table(("not exact", "command", "count", "why"), rows, right=(2,)))
        if len(reasons) > _REASONS_SHOWN:
            out.print(f"… and {len(reasons) - _REASONS_SHOWN} more reasons (--json has them all)")
    users = sorted(document["users"], key=lambda user: -user["operations"])
    rows = [(u["name"], u["client"], f"{u['operations']:,}", str(u["lanes"])) for u in users[:_REASONS_SHOWN]]
    out.print(plain_table(("user", "client", "operations", "lanes"), rows, right=(2, 3)))
    if len(users) > _REASONS_SHOWN:
        out.print(f"… and {len(users) - _REASONS_SHOWN} more users (--json has them all)")
    kinds = Counter(document["operations"]).most_common()
    out.print("operations  " + "  ".join(f"{kind} {count:,}" for kind, count in kinds), markup=False)
    flaws = [f"{ONE_OF_EACH.get(name, name)} {count:,}" for name, count in document["grade"].items() if count]
    out.print("capture     " + ("; ".join(flaws) if flaws else "complete: nothing is missing"), markup=False)


def _coverage_table(document: dict[str, Any]) -> Table:
    by_command: dict[str, Counter[str]] = {}
    for row in document["reasons"]:
        by_command.setdefault(row["command"], Counter())[row["disposition"]] += row["count"]
    fates = [fate.value for fate in Disposition]
    rows = []
    for command, count in document["commands"].items():
        met = by_command.get(command, Counter())
        rows.append((command, f"{count:,}", *(f"{met[fate]:,}" if met[fate] else "" for fate in fates)))
    rows.append(("all", f"{document['exchanges']:,}", *(f"{document['coverage'][fate]:,}" for fate in fates)))
    return plain_table(("command", "exchanges", *fates), rows, right=range(1, 2 + len(fates)))
