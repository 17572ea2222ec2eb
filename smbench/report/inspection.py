"""What is in a workload, as the document of `inspect --json` (docs/cli.md) and as text."""

from __future__ import annotations

from collections import Counter
from typing import Any

from rich.console import Console
from rich.table import Table

from smbench.measure.quality import WORDS, quality
from smbench.plan.gaps import Gaps, find_gaps
from smbench.report.caching import caching
from smbench.report.figures import figures
from smbench.report.gaps import gaps_document
from smbench.report.outside import outside_document, outside_lines
from smbench.report.text import plain_table
from smbench.smb2.constants import DIALECTS
from smbench.trace.grade import called, sealed
from smbench.trace.model import TraceInfo
from smbench.trace.store import EXCHANGES_FILE
from smbench.units import format_ns, format_size
from smbench.workload.model import Disposition, Kind, Workload, WorkloadInfo
from smbench.workload.store import StoredOperations

SCHEMA = 1
GRADE = ("unanswered", "orphan_responses", "unknown_handles", "tcp_gaps", "undecrypted")
"""The counts that a grade always has; a decoder adds others that it found."""
BEST = WORDS[0][1]
_REASONS_SHOWN = 12
_HOT_SHOWN = 5


def inspection(workload: Workload, gaps: Gaps | None = None) -> dict[str, Any]:
    """The inspection document of a stored workload; `gaps` are its gaps where they are known. `coverage` adds
    up to `exchanges`; `caching` is None where the workload's exchanges were not kept."""
    info = workload.info
    trace = info.trace
    assert isinstance(workload.operations, StoredOperations)
    done = figures(workload.operations, len(trace.users))
    exchanges = workload.operations.path.with_name(EXCHANGES_FILE)
    grade = dict.fromkeys(GRADE, 0) | trace.grade
    return {
        "schema": SCHEMA,
        "captures": trace.captures,
        "duration_s": trace.duration_ns / 1e9,
        "gaps": gaps_document(find_gaps(workload.operations) if gaps is None else gaps),
        "exchanges": trace.exchanges,
        "commands": dict(trace.commands),
        "coverage": info.by_disposition(),
        "reasons": _reasons(info),
        "users": [
            {"name": user.name, "client": user.client, "operations": operations, "lanes": lanes, **of_user}
            for user, operations, lanes, of_user in zip(
                trace.users, info.operations_by_user, info.lanes, done.pop("by_user"), strict=True
            )
        ],
        "operations": dict(info.operations),
        "client_calls": info.client_calls,
        "outside": outside_document(workload),
        "namespace": _namespace(workload),
        "sealed": sealed(trace),
        "grade": grade,
        "quality": quality(grade, trace.exchanges, len(trace.sessions)),
        "dialects": _dialects(trace),
        **done,
        "caching": caching(exchanges) if exchanges.is_file() else None,
    }


def _reasons(info: WorkloadInfo) -> list[dict[str, Any]]:
    return [
        {
            "disposition": row.disposition.value,
            "command": row.command,
            "reason": row.reason,
            "count": row.count,
        }
        for row in info.reasons()
    ]


def _namespace(workload: Workload) -> dict[str, int]:
    files = directories = size = 0
    for entry in workload.namespace:
        if entry.present and entry.kind is Kind.DIRECTORY:
            directories += 1
        elif entry.present:
            files += entry.kind is Kind.FILE
            size += entry.size
    return {"files": files, "directories": directories, "bytes": size}


def _dialects(trace: TraceInfo) -> dict[str, int]:
    """Connections by dialect, `3.1.1` and so on."""
    found = Counter(
        "unknown" if connection.dialect is None else DIALECTS.get(connection.dialect, hex(connection.dialect))
        for connection in trace.connections
    )
    return dict(found.most_common())


def show_inspection(document: dict[str, Any], out: Console) -> None:
    """The document for a person: what it is, what became of it, who did what to what, how good it was."""
    namespace = document["namespace"]
    if document["sealed"] is not None:
        out.print(document["sealed"], markup=False)
    out.print(
        f"{', '.join(document['captures'])}: {document['exchanges']:,} exchanges in "
        f"{format_ns(document['duration_s'] * 1e9)}, {sum(document['operations'].values()):,} operations of "
        f"{len(document['users'])} users on {namespace['files']:,} files in {namespace['directories']:,} "
        f"folders ({format_size(namespace['bytes'])})",
        markup=False,
    )
    out.print(_coverage_table(document))
    _show_reasons(document, out)
    _show_users(document, out)
    kinds = Counter(document["operations"]).most_common()
    _line(out, "operations", "  ".join(f"{kind} {count:,}" for kind, count in kinds))
    if document["client_calls"]:
        _line(out, "", f"(beside them {document['client_calls']:,} that the clients made by themselves)")
    _show_unanswered(document, out)
    for number, line in enumerate(outside_lines(document["outside"])):
        _line(out, "" if number else "outside", line)
    _show_data(document, out)
    _show_caching(document["caching"], out)
    flaws = [f"{called(name)} {count:,}" for name, count in document["grade"].items() if count]
    quality = document["quality"]
    _line(out, "capture", f"{quality['word']}: " + ("; ".join(flaws) if flaws else "nothing is missing"))
    if quality["word"] != BEST:
        _line(out, "", f"({quality['rule']})")


def _line(out: Console, heading: str, text: str) -> None:
    out.print(f"{heading:<12}{text}", markup=False)


def _show_reasons(document: dict[str, Any], out: Console) -> None:
    reasons = [row for row in document["reasons"] if row["disposition"] in ("approximate", "unsupported")]
    if not reasons:
        return
    rows = [
        (r["disposition"], r["command"], f"{r['count']:,}", r["reason"]) for r in reasons[:_REASONS_SHOWN]
    ]
    out.print(plain_table(("not exact", "command", "count", "why"), rows, right=(2,)))
    if len(reasons) > _REASONS_SHOWN:
        out.print(f"… and {len(reasons) - _REASONS_SHOWN} more reasons (--json has them all)")


def _show_users(document: dict[str, Any], out: Console) -> None:
    users = sorted(document["users"], key=lambda user: -user["operations"])
    rows = [
        (
            user["name"], user["client"], f"{user['operations']:,}", str(user["lanes"]),
            format_size(user["read_bytes"]), format_size(user["written_bytes"]), f"{user['failed']:,}",
        )
        for user in users[:_REASONS_SHOWN]
    ]  # fmt: skip
    headings = ("user", "client", "operations", "lanes", "read", "written", "refused")
    out.print(plain_table(headings, rows, right=range(2, 7)))
    if len(users) > _REASONS_SHOWN:
        out.print(f"… and {len(users) - _REASONS_SHOWN} more users (--json has them all)")


def _show_unanswered(document: dict[str, Any], out: Console) -> None:
    if count := document["unanswered"]:
        whole = sum(document["operations"].values())
        _line(
            out, "unanswered",
            f"{count:,} of {whole:,} operations: what they read and wrote counts as asked for; how they "
            "ended and what they took is not known",
        )  # fmt: skip


def _show_data(document: dict[str, Any], out: Console) -> None:
    working = document["working_set"]
    _line(
        out, "working set",
        f"{format_size(working['bytes'])} of {working['files']:,} files (read "
        f"{format_size(working['read_bytes'])}, written {format_size(working['written_bytes'])}); "
        f"{working['paths']:,} paths named",
    )  # fmt: skip
    for kind, sizes in document["sizes"].items():
        if sizes["count"]:
            shares = ", ".join(f"{name} {format_size(sizes[name])}" for name in ("p50", "p90", "p99", "max"))
            moved = format_size(sizes["bytes"])
            _line(out, f"{kind.lower()} sizes", f"{shares}; {sizes['count']:,} calls moved {moved}")
    for by, rows in document["hot"].items():
        shown = [
            (row["path"] or "/", f"{row['operations']:,}", format_size(row["bytes"]))
            for row in rows[:_HOT_SHOWN]
        ]
        if shown:
            out.print(plain_table((f"most {by}", "operations", "bytes"), shown, right=(1, 2)))


def _show_caching(caching: dict[str, Any] | None, out: Console) -> None:
    if caching is None:
        return
    for what in ("requested", "granted"):
        if caching[what]:
            _line(out, what, "  ".join(f"{name} {count:,}" for name, count in caching[what].items()))
    breaks = caching["breaks"]
    if breaks["notified"] or breaks["acknowledged"]:
        to = "  ".join(f"to {name} {count:,}" for name, count in breaks["to"].items())
        _line(out, "breaks", f"{breaks['notified']:,} ({to}), {breaks['acknowledged']:,} acknowledged")


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
