"""One replay from its preparation to its run directory; the command repeats it to find a capacity."""

from __future__ import annotations

import os
from collections.abc import Sequence, Sized
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from smbench.cli.amounts import refuse_too_much
from smbench.cli.artefacts import check_room
from smbench.cli.clients import described, root_in_any_dialect, share_access
from smbench.cli.common import Console
from smbench.cli.gaps import warn_of_gaps
from smbench.cli.live import live_view
from smbench.cli.prepare import one_root, prepare_root
from smbench.cli.targets import Place, place_workload
from smbench.cli.versions import machine, versions
from smbench.cli.wire import RunWire, run_wire
from smbench.clones import clone_folder
from smbench.errors import SetupError, UsageError
from smbench.executors.base import ShareAccess
from smbench.executors.registry import executor_class
from smbench.measure.client import read_counters
from smbench.measure.counters import diff
from smbench.measure.thresholds import Threshold
from smbench.mounts.opened import Mounted
from smbench.mounts.opening import open_target
from smbench.mounts.target import DirectoryTarget, parse_target
from smbench.plan import (
    LONG_NS,
    NO_GAPS,
    Gaps,
    Pace,
    Plan,
    clone,
    default_stagger_ns,
    find_gaps,
    plan_run,
)
from smbench.prepare.content import Content
from smbench.report.gaps import gaps_document
from smbench.report.inspection import coverage
from smbench.report.quality import graded
from smbench.runner.loops import join_loops
from smbench.runner.run import RunOptions, RunResult, run
from smbench.signals import name_of
from smbench.trace.grade import Use
from smbench.units import format_ns, format_size, whole_ns
from smbench.workload.model import Workload

ISOLATED, SHARED = "isolated", "shared"
FRESH, SAME = "fresh", "same"
_CLIENT_SHOWN = {"lease_break_acknowledgements": "lease_breaks_acknowledged"}
_RESULT_BYTES = 1 << 20
_RESULT_BYTES_AN_OPERATION = 32
"""What a run directory may take; one of 60,200 operations took 12 bytes an operation."""
_STAGGER_RULE = "the workload's mean time between two arrivals, divided by the clones"


@dataclass(frozen=True, slots=True)
class Replay:
    """What the command line asked for; `users_file` … `content` as the options of those names."""

    console: Console
    workload: Workload
    source: str
    target: str
    users_file: Path | None
    mount_options: Sequence[str]
    profile: str
    executor: str
    pace: Pace
    speed: float
    close_gaps_s: float | None
    users_per_process: int
    prepares: bool
    content: Content
    max_bytes: int
    force: bool
    wired: bool
    deadline_s: float | None
    namespace: str
    stagger_s: float | None
    loops: int
    loop_namespace: str
    warm_up_s: float
    folders: bool = False
    """Whether even a single clone has a folder of its own."""
    tells: bool = True
    """Whether what could not be prepared is told: once is enough."""
    notes: Sequence[str] = ()
    """What is known before, and stands in the result."""
    prepared: set[int] = field(default_factory=set)
    """The clones whose folders were prepared in this command; 0: the target itself."""

    def placed(self, clones: int) -> tuple[Place, Plan]:
        """Every user's place and the plan, for so many clones."""
        captured = self.workload.info.trace.users
        operations = self.workload.operations
        if isinstance(operations, Sized):
            refuse_too_much(len(operations), len(captured), self.users_per_process, clones)
        place = place_workload(
            self.console,
            self.workload,
            self.target,
            self.users_file,
            self.profile,
            self.mount_options,
            clones,
        )
        if executor_class(self.executor).needs_share:
            share_access(place, self.workload.info.trace)  # refused before anything is prepared
        users = [user.name for user in self.workload.info.trace.users]
        plan = plan_run(
            self.workload,
            users,
            pace=self.pace,
            speed=self.speed,
            users_per_process=self.users_per_process,
            close_gaps_ns=None if self.close_gaps_s is None else whole_ns(self.close_gaps_s),
        )
        stagger_ns = default_stagger_ns(plan, clones) if self.stagger_s is None else whole_ns(self.stagger_s)
        plan = clone(plan, clones, stagger_ns=stagger_ns, users_per_process=self.users_per_process)
        self._refuse_long_warm_up(plan)
        return place, plan

    def _refuse_long_warm_up(self, plan: Plan) -> None:
        """Where the plan has times, and no loops that go on after it."""
        if plan.intended_ns is None or self.loops > 1 or not plan.operations:
            return
        last_ns = int(plan.intended_ns.max())
        if whole_ns(self.warm_up_s) > last_ns:
            raise UsageError(
                f"--warm-up of {self.warm_up_s:g} s leaves nothing to measure: the last operation is due "
                f"after {format_ns(last_ns)}"
            )

    def told(self, place: Place) -> list[str]:
        """What the executor has to say of the target, where that is a directory."""
        if not isinstance(place.target, DirectoryTarget):
            return []
        return list(executor_class(self.executor).check_target(place.target.path))

    def gaps(self) -> Gaps:
        """The gaps through which the replay would wait for long, and nobody has said how long they may be."""
        if self.pace is Pace.FAST or self.close_gaps_s is not None:
            return NO_GAPS
        return find_gaps(self.workload.operations, int(LONG_NS * self.speed))

    def warn(self, place: Place) -> None:
        """Of what is to be known before it is carried out."""
        for text in self.told(place):
            self.console.warn(text)
        warn_of_gaps(self.console, gaps_document(self.gaps()))

    def carry_out(
        self, place: Place, plan: Plan, draft: Path, thresholds: Sequence[Threshold]
    ) -> dict[str, Any]:
        """Prepare, mount, run (all loops) and write the run directory; what run.json holds comes back.

        An interrupt ends it as it ends a loop: what was measured until then is written."""
        if self.tells:
            self.warn(place)
        check_room(draft.parent, _RESULT_BYTES + plan.operations * _RESULT_BYTES_AN_OPERATION)
        results: list[RunResult] = []
        try:
            return self._carried_out(place, plan, draft, thresholds, results)
        finally:
            for result in results:
                result.close()

    def _carried_out(
        self, place: Place, plan: Plan, draft: Path, thresholds: Sequence[Threshold],
        results: list[RunResult],
    ) -> dict[str, Any]:  # fmt: skip
        counters: list[dict[str, Any]] = []
        self._prepare(place, plan)
        with run_wire(place.target, self.wired, draft) as wire, ExitStack() as stack:
            mounted, options = self._open(stack, place, plan)
            for number in range(self.loops):
                if number and self.loop_namespace == FRESH:
                    try:
                        # Mounts of their own again, which know nothing of the files that were.
                        stack.close()
                        self._prepare(place, plan)
                        mounted, options = self._open(stack, place, plan)
                    except KeyboardInterrupt as interrupt:
                        results[-1].ending.stopped = name_of(interrupt)
                        break
                left_s = self._left_s(results)
                with mounted.naming(place.target):
                    result, counted = self._run(plan, replace(options, deadline_s=left_s), mounted, wire)
                results.append(result)
                counters.append(counted)
                if result.ending.stopped:
                    break
        about = self._about(place, plan, mounted, counters) | wire.describe()
        client_stats = counters[0] if self.loops == 1 else {"loops": counters}
        return join_loops(results, self.loops).write(draft, about, client_stats, thresholds)

    def _prepare(self, place: Place, plan: Plan) -> None:
        """By a mount of its own: the users' have nothing of it in their caches."""
        if not self.prepares or not executor_class(self.executor).touches_files:
            return
        clones = plan.clones if self.namespace == ISOLATED else 1
        if clones > 1 and self.content is Content.FULL:
            needed = clones * sum(entry.size for entry in self.workload.namespace if entry.present)
            if needed > self.max_bytes:
                raise UsageError(
                    f"the files of {clones} clones hold {format_size(needed)}, more than the limit of "
                    f"{format_size(self.max_bytes)}: raise --max-bytes, or take --content sparse"
                )
        itself = executor_class(self.executor).needs_share
        with (root_in_any_dialect if itself else one_root)(self.console, place) as root:
            for number in range(1, clones + 1):
                own = self._in_folders(plan)
                folder = _made(root / clone_folder(number), place) if own else root
                # What lies beside the workload's files in a folder that was ours, an earlier run left.
                ours = self.force or (number if own else 0) in self.prepared
                prepare_root(
                    self.console, self.workload, place, folder, self.content, self.max_bytes, ours,
                    tells=self.tells and number == 1,
                )  # fmt: skip
                self.prepared.add(number if own else 0)

    def _in_folders(self, plan: Plan) -> bool:
        several = self.folders or plan.clones > 1
        return several and self.namespace == ISOLATED and executor_class(self.executor).keeps_names

    def _open(self, stack: ExitStack, place: Place, plan: Plan) -> tuple[Mounted, RunOptions]:
        shares: list[ShareAccess] = []
        if executor_class(self.executor).needs_share:
            shares = share_access(place, self.workload.info.trace)
            mounted = described(place)
        else:
            with self.console.progress("mounting") as progress:
                opening = open_target(place.target, place.users, place.identity, progress)
                mounted = stack.enter_context(opening)
        roots = mounted.roots
        if self._in_folders(plan):
            each = len(plan.users) // plan.clones
            folders = [clone_folder(user // each + 1) for user in range(len(plan.users))]
            roots = [root / folder for root, folder in zip(roots, folders, strict=True)]
            shares = [
                replace(share, folder=f"{share.folder}/{folder}".lstrip("/"))
                for share, folder in zip(shares, folders, strict=bool(shares))
            ]
        identity = None if place.identity is None else (place.identity.uid, place.identity.gid)
        return mounted, RunOptions(
            executor=self.executor,
            roots=roots,
            profile=self.profile,
            identity=identity,
            acting=mounted.acting,
            shares=shares,
            warm_up_s=self.warm_up_s,
        )

    def _left_s(self, results: Sequence[RunResult]) -> float | None:
        if self.deadline_s is None:
            return None
        return max(self.deadline_s - sum(result.lasted_s for result in results), 0.001)

    def _run(
        self, plan: Plan, options: RunOptions, mounted: Mounted, wire: RunWire
    ) -> tuple[RunResult, dict[str, Any]]:
        """The run itself, between two readings of the client's counters, and two marks on the wire."""
        own = {mount["connection"]["id"] for mount in mounted.describe() if mount.get("connection")}
        # Beside an executor that is a client itself, the system's client has nothing to tell of this run.
        read = (lambda: None) if executor_class(self.executor).needs_share else read_counters
        before = read()
        wire.mark()
        with live_view(self.console) as watch:
            result = run(plan, self.workload, options, watch=watch)
        wire.mark()
        return result, diff(before, read(), own or None)

    def _about(
        self, place: Place, plan: Plan, mounted: Mounted, counters: Sequence[dict[str, Any]]
    ) -> dict[str, Any]:
        configuration = self._configuration()
        if self.close_gaps_s is not None:
            configuration |= {
                "gaps_closed": len(plan.closed),
                "gaps_lasted_s": sum(plan.closed) / 1e9,
            }
        if plan.clones > 1:
            configuration |= {
                "namespace": self.namespace,
                "stagger_s": plan.stagger_ns / 1e9,
                "stagger_rule": "given" if self.stagger_s is not None else _STAGGER_RULE,
            }
        if self.loops > 1:
            configuration |= {"loop_namespace": self.loop_namespace}
        shown = {
            name: sum(one[its] for one in counters)
            for its, name in _CLIENT_SHOWN.items()
            if all(its in one for one in counters)
        }
        notes = [*self.notes, *self.told(place), *mounted.notes]
        if plan.clones > 1 and self.namespace == SHARED:
            notes.append("the clones share all files, which the captured users did not: expect mismatches")
        return {
            "configuration": configuration,
            "mounts": mounted.describe(),
            "client": shown,
            "coverage": coverage(self.workload.info),
            "capture": graded(self.workload.info.trace, Use.REPLAY),
            "capture_files": [asdict(file) for file in self.workload.info.capture_files],
            "machine": machine(),
            "versions": versions(),
            "notes": notes,
        }

    def _configuration(self) -> dict[str, Any]:
        """What the command line asked for, as run.json has it beside what the runner says."""
        executor = executor_class(self.executor)
        return {
            "workload": self.source,
            "target": str(parse_target(self.target)),
            "mount_options": list(self.mount_options),
            "users_per_process": self.users_per_process,
            "prepared": self.prepares and (executor.touches_files or executor.own_files),
            "content": self.content.value if self.prepares and executor.touches_files else None,
            "deadline_s": self.deadline_s,
            "close_gaps_s": self.close_gaps_s,
            "client_calls": self.workload.info.client_calls,
            "client_calls_replayed": executor.sends_client_calls,
        }

    def told_before(self, clones: int | None) -> dict[str, Any]:
        """What run.json will say of how the run came about, as far as it is known before; without the clones
        where their number is looked for."""
        configuration = self._configuration() | {
            "executor": self.executor,
            "profile": self.profile,
            "pace": self.pace.value,
            "speed": self.speed,
            "loops": self.loops,
        }
        if clones is not None:
            configuration["clones"] = clones
        if clones is not None and clones > 1:
            configuration["namespace"] = self.namespace
            if self.stagger_s is not None:
                configuration["stagger_s"] = self.stagger_s
        if self.loops > 1:
            configuration["loop_namespace"] = self.loop_namespace
        return {
            "configuration": configuration,
            "warm_up": {"seconds": self.warm_up_s},
            "capture_files": [asdict(file) for file in self.workload.info.capture_files],
            "machine": machine(),
            "versions": versions(),
        }


def _made(folder: Path, place: Place) -> Path:
    """The folder of a clone, made where it is not there."""
    try:
        if folder.is_symlink():
            raise UsageError(f"{folder} is a link, and a clone needs a folder of its own: move it away")
        if not folder.is_dir():
            folder.mkdir()
            if isinstance(place.target, DirectoryTarget) and place.identity is not None:
                os.chown(folder, place.identity.uid, place.identity.gid)
    except OSError as error:
        raise SetupError(f"cannot make the clone's folder {folder}: {error.strerror}") from error
    return folder
