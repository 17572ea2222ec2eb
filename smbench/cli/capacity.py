"""`replay --find-capacity`: how many clones of a workload a target bears, and the curve up to there."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Console as RichConsole

from smbench.cli.artefacts import CAPACITY, whole
from smbench.cli.replaying import Replay
from smbench.errors import SmbenchError
from smbench.measure.judging import format_value
from smbench.measure.thresholds import Threshold
from smbench.plan.capacity import clones_to_try
from smbench.report.text import plain_table
from smbench.signals import exit_status, name_of

_NOT_VALID = 5
_DEADLINE = "deadline"
"""It ends a run, and no search: of what was measured until then the threshold is judged."""
_MISSED = 99
_HARNESS, _THRESHOLD, _MOST, _REFUSED, _STOPPED = "harness", "threshold", "most", "refused", "stopped"
_LIMITS = {
    _HARNESS: "beyond it no run was valid: the target may bear more",
    _THRESHOLD: "beyond it the threshold was missed",
    _MOST: "more were not tried (--max-clones)",
    _REFUSED: "beyond it no run was possible",
    _STOPPED: "the search was interrupted before it knew more",
}


def find_capacity(asked: Replay, threshold: Threshold, start: int, most: int, output: Path) -> int:
    """Search, show the curve, write `output`; the exit status comes back: 0, 5 where this machine was the
    limit, 99 where not even one clone held, 128 + number where a signal ended it."""
    with whole(output, ".run", CAPACITY, asked.force) as draft:
        document = _search(asked, threshold, start, most, draft)
        (draft / CAPACITY).write_text(
            json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
        )
    asked.console.result(document, lambda out: _show(document, threshold, out))
    asked.console.note(f"written: {output}")
    if (status := exit_status(document["stopped"])) is not None:
        return status
    if document["limited_by"] in (_HARNESS, _REFUSED):
        return _NOT_VALID
    return 0 if document["capacity"] else _MISSED


def _search(asked: Replay, threshold: Threshold, start: int, most: int, draft: Path) -> dict[str, Any]:
    """What the first run cannot do is an error; later ones end the search with what is known until then."""
    curve: list[dict[str, Any]] = []
    stopped: str | None = None
    refused: str | None = None
    search = clones_to_try(start, most)
    clones = next(search)
    asked = replace(asked, folders=True)
    try:
        while stopped is None:
            tried = _tried(asked, threshold, clones, draft / f"{len(curve) + 1:03d}")
            curve.append(tried)
            asked.console.note(_line(tried, threshold))
            # What was warned of once need not be again.
            asked = replace(asked, tells=False)
            stopped = tried["stopped"]
            clones = search.send(_holds(tried))
    except StopIteration:
        pass
    except KeyboardInterrupt as interrupt:
        if not curve:
            raise
        stopped = name_of(interrupt)
    except SmbenchError as error:
        if not curve:
            raise
        refused = str(error)
    broken = [one for one in curve if not _holds(one) and one["stopped"] is None]
    nearest = min(broken, key=lambda one: int(one["clones"]), default=None)
    limit = _limit(nearest, stopped, refused)
    held = max((one["clones"] for one in curve if _holds(one)), default=None)
    return {
        "schema": 1,
        "kind": "capacity",
        "threshold": threshold.text,
        "unit": threshold.unit,
        # That not even one clone keeps to it is known where a valid run has shown it.
        "capacity": 0 if held is None and limit == _THRESHOLD else held,
        "limited_by": limit,
        "refused": refused,
        "stopped": stopped,
        "curve": curve,
    }


def _tried(asked: Replay, threshold: Threshold, clones: int, folder: Path) -> dict[str, Any]:
    """A run of so many clones into `folder`, as a row of the curve. Nothing stays of one that fails."""
    folder.mkdir()
    try:
        place, plan = asked.placed(clones)
        run = asked.carry_out(place, plan, folder, [threshold])
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    judged = run["thresholds"][0]
    return {
        "run": folder.name,
        "clones": clones,
        "users": run["configuration"]["users"],
        "operations_per_s": run["throughput"]["operations_per_s"],
        "value": judged["value"],
        "met": judged["met"],
        "valid": run["valid"],
        "reasons": run["reasons"],
        "warnings": run["warnings"],
        "stopped": None if run["stopped"] == _DEADLINE else run["stopped"],
    }


def _holds(tried: dict[str, Any]) -> bool:
    """A run that was interrupted tells nothing."""
    return bool(tried["met"] and tried["valid"] and tried["stopped"] is None)


def _limit(nearest: dict[str, Any] | None, stopped: str | None, refused: str | None) -> str:
    if stopped is not None:
        return _STOPPED
    if refused is not None:
        return _REFUSED
    if nearest is None:
        return _MOST
    return _THRESHOLD if nearest["valid"] else _HARNESS


def _line(one: dict[str, Any], threshold: Threshold) -> str:
    verdict = "interrupted" if one["stopped"] else "not valid" if not one["valid"] else "broken"
    verdict = "holds" if _holds(one) else verdict
    return (
        f"{_clones(one['clones'])}: {one['operations_per_s']:,.0f} operations/s, "
        f"{format_value(one['value'], threshold.unit)}, {verdict}"
    )


def _show(document: dict[str, Any], threshold: Threshold, out: RichConsole) -> None:
    out.print(_found(document), markup=False)
    rows = [
        (
            f"{one['clones']:,}", f"{one['users']:,}", f"{one['operations_per_s']:,.0f}",
            format_value(one["value"], threshold.unit), "yes" if one["met"] else "no",
            _validity(one), one["run"],
        )
        for one in sorted(document["curve"], key=lambda one: one["clones"])
    ]  # fmt: skip
    what = document["threshold"].split("<")[0].split(">")[0].split("=")[0].strip()
    headings = ("clones", "users", "operations/s", what, "kept", "valid", "run")
    out.print(plain_table(headings, rows, right=range(4)))


def _found(document: dict[str, Any]) -> str:
    clones, threshold, limit = (document[name] for name in ("capacity", "threshold", "limited_by"))
    why = f": {document['refused']}" if document["refused"] else ""
    if clones is None:
        kept = [one for one in document["curve"] if one["met"] and not one["valid"] and not one["stopped"]]
        least = min((one["clones"] for one in kept), default=None)
        told = "" if least is None else f" ({_clones(least)} kept to it, in a run that is not valid)"
        said = {_HARNESS: "no run was valid", _STOPPED: "the search was interrupted before it knew"}
        return (
            f"how many clones keep to {threshold} is not known: {said.get(limit, _LIMITS[limit])}{told}{why}"
        )
    if not clones:
        return f"no clone keeps to {threshold}: not even one alone"
    return f"{_clones(clones)} {'keeps' if clones == 1 else 'keep'} to {threshold}; {_LIMITS[limit]}{why}"


def _clones(count: int) -> str:
    return f"{count:,} clone{'' if count == 1 else 's'}"


def _validity(one: dict[str, Any]) -> str:
    if one["stopped"]:
        return f"interrupted ({one['stopped']})"
    said = one["warnings"] if one["valid"] else one["reasons"]
    return ("yes" if one["valid"] else "no") + (": " + "; ".join(said) if said else "")
