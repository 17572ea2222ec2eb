"""What somebody outside the capture changed, of a workload and of a run: documents, and sentences of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pyarrow.compute as pc

from smbench.run.model import Run
from smbench.smb2.ntstatus import Status
from smbench.smb2.ntstatus import name as status_name
from smbench.workload.model import Workload
from smbench.workload.store import StoredOperations

_SHOWN = 10
_COLUMNS = ["rule", "kind", "path", "arrival_ns"]
_REFUSED = status_name(Status.SHARING_VIOLATION)
_PARTS = ("Write", "Truncate", "Close")
"""Calls that are not the first of their change."""


def outside_document(workload: Workload) -> dict[str, Any]:
    """How many changes there are, by what they are, and the first of them."""
    outside = workload.info.outside
    return {
        "changes": dict(outside.changes),
        "operations": outside.operations,
        "first": _first(workload) if outside.operations else [],
    }


def _first(workload: Workload) -> list[dict[str, Any]]:
    operations = workload.operations
    assert isinstance(operations, StoredOperations)
    number = len(workload.info.trace.users)
    first: list[dict[str, Any]] = []
    for batch in replace(operations, outside=number).batches(["user", *_COLUMNS]):
        rule = batch.column("rule").cast("string")
        rows = batch.filter(pc.starts_with(rule, "outside-")).select(_COLUMNS).to_pylist()
        first += [
            {
                "what": row["rule"].partition("-")[2],
                "kind": "directory" if "Directory" in row["kind"] else "file",
                "path": row["path"],
                "at_s": row["arrival_ns"] / 1e9,
            }
            for row in rows
            if row["kind"] not in _PARTS and row["rule"] != "outside-released"
        ]
        if len(first) >= _SHOWN:
            break
    return first[:_SHOWN]


def outside_lines(document: Mapping[str, Any]) -> list[str]:
    """The document of a workload for people; nothing where there is nothing."""
    if not document["operations"]:
        return []
    lines = [f"somebody outside the capture changed files meanwhile: {_kinds(document['changes'])}"]
    lines += [f"{one['kind']} {one['what']}, {one['at_s']:.3f} s: {one['path']}" for one in document["first"]]
    further = sum(document["changes"].values()) - len(document["first"])
    return [*lines, f"… and {further:,} more"] if further > 0 else lines


def outside_notes(run: Run) -> list[str]:
    """What became of it in a run; a sentence."""
    outside = run.outside
    if outside is None:
        return []
    who = "somebody outside the capture"
    if run.capture is not None and run.capture.warnings:
        who += ", or requests that it lacks,"
    told = f"{who} changed files meanwhile ({_kinds(outside.changes)}): "
    if not outside.replayed:
        return [told + "not so here (--no-outside), and what was seen afterwards may differ"]
    notes = [
        told + f"so did the user {outside.user} here, by {outside.executed:,} of {outside.planned:,} calls, "
        "which are in no other count and in no time"
    ]
    if "held" in outside.changes and (granted := _granted(run)):
        notes.append(
            f"{granted:,} requests that the capture has refused for what others held open were not refused "
            "here: somebody outside held it, and this executor's opens let everybody do everything"
        )
    return notes


def _granted(run: Run) -> int:
    """Opens and removals that ended otherwise than by a share mode, as in the capture."""
    return sum(one.count for one in run.causes if one.expected == _REFUSED)


def _kinds(changes: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {what}" for what, count in changes.items())
