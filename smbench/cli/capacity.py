"""`replay --find-capacity`: how many clones of a workload a target bears, and the curve up to there."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Console as RichConsole

from smbench.cli.artefacts import whole
from smbench.cli.replaying import Replay
from smbench.errors import SmbenchError
from smbench.measure.judging import format_value
from smbench.measure.thresholds import Threshold
from smbench.plan.capacity import clones_to_try
from smbench.report.text import NONE, plain_table, rate_told
from smbench.run.store import CAPACITY, from_document
from smbench.signals import exit_status, name_of

_NOT_VALID = 5
_DEADLINE = "deadline"
"""It ends a run, and no search: the runs of fewer clones may still be whole."""
_MISSED = 99
_HARNESS, _THRESHOLD, _MOST, _REFUSED, _STOPPED = "harness", "threshold", "most", "refused", "stopped"
_CUT, _UNMEASURED = "deadline", "unmeasured"
_KEPT = {True: "yes", False: "no", None: NONE}
_LIMITS = {
    _HARNESS: "beyond it no run was valid: the target may bear more",
    _THRESHOLD: "beyond it the threshold was missed",
    _MOST: "more were not tried (--max-clones)",
    _REFUSED: "beyond it no run was possible",
    _CUT: "beyond it runs were cut off (--deadline), and tell nothing",
    _UNMEASURED: "beyond it no run measured what it asks for",
    _STOPPED: "the search was interrupted before it knew more",
}


def find_capacity(asked: Replay, threshold: Threshold, start: int, most: int, output: Path) -> int:
    """Search, show the curve, write `output`; the exit status comes back: 0, 5 where this machine, a deadline
    or what was not measured was the limit, 99 where not even one clone held, 128 + number where a
    signal ended it."""
    with whole(output, ".run", CAPACITY, asked.force) as draft:
        document = _search(asked, threshold, start, most, draft)
        (draft / CAPACITY).write_text(
            json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
        )
    asked.console.result(document, lambda out: _show(document, threshold, out))
    asked.console.note(f"written: {output}")
    if (status := exit_status(document["stopped"])) is not None:
        return status
    if document["limited_by"] in (_HARNESS, _REFUSED, _CUT, _UNMEASURED):
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
            stopped = tried["stopped"] if _interrupted(tried) else None
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
    broken = [one for one in curve if not _holds(one) and not _interrupted(one)]
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
        run = from_document(asked.carry_out(place, plan, folder, [threshold]), folder)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    judged = run.thresholds[0]
    return {
        "run": folder.name,
        "clones": clones,
        "users": run.configuration.users,
        "operations_per_s": run.throughput.operations_per_s,
        "value": judged.value,
        # What was cut off shows neither.
        "met": None if run.stopped else judged.met,
        "valid": run.valid,
        "reasons": list(run.reasons),
        "warnings": list(run.warnings),
        "stopped": run.stopped,
    }


def _holds(tried: dict[str, Any]) -> bool:
    """A run that was cut off tells nothing."""
    return bool(tried["met"] and tried["valid"] and tried["stopped"] is None)


def _interrupted(tried: dict[str, Any]) -> bool:
    return tried["stopped"] not in (None, _DEADLINE)


def _limit(nearest: dict[str, Any] | None, stopped: str | None, refused: str | None) -> str:
    if stopped is not None:
        return _STOPPED
    if refused is not None:
        return _REFUSED
    if nearest is None:
        return _MOST
    if nearest["stopped"] is not None:
        return _CUT
    if not nearest["valid"]:
        return _HARNESS
    return _UNMEASURED if nearest["value"] is None else _THRESHOLD


def _line(one: dict[str, Any], threshold: Threshold) -> str:
    verdict = "cut off" if one["stopped"] else "not valid" if not one["valid"] else "broken"
    if one["valid"] and not one["stopped"] and one["value"] is None:
        verdict = "tells nothing"
    verdict = "holds" if _holds(one) else verdict
    return (
        f"{_clones(one['clones'])}: {rate_told(one['operations_per_s'])} operations/s, "
        f"{format_value(one['value'], threshold.unit)}, {verdict}"
    )


def _show(document: dict[str, Any], threshold: Threshold, out: RichConsole) -> None:
    out.print(_found(document), markup=False)
    rows = [
        (
            f"{one['clones']:,}", f"{one['users']:,}", rate_told(one["operations_per_s"]),
            format_value(one["value"], threshold.unit), _KEPT[one["met"]],
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
        kept = sum(1 for one in document["curve"] if one["met"] and not one["valid"])
        runs = "1 run kept to it and is" if kept == 1 else f"{kept} runs kept to it and are"
        told = f" ({runs} not valid)" if kept else ""
        said = {
            _HARNESS: "no run was valid",
            _STOPPED: "the search was interrupted before it knew",
            _UNMEASURED: "no run measured what it asks for",
            _CUT: "no run was whole (--deadline) and valid",
        }
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
        return f"cut off ({one['stopped']})"
    said = one["warnings"] if one["valid"] else one["reasons"]
    return ("yes" if one["valid"] else "no") + (": " + "; ".join(said) if said else "")
