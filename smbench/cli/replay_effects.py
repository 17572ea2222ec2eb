"""Which options of `replay` need which others, or a kind of target, to have an effect."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from smbench.cli.effects import Needs
from smbench.executors.registry import executor_class
from smbench.mounts.options import WIRE_PROFILE
from smbench.mounts.target import ShareTarget, parse_target
from smbench.plan import Pace
from smbench.prepare.content import Content

_CLONES = "on one clone: give their number with --clone, or leave it"
_LOOPS = "on one loop: give their number with --loop, or leave it"
_TIMELESS = "with --pace fast, which has no times: leave it, or take another pace"
_UNPREPARED = "with --no-prepare: leave one of them"


def replay_needs(options: Mapping[str, Any]) -> Iterator[Needs]:
    """For the command's parameters by their names. UsageError where the target is none."""
    executor = executor_class(options["executor"])
    several = options["clones"] > 1 or options["find_capacity"] is not None
    timed = options["pace"] != Pace.FAST.value
    prepares = options["prepare"]
    yield Needs("stagger", _CLONES, several)
    yield Needs("stagger", _TIMELESS, timed)
    yield Needs("speed", _TIMELESS, timed)
    yield Needs("close_gaps", _TIMELESS, timed)
    yield Needs("namespace", _CLONES, several)
    yield Needs("loop_namespace", _LOOPS, options["loops"] > 1)
    yield Needs(
        "max_clones", "without --find-capacity: add it, or leave this", options["find_capacity"] is not None
    )
    yield Needs("content", _UNPREPARED, prepares)
    yield Needs("max_bytes", _UNPREPARED, prepares)
    writes = options["content"] != Content.SPARSE.value
    yield Needs("max_bytes", "with --content sparse, which writes no content: leave one of them", writes)
    by = f"with --executor {options['executor']}"
    filed = executor.touches_files
    without = f"{by}, which touches no files: leave it"
    itself = f"{by}, which makes its files itself, in its memory and for each loop: leave it"
    yield Needs("prepare", itself, not executor.own_files)
    yield Needs("loop_namespace", itself, not executor.own_files)
    yield Needs(
        "users_per_process", f"{by}, whose users share one process: leave it", not executor.one_process
    )
    yield Needs("prepare", without, filed or not prepares)  # what --no-prepare says is so
    yield Needs("content", without, filed)
    yield Needs("max_bytes", without, filed)
    yield Needs("namespace", without, executor.keeps_names)
    mounts = isinstance(parse_target(options["target"]), ShareTarget) and not executor.needs_share
    yield Needs(
        "loop_namespace", "where nothing is prepared and nothing is mounted: leave it",
        mounts or (prepares and filed),
    )  # fmt: skip
    own = f"{by}, which is a client of its own: leave it"
    yield Needs("profile", own, not executor.needs_share)
    yield Needs("profile", f"{by} on a directory, where nothing is mounted: leave it", mounts or filed)
    wire = options["profile"] == WIRE_PROFILE
    for option in ("client_profile", "calibrate"):
        yield Needs(option, f"{by}, which no client profile is for: leave it", executor.has_habits)
        yield Needs(option, "on a directory, where no client is known: leave it", mounts)
        yield Needs(option, "in the profile application, which calls as applications do: leave it", wire)
