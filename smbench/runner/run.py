"""The runner's interface: `run` carries out a plan, and its result writes the run directory."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from smbench.errors import UsageError
from smbench.executors.base import Executor, ShareAccess
from smbench.executors.registry import executor_class
from smbench.measure.clock import epoch_of, now_ns
from smbench.measure.judging import Extent, Figures, judge_thresholds
from smbench.measure.oplog import COMPLETED, RECORD_BYTES, OperationLog
from smbench.measure.resources import ResourceSampler
from smbench.measure.thresholds import Threshold
from smbench.measure.validity import judge
from smbench.plan.model import Plan
from smbench.quoting import quoted
from smbench.run.model import OPERATIONS, SCHEMA
from smbench.run.store import CLIENT_STATS, DOCUMENT, LATENCY, RESOURCES
from smbench.runner import result as written
from smbench.runner.board import Board
from smbench.runner.call_file import KINDS, kind_numbers, stored, write_calls
from smbench.runner.expectations import Expectations
from smbench.runner.pool import Ending, run_pool
from smbench.runner.segments import Segments
from smbench.runner.statistics import read_statistics, reported_by
from smbench.runner.timing import timing
from smbench.runner.verdict import facts_of, overdue
from smbench.runner.warming import paths_by_user
from smbench.runner.watch import Observer, RunView
from smbench.runner.worker import Acting, Job
from smbench.units import whole_ns
from smbench.workload.calls import Notify
from smbench.workload.model import Workload
from smbench.workload.store import StoredOperations

_MEMORY_FILES = Path("/dev/shm")
_CALL_BYTES = 120
"""About what one call takes in the file that workers map."""
_MOST_IN_MEMORY = 256 << 20
"""A longer workload must not need more memory: its files are the page cache's to keep or to write out."""
_COUNT_EVERY_NS = 500_000_000

_LOOK_EVERY_NS = 1_000_000_000

Progress = Callable[[int, int], None]
"""Told (operations done, operations planned) now and then."""
Watch = Callable[[RunView], None]
"""Told how the run stands, each second."""


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How a plan is carried out. `roots` has one directory a user: its mount, or a shared directory."""

    executor: str
    roots: list[Path]
    profile: str = "wire"
    identity: tuple[int, int] | None = None
    """User and group that the workers change to, where they are root; None: nobody changes."""
    deadline_s: float | None = None
    """The run is stopped when it has taken so long."""
    seed: int = 0
    """Of the data that writes carry."""
    grace_s: float = 5.0
    """How long a stopped worker may take to end its present call before it is killed."""
    acting: Sequence[Acting | None] = ()
    """Who each user's threads act as, where the system has logons (Windows); empty: as this process."""
    shares: Sequence[ShareAccess] = ()
    """How each user reaches the share, for executors that are clients themselves; `roots` mean nothing."""
    warm_up_s: float = 0.0
    """What is intended before this time since the start is carried out, and stays out of the histograms."""
    scratch: Path | None = None
    """Where the log and the calls are kept during the run; the default is memory where it has room."""

    @property
    def warm_up_ns(self) -> int:
        """`warm_up_s` in the unit of the run's times."""
        return whole_ns(self.warm_up_s)


@dataclass(slots=True)
class RunResult:
    """A run that has ended. `write` makes the run directory."""

    plan: Plan
    options: RunOptions
    ending: Ending
    executor: type[Executor]
    operations: StoredOperations
    records: NDArray[np.int64]
    """As `OperationLog.records`."""
    sampler: ResourceSampler
    scratch: list[Path]
    """Folders that go when the result is written."""

    @property
    def lasted_s(self) -> float:
        """From the start of the run to the end of its last operation."""
        completed = self.records[:, COMPLETED]
        return max(int(completed.max(initial=0)) - self.ending.start_ns, 0) / 1e9 if completed.any() else 0.0

    def write(
        self, directory: Path, about: Mapping[str, Any] | None = None,
        client_stats: Mapping[str, Any] | None = None, thresholds: Sequence[Threshold] = (),
    ) -> dict[str, Any]:  # fmt: skip
        """Write the run directory into the folder `directory`, and return what run.json holds.

        `about` is what the caller knows: its keys are added to the document, `configuration` to the
        runner's own. `client_stats` is the client's counters (client_stats.json). `thresholds` are judged,
        and stand in the document with what was measured.
        """
        try:
            return self._write(directory, about or {}, client_stats, thresholds)
        finally:
            self.close()

    def close(self) -> None:
        """Remove what the run kept in its scratch folder."""
        for folder in self.scratch:
            shutil.rmtree(folder, ignore_errors=True)

    def _write(
        self, directory: Path, about: Mapping[str, Any], client_stats: Mapping[str, Any] | None,
        thresholds: Sequence[Threshold],
    ) -> dict[str, Any]:  # fmt: skip
        plan, ending = self.plan, self.ending
        start_epoch_ns = epoch_of(ending.start_ns or now_ns())
        warm_up_ns = self.options.warm_up_ns
        joined = written.OperationsResult(self.operations, plan, self.executor, warm_up_ns)
        times = timing(plan, self.records, ending.start_ns, joined.skipped_places())
        with ThreadPoolExecutor(1) as beside:
            measured = beside.submit(joined.write_latency, directory / LATENCY, times, start_epoch_ns)
            joined.write(directory / OPERATIONS, times)
            latency, every = measured.result()
        self.sampler.write(directory / RESOURCES)
        statistics = [folder / "statistics" for folder in self.scratch]
        counted = read_statistics(statistics, plan.users)
        if counted.users:
            client_stats = {**(client_stats or {}), "users": counted.users}
        if client_stats is not None:
            written.write_document(directory / CLIENT_STATS, client_stats)
        tally = joined.tally
        elapsed_ns = int(times.completed_ns.max(initial=0))
        verdict = judge(facts_of(plan, ending, times, tally, every, self.sampler.rows, counted, warm_up_ns))
        told = reported_by(self.executor, statistics, plan.users)
        throughput = _throughput(tally, elapsed_ns - warm_up_ns, self.executor.compares)
        figures = Figures(
            extent=Extent(
                times={tag: one.total for tag, one in joined.histograms.items()},
                planned=tally.planned,
                executed=tally.executed,
                compared=tally.compared,
                measured=tally.measured,
                executor=self.options.executor,
                compares=self.executor.compares,
                skipped={kind.__name__: reason for kind, reason in self.executor.unsupported.items()},
            ),
            histograms=joined.histograms,
            errors=tally.errors,
            mismatches=tally.mismatched,
            skipped=tally.skipped,
            throughput=throughput,
        )
        document: dict[str, Any] = {
            "schema": SCHEMA,
            "kind": "run",
            "configuration": {
                "executor": self.options.executor,
                "profile": self.options.profile,
                "pace": plan.pace.value,
                "speed": plan.speed,
                "deadline_s": self.options.deadline_s,
                "seed": self.options.seed,
                "users": len(plan.users),
                "processes": plan.processes,
                "lanes": plan.lanes // plan.loops,
                "clones": plan.clones,
                "loops": plan.loops,
            },
            "start_epoch_ns": start_epoch_ns,
            "elapsed_s": elapsed_ns / 1e9,
            "valid": verdict.valid,
            "reasons": verdict.reasons,
            "warnings": [*verdict.warnings, *told.warnings],
            "stopped": ending.stopped or None,
            "operations": joined.outcomes(),
            "warm_up": {
                "seconds": self.options.warm_up_s,
                "operations": tally.executed - tally.measured,
            },
            "latency": latency,
            "lateness": every["lateness"].summary(),
            "held": every["held"].summary(),
            "waited_s": None if counted.waited_ns is None else counted.waited_ns / 1e9,
            "throughput": {name: None if rate is None else float(rate) for name, rate in throughput.items()},
            "thresholds": judge_thresholds(thresholds, figures),
            "order": {
                "edges_found": plan.edges_found,
                "edges": len(plan.waits),
                "violated": times.violated,
                "released": times.released,
            },
            "workers": {"lost": len(ending.lost), "killed": len(ending.killed)},
            "lost_users": [{"user": user, "why": why} for user, why in counted.lost.items()],
            "skipped": joined.skipped(),
            "losses": joined.losses(),
            "mismatches": tally.mismatches,
            "causes": [
                {
                    "kind": kind,
                    "expected": expected,
                    "got": got,
                    "count": count,
                    "warm_up": tally.warm_causes[kind, expected, got],
                }
                for (kind, expected, got), count in tally.causes.most_common()
            ],
        }
        added = dict(about)
        document["configuration"] |= added.pop("configuration", {})
        document |= added
        if told.counters:
            document["client"] = dict(told.counters)
        written.write_document(directory / DOCUMENT, document)
        return document


def _throughput(tally: written.Tally, measured_ns: int, compares: bool) -> dict[str, Fraction | None]:
    """What succeeded a second, of the time after the warm-up; exact, as thresholds need it. None where
    nothing was measured, as the bytes of an executor that moves none."""
    counted = {
        "operations_per_s": tally.succeeded,
        "read_bytes_per_s": tally.read_bytes if compares else None,
        "write_bytes_per_s": tally.written_bytes if compares else None,
    }
    if not tally.measured or measured_ns <= 0:
        return dict.fromkeys(counted)
    second = Fraction(1_000_000_000, measured_ns)
    return {name: None if count is None else count * second for name, count in counted.items()}


def run(
    plan: Plan, workload: Workload, options: RunOptions, progress: Progress | None = None,
    watch: Watch | None = None,
) -> RunResult:  # fmt: skip
    """Carry out a plan. A signal of `smbench.signals` ends it after the present operations, a second one at
    once; the result then has what was done until then.

    Must be called before the process has threads. Raises UsageError where the executor is not known
    or a root is missing, SetupError where the workers cannot start.
    """
    executor = executor_class(options.executor)
    _refuse_unfit(plan, options, executor)
    needed = plan.operations * (RECORD_BYTES + _CALL_BYTES)
    scratch = Path(tempfile.mkdtemp(prefix="smbench-", dir=options.scratch or _roomy(needed)))
    try:
        operations = stored(workload, scratch)
        calls = write_calls(operations, plan, scratch / "calls.arrow")
        log = OperationLog(scratch / "operations.log", plan.operations)
        board = Board(scratch / "board", plan.processes, plan.lanes)
        sampler = ResourceSampler()
        statistics = scratch / "statistics"
        statistics.mkdir()
        warms = executor.warms and options.profile == "wire"
        job = Job(
            plan=plan,
            segments=Segments(plan),
            calls=calls,
            log=log,
            board=board,
            executor=executor,
            roots=options.roots,
            profile=options.profile,
            max_io_bytes=calls.max_io_bytes,
            seed=options.seed,
            identity=options.identity,
            parent=os.getpid(),
            acting=options.acting,
            shares=options.shares,
            warm=paths_by_user(operations, workload.namespace, plan) if warms else (),
            statistics=statistics,
            namespace=tuple(workload.namespace) if executor.own_files else (),
            waits=executor.waits and _may_wait(operations),
        )
        count = _counter(log, plan.operations, progress)
        look = _looker(plan, operations, executor, log, board, watch, options.warm_up_ns)

        def tell() -> None:
            count()
            look()

        ending = run_pool(job, plan.processes, options.deadline_s, sampler, tell, options.grace_s)
        sampler.finish()
        if ending.stopped:
            known = Expectations(operations, plan, executor.compares)
            ending.overdue = overdue(plan, ending, log.records, known, _unsupported(executor))
    except BaseException:
        shutil.rmtree(scratch, ignore_errors=True)
        raise
    return RunResult(plan, options, ending, executor, operations, log.records, sampler, [scratch])


def _refuse_unfit(plan: Plan, options: RunOptions, executor: type[Executor]) -> None:
    if len(options.roots) != len(plan.users):
        raise UsageError(f"{len(plan.users)} users need as many directories, given are {len(options.roots)}")
    if executor.one_process and plan.processes > 1:
        raise UsageError(
            f"users of the executor {quoted(options.executor)} meet only within a process, and the plan has "
            f"{plan.processes} processes: plan it with all users in one"
        )


def _unsupported(executor: type[Executor]) -> NDArray[np.bool_]:
    return np.array([kind in executor.unsupported for kind in KINDS])


def _may_wait(operations: StoredOperations) -> bool:
    """Whether some call may wait for what others do: then somebody has to look whether anybody is left."""
    watches = KINDS.index(Notify)
    return any(
        pc.any(batch.column("wait")).as_py() or (kind_numbers(batch.column("kind")) == watches).any()
        for batch in operations.batches(["kind", "wait"])
    )


def _roomy(needed: int) -> Path | None:
    """Memory for what is little and has room twice, else the system's folder for temporary files."""
    if needed > _MOST_IN_MEMORY:
        return None
    try:
        free = shutil.disk_usage(_MEMORY_FILES).free
    except OSError:
        return None
    return _MEMORY_FILES if free > 2 * needed and os.access(_MEMORY_FILES, os.W_OK) else None


def _counter(log: OperationLog, planned: int, progress: Progress | None) -> Callable[[], None]:
    due_ns = 0

    def count() -> None:
        nonlocal due_ns
        if progress is not None and (now := now_ns()) >= due_ns:
            due_ns = now + _COUNT_EVERY_NS
            progress(int(np.count_nonzero(log.records[:, COMPLETED])), planned)

    return count


def _looker(
    plan: Plan, operations: StoredOperations, executor: type[Executor], log: OperationLog, board: Board,
    watch: Watch | None, warm_up_ns: int,
) -> Callable[[], None]:  # fmt: skip
    if watch is None:
        return lambda: None
    observer = Observer(
        plan,
        log.records,
        Expectations(operations, plan, executor.compares),
        _unsupported(executor),
        warm_up_ns,
    )
    due_ns = 0

    def look() -> None:
        nonlocal due_ns
        start_ns, now = board.start_ns, now_ns()
        if start_ns and now >= max(due_ns, start_ns + _LOOK_EVERY_NS):
            due_ns = now + _LOOK_EVERY_NS
            watch(observer.look(start_ns, now))

    return look
