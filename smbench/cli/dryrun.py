"""What a replay would do, without doing it."""

from __future__ import annotations

from typing import Any

from rich.console import Console

from smbench.pipeline.place import Place
from smbench.pipeline.request import Request
from smbench.plan import Gaps, Plan
from smbench.prepare.content import Content
from smbench.prepare.wanted import Amount
from smbench.report.gaps import gaps_closed, gaps_document
from smbench.report.text import plain_table
from smbench.units import format_ns, format_size


def dry_run_document(
    plan: Plan, place: Place, request: Request, gaps: Gaps, files: Amount | None
) -> dict[str, Any]:
    """The plan in numbers: operations and lanes of every user, processes, order, the planned duration, the
    gaps that are left in it, and how much of what files would be written (None: nothing is prepared)."""
    lasts_ns = None if plan.intended_ns is None else int(plan.intended_ns.max(initial=0))
    operations = (plan.lane_start[1:] - plan.lane_start[:-1]).tolist()
    rows = []
    for number, user in enumerate(place.users):
        lanes = [lane for lane in range(plan.lanes) if int(plan.lane_user[lane]) == number]
        rows.append({
            "user": user.user,
            "account": None if user.account is None else str(user.account),
            "operations": sum(operations[lane] for lane in lanes),
            "lanes": len(lanes),
            "options": [str(option) for option in user.options],
            "streams": None if user.streams is None else [str(option) for option in user.streams],
        })  # fmt: skip
    return {
        "schema": 1,
        "target": str(place.target),
        "identity": None if place.identity is None else place.identity.name,
        "executor": request.executor,
        "profile": request.profile,
        "pace": plan.pace.value,
        "speed": plan.speed,
        "operations": plan.operations,
        "processes": plan.processes,
        "lanes": plan.lanes,
        "waits": len(plan.waits),
        "lasts_s": None if lasts_ns is None else lasts_ns / 1e9,
        "gaps": gaps_document(gaps),
        "close_gaps_s": request.close_gaps_s,
        "gaps_closed": {"count": len(plan.closed), "seconds": sum(plan.closed) / 1e9},
        "prepare": None if files is None else amount_document(files, request.content),
        "users": rows,
    }


def amount_document(files: Amount, content: Content) -> dict[str, Any]:
    """What prepare would write, and what it would leave as holes."""
    return {
        "content": content.value,
        "bytes": files.size,
        "written_bytes": files.written,
        "sparse_bytes": files.size - files.written,
    }


def show_amount(document: dict[str, Any], out: Console) -> None:
    """The same in words."""
    out.print(
        f"would write {format_size(document['written_bytes'])} of files and leave "
        f"{format_size(document['sparse_bytes'])} of them as holes (content {document['content']})",
        markup=False,
    )


def show_dry_run(document: dict[str, Any], out: Console) -> None:
    """The document for a person."""
    lasts = document["lasts_s"]
    last = "as fast as order allows" if lasts is None else f"the last after {format_ns(lasts * 1e9)}"
    out.print(
        f"would replay {document['operations']:,} operations on {document['target']} by "
        f"{document['executor']}, profile {document['profile']}, in {document['processes']} processes with "
        f"{document['lanes']} lanes as {document['identity'] or 'the present user'}: {last}; "
        f"{document['waits']:,} waits keep the order",
        markup=False,
    )
    closed = document["gaps_closed"]
    if (told := gaps_closed(document["close_gaps_s"], closed["count"], closed["seconds"])) is not None:
        out.print(told, markup=False)
    if document["prepare"] is not None:
        show_amount(document["prepare"], out)
    rows = [
        (row["user"], row["account"] or "", f"{row['operations']:,}", str(row["lanes"]))
        for row in document["users"]
    ]
    out.print(plain_table(("user", "account", "operations", "lanes"), rows, right=(2, 3)))
