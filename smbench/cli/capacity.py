"""What `replay --find-capacity` shows: the curve, what was found, and the exit status that it asks for."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console as RichConsole

from smbench.cli.common import Console
from smbench.cli.statuses import MISSED, NOT_VALID, stopped_status
from smbench.measure.judging import format_value
from smbench.measure.thresholds import Threshold
from smbench.pipeline.capacity import Capacity, Limit, Try, find_capacity
from smbench.pipeline.replay import Replayer
from smbench.report.text import NONE, plain_table, rate_text
from smbench.run.status import GIVE_UP

_KEPT = {True: "yes", False: "no", None: NONE}
_LIMITS = {
    Limit.HARNESS: "beyond it no run was valid: the target may bear more",
    Limit.THRESHOLD: "beyond it the threshold was missed",
    Limit.MOST: "more were not tried (--max-clones)",
    Limit.REFUSED: "beyond it no run was possible",
    Limit.CUT: "beyond it runs were cut off (--deadline), and tell nothing",
    Limit.UNMEASURED: "beyond it no run measured what it asks for",
    Limit.STOPPED: "the search was interrupted before it knew more",
}
_UNKNOWN = {
    Limit.HARNESS: "no run was valid",
    Limit.STOPPED: "the search was interrupted before it knew",
    Limit.UNMEASURED: "no run measured what it asks for",
    Limit.CUT: "no run was whole (--deadline) and valid",
}


def searched(console: Console, replayer: Replayer, threshold: Threshold, most: int, output: Path) -> int:
    """Search, show the curve, write `output`; the exit status comes back: 0, 5 where this machine, a deadline
    or what was not measured was the limit, 99 where not even one clone held, 128 + number where a
    signal ended it."""

    def tell(tried: Try) -> None:
        console.note(_line(tried, threshold.unit))

    return shown(console, find_capacity(replayer, threshold, most, output, tell), output)


def shown(console: Console, found: Capacity, output: Path) -> int:
    """What was found, and written to `output`; the exit status comes back."""
    console.result(found.document(), lambda out: _show(found, out))
    console.note(f"written: {output}")
    if (status := stopped_status(found.stopped)) is not None:
        return status
    if found.limited_by in (Limit.HARNESS, Limit.REFUSED, Limit.CUT, Limit.UNMEASURED):
        return NOT_VALID
    return 0 if found.capacity else MISSED


def _line(one: Try, unit: str) -> str:
    cut_off = one.stopped and one.stopped != GIVE_UP
    verdict = "cut off" if cut_off else "not valid" if not one.valid else "broken"
    if one.valid and not one.stopped and one.value is None:
        verdict = "tells nothing"
    verdict = "holds" if one.holds else verdict
    return (
        f"{_clones(one.clones)}: {rate_text(one.operations_per_s)} operations/s, "
        f"{format_value(one.value, unit)}, {verdict}"
    )


def _show(found: Capacity, out: RichConsole) -> None:
    out.print(_sentence(found), markup=False)
    rows = [
        (
            f"{one.clones:,}", f"{one.users:,}", rate_text(one.operations_per_s),
            format_value(one.value, found.unit), _KEPT[one.met], _validity(one), one.run,
        )
        for one in sorted(found.curve, key=lambda one: one.clones)
    ]  # fmt: skip
    what = found.threshold.split("<")[0].split(">")[0].split("=")[0].strip()
    headings = ("clones", "users", "operations/s", what, "kept", "valid", "run")
    out.print(plain_table(headings, rows, right=range(4)))


def _sentence(found: Capacity) -> str:
    clones, threshold, limit = found.capacity, found.threshold, found.limited_by
    why = f": {found.refused}" if found.refused else ""
    if clones is None:
        kept = sum(1 for one in found.curve if one.met and not one.valid)
        runs = "1 run kept to it and is" if kept == 1 else f"{kept} runs kept to it and are"
        told = f" ({runs} not valid)" if kept else ""
        said = _UNKNOWN.get(limit, _LIMITS[limit])
        return f"how many clones keep to {threshold} is not known: {said}{told}{why}"
    if not clones:
        return f"no clone keeps to {threshold}: not even one alone"
    return f"{_clones(clones)} {'keeps' if clones == 1 else 'keep'} to {threshold}; {_LIMITS[limit]}{why}"


def _clones(count: int) -> str:
    return f"{count:,} clone{'' if count == 1 else 's'}"


def _validity(one: Try) -> str:
    if one.stopped and one.stopped != GIVE_UP:
        return f"cut off ({one.stopped})"
    said = one.warnings if one.valid else one.reasons
    return ("yes" if one.valid else "no") + (": " + "; ".join(said) if said else "")
