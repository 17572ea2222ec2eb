"""`replay --find-capacity`: how many clones of a workload a target bears, and the curve up to there."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Console as RichConsole

from smbench.cli.artefacts import whole
from smbench.cli.guard import INTERRUPTED
from smbench.cli.replaying import Replay
from smbench.measure.thresholds import Threshold, format_value
from smbench.plan.capacity import clones_to_try
from smbench.report.text import plain_table

CAPACITY = "capacity.json"
"""The document of a search; the folder that it stands in is whole."""
_NOT_VALID = 5
_MISSED = 99
_HARNESS, _THRESHOLD, _MOST = "harness", "threshold", "most"
_LIMITS = {
    _HARNESS: "beyond it the harness itself was late: the target may bear more",
    _THRESHOLD: "beyond it the threshold was missed",
    _MOST: "more were not tried (--max-clones)",
}


def find_capacity(asked: Replay, threshold: Threshold, start: int, most: int, output: Path) -> int:
    """Search, show the curve, write `output`; the exit status comes back: 0, 5 where the harness was the
    limit, 99 where not even one clone held, 130 where it was interrupted."""
    with whole(output, ".run", CAPACITY, asked.force) as draft:
        document = _search(asked, threshold, start, most, draft)
        (draft / CAPACITY).write_text(
            json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
        )
    asked.console.result(document, lambda out: _show(document, threshold, out))
    asked.console.note(f"written: {output}")
    if document["stopped"]:
        return INTERRUPTED
    if document["limited_by"] == _HARNESS:
        return _NOT_VALID
    return 0 if document["capacity"] else _MISSED


def _search(asked: Replay, threshold: Threshold, start: int, most: int, draft: Path) -> dict[str, Any]:
    curve: list[dict[str, Any]] = []
    stopped: str | None = None
    search = clones_to_try(start, most)
    clones = next(search)
    capacity = 0
    asked = replace(asked, folders=True)
    while stopped is None:
        folder = draft / f"{len(curve) + 1:03d}"
        folder.mkdir()
        place, plan = asked.placed(clones)
        run = asked.carry_out(place, plan, folder, [threshold])
        judged = run["thresholds"][0]
        holds = bool(judged["met"] and run["valid"])
        curve.append({
            "run": folder.name,
            "clones": clones,
            "users": run["configuration"]["users"],
            "operations_per_s": run["throughput"]["operations_per_s"],
            "value": judged["value"],
            "met": judged["met"],
            "valid": run["valid"],
            "reasons": run["reasons"],
        })  # fmt: skip
        asked.console.note(_line(curve[-1], threshold))
        # What was warned of once need not be again.
        asked = replace(asked, tells=False)
        stopped = run["stopped"]
        try:
            clones = search.send(holds)
        except StopIteration as end:
            capacity = end.value
            break
    else:
        capacity = max((one["clones"] for one in curve if one["met"] and one["valid"]), default=0)
    broken = min(
        (one for one in curve if not (one["met"] and one["valid"])),
        key=lambda one: one["clones"],
        default=None,
    )
    limited_by = _MOST if broken is None else _HARNESS if not broken["valid"] else _THRESHOLD
    return {
        "schema": 1,
        "kind": "capacity",
        "threshold": threshold.text,
        "unit": threshold.unit,
        "capacity": capacity,
        "limited_by": limited_by,
        "stopped": stopped,
        "curve": curve,
    }


def _line(one: dict[str, Any], threshold: Threshold) -> str:
    verdict = "not valid" if not one["valid"] else "holds" if one["met"] else "broken"
    return (
        f"{one['clones']} clones: {one['operations_per_s']:,.0f} operations/s, "
        f"{format_value(one['value'], threshold.unit)}, {verdict}"
    )


def _show(document: dict[str, Any], threshold: Threshold, out: RichConsole) -> None:
    clones = document["capacity"]
    found = (
        f"{clones} clones keep to {document['threshold']}"
        if clones
        else f"no clone keeps to {document['threshold']}"
    )
    out.print(f"{found}; {_LIMITS[document['limited_by']]}", markup=False)
    rows = [
        (
            f"{one['clones']:,}", f"{one['users']:,}", f"{one['operations_per_s']:,.0f}",
            format_value(one["value"], threshold.unit), "yes" if one["met"] else "no",
            "yes" if one["valid"] else "no: " + "; ".join(one["reasons"]), one["run"],
        )
        for one in sorted(document["curve"], key=lambda one: one["clones"])
    ]  # fmt: skip
    what = document["threshold"].split("<")[0].split(">")[0].split("=")[0].strip()
    headings = ("clones", "users", "operations/s", what, "kept", "valid", "run")
    out.print(plain_table(headings, rows, right=range(4)))
