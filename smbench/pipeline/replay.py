"""The heart: a workload carried out on a target as a request asks for it. Reads as: place, plan, prepare,
mount, run loop by loop, say what it was, write."""

from __future__ import annotations

import atexit
import os
import shutil
from collections.abc import Sequence, Sized
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import msgspec

from smbench.clients.choice import Choice
from smbench.clients.strategies import habits_of
from smbench.clones import clone_folder
from smbench.errors import UsageError
from smbench.executors.base import OLD_HABITS, ShareAccess
from smbench.measure.client import read_counters
from smbench.measure.counters import diff
from smbench.measure.thresholds import Threshold
from smbench.mounts.opened import Mounted
from smbench.mounts.opening import open_target
from smbench.mounts.options import keeps_directories
from smbench.mounts.target import DirectoryTarget
from smbench.pipeline import client
from smbench.pipeline.amounts import refuse_too_much
from smbench.pipeline.artefacts import check_room
from smbench.pipeline.clients import described, share_access
from smbench.pipeline.described import Described, describe, notes_of
from smbench.pipeline.finishing import Finishing
from smbench.pipeline.limits import Limits, read_limits
from smbench.pipeline.partial import Partial, partial_run
from smbench.pipeline.place import Place, place_workload
from smbench.pipeline.prepared import Files
from smbench.pipeline.preparing import find_out
from smbench.pipeline.progress import SILENT, Progress
from smbench.pipeline.request import LoopNamespace, Namespace, Request
from smbench.pipeline.sole import sole_use
from smbench.pipeline.wire import RunWire, refuse_without_wire, run_wire
from smbench.plan import (
    LONG_NS,
    NO_GAPS,
    Gaps,
    Pace,
    Plan,
    clone,
    default_stagger_ns,
    find_gaps,
    gaps_warning,
    plan_run,
)
from smbench.run.model import Run
from smbench.run.store import write
from smbench.runner.kept import keep, loop_folder
from smbench.runner.loops import join_loops
from smbench.runner.run import RunOptions, RunResult, roomy, run
from smbench.signals import name_of, on_ending
from smbench.units import format_ns, whole_ns
from smbench.workload.model import Workload
from smbench.workload.outside import with_outside
from smbench.workload.store import StoredOperations, with_client_calls

_RESULT_BYTES = 1 << 20
_RESULT_BYTES_AN_OPERATION = 32
"""What a run directory may take; one of 60,200 operations took 12 bytes an operation."""


def carry_out(
    request: Request, workload: Workload, progress: Progress = SILENT, limits: Limits | None = None
) -> Run:
    """Carry out a workload, and write the run, whole or not at all.

    `limits` are the request's where they were read already. A signal that ended the run (`Run.stopped` has
    its name) is told to nobody but the caller, by what comes back: the result is written. Must be called in
    the main thread where signals are to be heard, and better before the process has other threads: workers
    are forked.

    Raises UsageError for what was asked for and cannot be, SetupError where the surroundings are not ready.
    """
    return Replayer(request, workload, progress, limits).carry_out()


@dataclass(slots=True)
class Replayer:
    """Carries a request out, once or, with other numbers of clones, several times: what one run has prepared
    is known to be ours in the next, and what was warned of is not said again."""

    request: Request
    workload: Workload
    progress: Progress = SILENT
    limits: Limits | None = None
    folders: bool = False
    """Whether even a single clone has a folder of its own."""
    tells: bool = True
    """Whether what is found on the way is warned of: once is enough."""
    notes: list[str] = field(init=False)
    """What is known before, and stands in the result."""
    files: Files = field(init=False)
    client: Choice | None = field(init=False, default=None)
    """Which client profile calls are chosen by, on mounts in the profile `wire`."""

    def __post_init__(self) -> None:
        client.insisted(self.request)
        if self.request.outside:
            self.workload = with_outside(self.workload)
        self.ask()
        request = self.request
        if request.backend.sends_client_calls:
            self.workload = with_client_calls(self.workload)
        self.files = Files(self.workload, self.progress)
        if self.limits is None:
            self.limits = read_limits(request, self.progress)
        self.limits.refuse_unmeasurable(self.workload, request.backend)
        self.notes = self.limits.unlike(request, self.workload)
        for note in self.notes:
            self.progress.warn(note)

    def ask(self, **changes: Any) -> None:
        """What comes next is as the request with these changes; users who meet only within a process are
        all in one."""
        asked = replace(self.request, **changes)
        if asked.backend.one_process:
            users = len(self.workload.info.trace.users) * asked.clones
            asked = replace(asked, users_per_process=max(users, 1))
        self.request = asked

    def placed(self) -> tuple[Place, Plan]:
        """Every user's place, and the plan."""
        asked, workload = self.request, self.workload
        captured = workload.info.trace.users
        if isinstance(workload.operations, Sized):
            refuse_too_much(len(workload.operations), len(captured), asked.users_per_process, asked.clones)
        place = place_workload(workload, asked, self.progress, asked.clones)
        if asked.backend.needs_share:
            share_access(place, workload.info.trace)  # refused before anything is prepared
        plan = plan_run(
            workload,
            [user.name for user in captured],
            pace=asked.pace,
            speed=asked.speed,
            users_per_process=asked.users_per_process,
            close_gaps_ns=None if asked.close_gaps_s is None else whole_ns(asked.close_gaps_s),
            keeps_breaks=asked.backend.keeps_breaks,
        )
        stagger_ns = default_stagger_ns(plan, asked.clones)
        if asked.stagger_s is not None:
            stagger_ns = whole_ns(asked.stagger_s)
        plan = clone(plan, asked.clones, stagger_ns=stagger_ns, users_per_process=asked.users_per_process)
        self._refuse_long_warm_up(plan)
        return place, plan

    def _refuse_long_warm_up(self, plan: Plan) -> None:
        """Where the plan has times, and no loops that go on after it."""
        if plan.intended_ns is None or self.request.loops > 1 or not plan.operations:
            return
        last_ns = int(plan.intended_ns.max())
        if whole_ns(self.request.warm_up_s) > last_ns:
            raise UsageError(
                f"--warm-up of {self.request.warm_up_s:g} s leaves nothing to measure: the last operation is "
                f"due after {format_ns(last_ns)}"
            )

    def told(self, place: Place) -> list[str]:
        """What the executor has to say of the target, where that is a directory."""
        if not isinstance(place.target, DirectoryTarget):
            return []
        return list(self.request.backend.check_target(place.target.path))

    def gaps(self) -> Gaps:
        """The gaps through which the replay would wait for long, and nobody has said how long they may be."""
        if self.request.pace is Pace.FAST or self.request.close_gaps_s is not None:
            return NO_GAPS
        return find_gaps(self.workload.operations, int(LONG_NS * self.request.speed))

    def warn(self, place: Place) -> None:
        """Of what is to be known before it is carried out."""
        for text in self.told(place):
            self.progress.warn(text)
        if (gaps := gaps_warning(self.gaps())) is not None:
            self.progress.warn(gaps)

    def carry_out(self, thresholds: Sequence[Threshold] | None = None) -> Run:
        """Prepare, mount, run (all loops) and write the run directory.

        `thresholds` are judged in the place of the limits'. An interrupt ends it as it ends a loop: what was
        measured until then is written.
        """
        assert self.limits is not None
        judged = self.limits.thresholds if thresholds is None else thresholds
        place, plan = self.placed()
        if self.request.wire:
            refuse_without_wire(place.target)
        finishing = Finishing(self.progress.warn)
        output, memory = self.request.output, roomy(plan.operations)
        shared = self.request.shared_target or not self.request.backend.touches_files
        with (
            on_ending(finishing.heard),
            sole_use(place.target, shared),
            partial_run(output, self.request.force, plan, memory, self.progress) as partial,
        ):
            if self.tells:
                self.warn(place)
            check_room(partial.draft.parent, _RESULT_BYTES + plan.operations * _RESULT_BYTES_AN_OPERATION)
            written = self._carried_out(place, plan, partial, judged, finishing)
            directory = partial.finish()
        if output is None:
            atexit.register(_remove, directory, os.getpid())
        elif directory == output.absolute():
            directory = output
        else:
            self.progress.warn(f"{output} was made by somebody else meanwhile: the result is {directory}")
        return msgspec.structs.replace(written, directory=directory)

    def _carried_out(
        self, place: Place, plan: Plan, partial: Partial, thresholds: Sequence[Threshold],
        finishing: Finishing,
    ) -> Run:  # fmt: skip
        results: list[RunResult] = []
        counters: list[dict[str, Any]] = []
        self._prepare(place, plan)
        if self.request.wire and not self.request.backend.needs_share:
            find_out(place, self.progress)
        with run_wire(place.where, self.request.wire, partial.draft) as wire, ExitStack() as stack:
            mounted, options = self._open(stack, place, plan)
            told = [*self.notes, *self.told(place)]
            known = self._described(plan, mounted, told)
            partial.describe(self.request, options, thresholds, known, plan, self._stored())
            for number in range(self.request.loops):
                if number and self.request.loop_namespace is LoopNamespace.FRESH:
                    finishing.measured = False
                    try:
                        # Mounts of their own again, which know nothing of the files that were.
                        stack.close()
                        self._prepare(place, plan)
                        mounted, options = self._open(stack, place, plan)
                    except KeyboardInterrupt as interrupt:
                        results[-1].ending.stopped = name_of(interrupt)
                        break
                    finally:
                        finishing.measured = True
                if finishing.name:
                    results[-1].ending.stopped = finishing.name
                    break
                folder = loop_folder(partial.home, number + 1)
                folder.mkdir()
                options = replace(options, deadline_s=self._left_s(results), scratch=folder)
                with mounted.naming(place.target):
                    result, counted = self._run(plan, options, mounted, wire, finishing)
                mounted.cut_off = bool(result.ending.killed or result.ending.lost)
                results.append(result)
                counters.append(counted)
                keep(result, counted, alone=self.request.loops == 1)
                if result.ending.stopped:
                    break
        wire.open((user.account for user in place.users), self.progress)
        client_stats = counters[0] if self.request.loops == 1 else {"loops": counters}
        joined = join_loops(results, self.request.loops)
        measured = joined.measured(partial.draft, client_stats, thresholds)
        # The mounts of the last loop, and what unmounting had to say; the target may be gone by now.
        known = msgspec.structs.replace(
            known, mounts=tuple(mounted.mounts), notes=notes_of(self.request, plan, [*told, *mounted.notes])
        )
        return write(known.of(measured, counters, wire.describe()), partial.draft)

    def _stored(self) -> StoredOperations:
        operations = self.workload.operations
        assert isinstance(operations, StoredOperations)
        return operations

    def _prepare(self, place: Place, plan: Plan) -> None:
        own = self._in_folders(plan)
        self.files.prepare(self.request, place, plan.clones, own=own, tells=self.tells)

    def _in_folders(self, plan: Plan) -> bool:
        several = self.folders or plan.clones > 1
        isolated = self.request.namespace is Namespace.ISOLATED
        return several and isolated and self.request.backend.keeps_names

    def _open(self, stack: ExitStack, place: Place, plan: Plan) -> tuple[Mounted, RunOptions]:
        shares: list[ShareAccess] = []
        if self.request.backend.needs_share:
            shares = share_access(place, self.workload.info.trace)
            mounted = described(place)
        else:
            with self.progress.stage("mounting") as counter:
                opening = open_target(place.target, place.users, place.identity, counter, place.leads)
                mounted = stack.enter_context(opening)
        roots, streams = mounted.roots, mounted.streams
        if self._in_folders(plan):
            each = len(plan.users) // plan.clones
            folders = [clone_folder(user // each + 1) for user in range(len(plan.users))]
            roots = [root / folder for root, folder in zip(roots, folders, strict=True)]
            streams = [root and root / folder for root, folder in zip(streams, folders, strict=bool(streams))]
            shares = [
                replace(share, folder=f"{share.folder}/{folder}".lstrip("/"))
                for share, folder in zip(shares, folders, strict=bool(shares))
            ]
        with mounted.naming(place.target), mounted.entered(0):
            mounted.notes += self.files.taken(self.request, roots[:: max(len(roots) // plan.clones, 1)])
        identity = None if place.identity is None else (place.identity.uid, place.identity.gid)
        if self.client is None:
            with mounted.naming(place.target):
                self.client = client.client_of(self.request, place, mounted, self.progress)
        return mounted, RunOptions(
            executor=self.request.executor,
            roots=roots,
            streams=streams,
            profile=self.request.profile,
            habits=OLD_HABITS if self.client is None else habits_of(self.client.profile.calls),
            keeps_directories=[keeps_directories(user.options) for user in place.users],
            identity=identity,
            give_up_s=self.request.give_up_s,
            seed=self.request.seed,
            acting=mounted.acting,
            shares=shares,
            warm_up_s=self.request.warm_up_s,
        )

    def _left_s(self, results: Sequence[RunResult]) -> float | None:
        if self.request.deadline_s is None:
            return None
        return max(self.request.deadline_s - sum(result.lasted_s for result in results), 0.001)

    def _run(
        self, plan: Plan, options: RunOptions, mounted: Mounted, wire: RunWire, finishing: Finishing
    ) -> tuple[RunResult, dict[str, Any]]:
        """The run itself, between two readings of the client's counters, and two marks on the wire."""
        own = {connection.id for mount in mounted.mounts for connection in mount.connections}
        # Beside an executor that is a client itself, the system's client has nothing to tell of this run.
        read = (lambda: None) if self.request.backend.needs_share else read_counters
        before = read()
        wire.mark()
        with self.progress.watching() as watch:
            result = run(plan, self.workload, options, watch=watch, begun=finishing.begin)
        wire.mark()
        return result, diff(before, read(), own or None)

    def _described(self, plan: Plan, mounted: Mounted, told: Sequence[str]) -> Described:
        chosen = client.described(self.client)
        every = [*told, *mounted.notes]
        return describe(self.request, self.workload, plan, mounted.mounts, chosen, every)


def _remove(folder: Path, owner: int) -> None:
    if os.getpid() == owner:
        shutil.rmtree(folder, ignore_errors=True)
