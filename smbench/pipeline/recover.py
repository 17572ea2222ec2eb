"""The result of a run whose controller did not come to write it, made from what it left."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from msgspec import structs

from smbench.errors import SetupError, UsageError
from smbench.executors.registry import executor_class
from smbench.measure.oplog import COMPLETED
from smbench.owner import Owner
from smbench.pipeline.artefacts import whole
from smbench.pipeline.partial import (
    OPERATIONS,
    PARTIAL,
    PLAN,
    PartialRun,
    alone_in,
    home_of,
    output_of,
    partial_of,
)
from smbench.pipeline.progress import SILENT, Progress
from smbench.plan.store import read_plan
from smbench.run.model import Run
from smbench.run.status import KILLED
from smbench.run.store import DOCUMENT, WIRE, write
from smbench.runner.expectations import Expectations
from smbench.runner.kept import KeptLoop, kept_loops
from smbench.runner.loops import join_loops
from smbench.runner.options import RunOptions
from smbench.runner.result import RunResult, lasted_s
from smbench.runner.verdict import overdue
from smbench.scratch import forget_folder, ours, owner_of
from smbench.stored import copy_stored, read_document
from smbench.workload.store import StoredOperations

_REMEDY = "nothing can be made of it: remove it by smbench-mount clean --discard"


@dataclass(frozen=True, slots=True)
class CutOff:
    """A run that has no result yet."""

    home: Path
    partial: Path | None
    """The folder beside the result's place; None where that is gone."""
    owner: Owner | None


def cut_off(path: Path) -> CutOff | None:
    """What a run left that was to become `path`, or whose partial folder or home that is; None where it left
    nothing there. SetupError where another user's is there."""
    for partial in (partial_of(path), path):
        if (partial / DOCUMENT).is_file():
            continue  # a result that is whole
        try:
            strange = not ours(partial)
            next(partial.iterdir(), None)
        except PermissionError:
            strange = True
        except OSError:
            continue
        if strange:
            raise SetupError(
                f"{partial} is another user's, who can make its result (as root: --run-as that user)"
            )
        if (home := home_of(partial)) is not None:
            return CutOff(home, partial, owner_of(partial))
    is_home = (path / PARTIAL).is_file() and ours(path)
    return CutOff(path, None, owner_of(path)) if is_home else None


def recover(
    found: CutOff, output: Path | None = None, force: bool = False, progress: Progress = SILENT
) -> Run:
    """Make the result: all that was completed, as the run itself would have told it. It goes to `output`, or
    beside which the run's partial folder is; what the run left is removed then.

    UsageError where its process still lives, where nothing was completed, where it cannot be read, or where
    somebody else made the result of it meanwhile.
    """
    with alone_in(found.home):
        if not found.home.exists():
            raise UsageError(f"{found.home} is gone: its result was made meanwhile")
        return _recovered(found, output, force, progress)


def _recovered(found: CutOff, output: Path | None, force: bool, progress: Progress) -> Run:
    document = _document(found, force)
    # Where it was to go its document says too, which may come from anywhere.
    output = output or (None if found.partial is None else output_of(found.partial))
    if output is None:
        told = "a run without a name" if document.output is None else f"{document.output}, which is elsewhere"
        raise UsageError(f"{found.home} was of {told}: give its result a place with -o")
    if output.is_symlink():
        raise UsageError(f"{output} is a link: name the place itself with -o")
    loops, results = _results(found, document, progress)
    with progress.stage("making the result"), whole(output, ".run", DOCUMENT, force) as draft:
        joined = join_loops(results, document.loops)
        counters = [loop.client for loop in loops]
        client_stats = counters[0] if document.loops == 1 else {"loops": counters}
        thresholds = [each.threshold() for each in document.thresholds]
        measured = joined.measured(draft, client_stats, thresholds)
        run = write(document.described.of(measured, counters), draft)
        if found.partial is not None and os.path.lexists(found.partial / WIRE):
            copy_stored(found.partial / WIRE, draft / WIRE, _REMEDY)
    for folder in filter(None, (found.home, found.partial)):
        forget_folder(folder)
    return structs.replace(run, directory=output)


def refuse_living(folder: Path, owner: Owner | None, force: bool) -> None:
    """UsageError where a folder's process lives. `force`: not where it cannot be looked for."""
    if owner is not None and owner.lives and (owner.here or not force):
        more = "" if owner.here else "; where you know that it has ended, --force takes it"
        raise UsageError(f"{folder} belongs to a replay that goes on ({owner.named}){more}")


def _document(found: CutOff, force: bool) -> PartialRun:
    """What is known of the run."""
    refuse_living(found.home, found.owner, force)
    try:
        return read_document(found.home / PARTIAL, PartialRun, _REMEDY)
    except FileNotFoundError:
        raise UsageError(f"{found.home} ended before anything was measured: {_REMEDY}") from None
    except SetupError as error:
        raise SetupError(f"{error}; whose it is can make its result (as root: --run-as that user)") from None


def _results(
    found: CutOff, document: PartialRun, progress: Progress
) -> tuple[list[KeptLoop], list[RunResult]]:
    """Its loops, as they were left and as the run itself would have had them."""
    plan = read_plan(found.home / PLAN)
    operations = StoredOperations(
        found.home / OPERATIONS, client_calls=document.client_calls, outside=document.outside
    )
    executor = executor_class(document.executor)
    options = RunOptions(
        executor=document.executor, roots=[], profile=document.profile, habits=document.habits,
        deadline_s=document.deadline_s, seed=document.seed, warm_up_s=document.warm_up_s,
    )  # fmt: skip
    unreadable: list[str] = []
    loops = list(kept_loops(found.home, plan, unreadable))
    for why in unreadable:
        progress.warn(f"{why}: the result is without it")
    if not any(loop.records[:, COMPLETED].any() for loop in loops):
        raise UsageError(f"{found.home} ended before anything was measured: {_REMEDY}")
    if len(loops) < document.loops and not loops[-1].ending.stopped:
        loops[-1].ending.stopped = KILLED  # between two of them

    def result(loop: KeptLoop) -> RunResult:
        if loop.ending.stopped == KILLED:
            loop.ending.overdue = overdue(
                plan, loop.ending, loop.records, Expectations(operations, plan, executor)
            )
        lasted = lasted_s(loop.records, loop.ending.start_ns)
        return RunResult(
            plan, options, loop.ending, executor, operations, loop.records, loop.sampler, [loop.statistics],
            lasted,
        )  # fmt: skip

    return loops, [result(loop) for loop in loops]
