"""The search for a capacity: how many clones of a workload a target bears, run by run up to there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from smbench.errors import SmbenchError
from smbench.measure.thresholds import Threshold
from smbench.pipeline.artefacts import whole
from smbench.pipeline.replay import Replayer
from smbench.plan.capacity import clones_to_try
from smbench.run.model import Run
from smbench.run.status import DEADLINE, INTERRUPTED, status_of
from smbench.run.store import CAPACITY
from smbench.signals import name_of
from smbench.stored import write_document

SCHEMA = 1


class Limit(StrEnum):
    """Why more clones than the found ones are not known to keep to the threshold."""

    HARNESS = "harness"
    THRESHOLD = "threshold"
    MOST = "most"
    REFUSED = "refused"
    CUT = "deadline"
    UNMEASURED = "unmeasured"
    STOPPED = "stopped"


class Try(Struct, frozen=True, kw_only=True):
    """One run of the search."""

    run: str
    """Its folder in the result."""
    clones: int
    users: int
    operations_per_s: float | None
    value: float | None
    """Of what the threshold asks for."""
    met: bool | None
    """None where it was cut off, which shows neither."""
    valid: bool
    reasons: tuple[str, ...]
    warnings: tuple[str, ...]
    stopped: str | None

    @classmethod
    def of(cls, name: str, run: Run) -> Try:
        """What a run in the folder of that name showed: it was judged by one threshold."""
        judged = run.thresholds[0]
        return cls(
            run=name,
            clones=run.configuration.clones,
            users=run.configuration.users,
            operations_per_s=run.throughput.operations_per_s,
            value=judged.value,
            met=None if run.stopped else judged.met,
            valid=run.valid,
            reasons=run.reasons,
            warnings=run.warnings,
            stopped=run.stopped,
        )

    @property
    def holds(self) -> bool:
        """Whether it shows that so many clones keep to the threshold: a run that was cut off tells
        nothing."""
        return bool(self.met and self.valid and self.stopped is None)

    @property
    def interrupted(self) -> bool:
        """Whether a signal ended it, and with it the search: where something else did, the runs of fewer
        clones may still be whole."""
        return status_of(self.stopped) == INTERRUPTED


class Capacity(Struct, frozen=True, kw_only=True):
    """What a search found; capacity.json is this, key by key."""

    schema: int = SCHEMA
    kind: str = "capacity"
    threshold: str
    unit: str
    capacity: int | None
    """The most clones that kept to it; 0: not even one; None: not known."""
    limited_by: Limit
    refused: str | None
    stopped: str | None
    curve: tuple[Try, ...]

    def document(self) -> dict[str, Any]:
        """As plain values."""
        document: dict[str, Any] = msgspec.to_builtins(self)
        return document


def find_capacity(
    replayer: Replayer, threshold: Threshold, most: int, output: Path, tell: Callable[[Try], None]
) -> Capacity:
    """Search from the request's clones up to `most`, and write the directory `output` with all the runs.

    `tell` hears of each run. What the first run cannot do is raised; later ones end the search with what is
    known until then, and so does an interrupt.
    """
    asked = replayer.request
    with whole(output, ".run", CAPACITY, asked.force) as draft, _one_by_one(replayer):
        found = _search(replayer, threshold, most, draft, tell)
        write_document(draft / CAPACITY, found.document())
    return found


@contextmanager
def _one_by_one(replayer: Replayer) -> Iterator[None]:
    """Each run has its clones in folders of their own, also that of a single one."""
    asked, folders = replayer.request, replayer.folders
    replayer.folders = True
    try:
        yield
    finally:
        replayer.request, replayer.folders = asked, folders


def _search(
    replayer: Replayer, threshold: Threshold, most: int, draft: Path, tell: Callable[[Try], None]
) -> Capacity:
    curve: list[Try] = []
    stopped: str | None = None
    refused: str | None = None
    search = clones_to_try(replayer.request.clones, most)
    clones = next(search)
    try:
        while stopped is None:
            tried = _tried(replayer, threshold, clones, draft / f"{len(curve) + 1:03d}")
            curve.append(tried)
            tell(tried)
            # What was warned of once need not be again.
            replayer.tells = False
            stopped = tried.stopped if tried.interrupted else None
            clones = search.send(tried.holds)
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
    return capacity_of(threshold.text, threshold.unit, curve, stopped, refused)


def capacity_of(
    threshold: str, unit: str, curve: Sequence[Try], stopped: str | None, refused: str | None = None
) -> Capacity:
    """What these runs show together. `stopped`: what ended the search before it had come to its end."""
    broken = [one for one in curve if not one.holds and not one.interrupted]
    nearest = min(broken, key=lambda one: one.clones, default=None)
    limit = _limit(nearest, stopped, refused)
    held = max((one.clones for one in curve if one.holds), default=None)
    return Capacity(
        threshold=threshold,
        unit=unit,
        # That not even one clone keeps to it is known where a valid run has shown it.
        capacity=0 if held is None and limit is Limit.THRESHOLD else held,
        limited_by=limit,
        refused=refused,
        stopped=stopped,
        curve=tuple(curve),
    )


def _tried(replayer: Replayer, threshold: Threshold, clones: int, folder: Path) -> Try:
    """A run of so many clones into `folder`. Nothing stays of one that fails."""
    replayer.ask(clones=clones, output=folder)
    return Try.of(folder.name, replayer.carry_out([threshold]))


def _limit(nearest: Try | None, stopped: str | None, refused: str | None) -> Limit:
    if stopped is not None:
        return Limit.STOPPED
    if refused is not None:
        return Limit.REFUSED
    if nearest is None:
        return Limit.MOST
    if nearest.stopped == DEADLINE:
        return Limit.CUT
    if not nearest.valid:
        return Limit.HARNESS
    return Limit.UNMEASURED if nearest.value is None else Limit.THRESHOLD
