"""The runner's interface: `run` carries out a plan; what comes back says what was measured."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pyarrow.compute as pc

from smbench.errors import UsageError
from smbench.executors.base import Executor
from smbench.executors.registry import executor_class
from smbench.measure.clock import now_ns
from smbench.measure.oplog import COMPLETED, RECORD_BYTES, OperationLog
from smbench.measure.resources import ResourceSampler
from smbench.plan.columns import has_notifications
from smbench.plan.model import Plan
from smbench.quoting import quoted
from smbench.runner.board import Board
from smbench.runner.call_file import KINDS, kind_numbers, stored, write_calls
from smbench.runner.expectations import Expectations
from smbench.runner.giving_up import GiveUp
from smbench.runner.heartbeat import Heartbeats
from smbench.runner.kept import BEATS, BOARD, LOG, SAMPLES, STATISTICS, note_clock
from smbench.runner.options import RunOptions
from smbench.runner.pool import run_pool
from smbench.runner.result import RunResult, lasted_s
from smbench.runner.segments import Segments
from smbench.runner.statistics import read_documents
from smbench.runner.verdict import overdue
from smbench.runner.warming import kept_breaks_by_user, notifications_by_user, paths_by_user
from smbench.runner.watch import Observer, RunView
from smbench.runner.worker import Job
from smbench.scratch import make_scratch
from smbench.workload.calls import Notify
from smbench.workload.model import Workload
from smbench.workload.store import StoredOperations

__all__ = ["Progress", "RunOptions", "RunResult", "Watch", "run"]

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


def run(
    plan: Plan, workload: Workload, options: RunOptions, progress: Progress | None = None,
    watch: Watch | None = None, begun: Callable[[], None] = lambda: None,
) -> RunResult:  # fmt: skip
    """Carry out a plan. `begun` is told, more than once, that it goes on.

    A signal of `smbench.signals` ends it after the present operations, a second one at once; the result then
    has what was done until then.

    Must be called before the process has threads. Raises UsageError where the executor is not known
    or a root is missing, SetupError where the workers cannot start.
    """
    executor = executor_class(options.executor)
    _refuse_unfit(plan, options, executor)
    own = None if options.scratch else make_scratch(folder=roomy(plan.operations))
    scratch = options.scratch or own
    assert scratch is not None
    try:
        operations = stored(workload, scratch)
        log = OperationLog(scratch / LOG, plan.operations)
        board = Board(scratch / BOARD, plan.processes, plan.lanes)
        job = _job(plan, workload, options, executor, operations, log, board, scratch)
        count = _counter(log, plan.operations, progress)
        known = cache(lambda: Expectations(operations, plan, executor))
        look = _looker(job, known, watch, options.warm_up_ns)
        patience = GiveUp(log.records, job.beats, lambda places: known().kinds(places), options.give_up_ns)

        def tell() -> None:
            begun()
            count()
            look()

        sampler = ResourceSampler(scratch / SAMPLES)
        clock_epoch_ns = note_clock(scratch)
        ending = run_pool(job, plan.processes, options.deadline_s, sampler, tell, options.grace_s, patience)
        ending.clock_epoch_ns = clock_epoch_ns
        sampler.finish()
        if ending.stopped:
            ending.overdue = overdue(plan, ending, log.records, known())
    except BaseException:
        if own is not None:
            shutil.rmtree(own, ignore_errors=True)
        raise
    statistics = [read_documents(scratch / STATISTICS)]
    lasted = lasted_s(log.records, ending.start_ns)
    return RunResult(
        plan, options, ending, executor, operations, log.records, sampler, statistics, lasted, own
    )


def _job(
    plan: Plan, workload: Workload, options: RunOptions, executor: type[Executor],
    operations: StoredOperations, log: OperationLog, board: Board, scratch: Path,
) -> Job:  # fmt: skip
    """What every worker gets; `operations` are the workload's as a file."""
    calls = write_calls(operations, plan, scratch / "calls.arrow", executor)
    statistics = scratch / STATISTICS
    statistics.mkdir()
    warms = executor.warms and options.profile == "wire"
    notifies = executor.waits and has_notifications(operations)
    return Job(
        plan=plan,
        segments=Segments(plan),
        calls=calls,
        log=log,
        board=board,
        beats=Heartbeats(scratch / BEATS, plan.processes, plan.lanes),
        executor=executor,
        roots=options.roots,
        streams=options.streams,
        profile=options.profile,
        habits=options.habits,
        keeps_directories=options.keeps_directories,
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
        notifications=notifications_by_user(operations, plan) if notifies else (),
        breaks=kept_breaks_by_user(operations, workload.breaks, plan) if executor.keeps_breaks else (),
    )


def _refuse_unfit(plan: Plan, options: RunOptions, executor: type[Executor]) -> None:
    if len(options.roots) != len(plan.users):
        raise UsageError(f"{len(plan.users)} users need as many directories, given are {len(options.roots)}")
    if executor.one_process and plan.processes > 1:
        raise UsageError(
            f"users of the executor {quoted(options.executor)} meet only within a process, and the plan has "
            f"{plan.processes} processes: plan it with all users in one"
        )


def _may_wait(operations: StoredOperations) -> bool:
    """Whether some call may wait for what others do: then somebody has to look whether anybody is left."""
    watches = KINDS.index(Notify)
    return any(
        pc.any(batch.column("wait")).as_py() or (kind_numbers(batch.column("kind")) == watches).any()
        for batch in operations.batches(["kind", "wait"])
    )


def roomy(operations: int) -> Path | None:
    """The folder for the scratch of a run of so many operations: memory for what is little and has room
    twice, else None, the system's own for temporary files."""
    needed = operations * (RECORD_BYTES + _CALL_BYTES)
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
    job: Job, known: Callable[[], Expectations], watch: Watch | None, warm_up_ns: int
) -> Callable[[], None]:
    if watch is None:
        return lambda: None
    observer = Observer(job.plan, job.log.records, known(), warm_up_ns, job.beats)
    due_ns = 0

    def look() -> None:
        nonlocal due_ns
        start_ns, now = job.board.start_ns, now_ns()
        if start_ns and now >= max(due_ns, start_ns + _LOOK_EVERY_NS):
            due_ns = now + _LOOK_EVERY_NS
            watch(observer.look(start_ns, now))

    return look
