"""A worker: a process that runs the lanes of one or more users, each lane in a thread.

It is forked from a parent without threads, so the plan, the mapped files and the imported modules are
its own without a copy. A process with one lane runs it in its main thread.
"""

from __future__ import annotations

import ctypes
import gc
import os
import signal
import sys
import threading
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Protocol

import pyarrow as pa

from smbench.advice import MORE_PROCESSES
from smbench.confined import end_with, give_up
from smbench.errors import SetupError, SmbenchError
from smbench.executors.base import OLD_HABITS, Executor, ExecutorContext, Habits, KeptBreak, ShareAccess
from smbench.measure import scheduler
from smbench.measure.oplog import OperationLog
from smbench.plan.model import Plan
from smbench.privileged import client
from smbench.quoting import quoted
from smbench.runner import board as states
from smbench.runner.board import Board
from smbench.runner.call_file import LaneCalls, calls_of
from smbench.runner.deadlock import DeadlockWatch
from smbench.runner.heartbeat import Heartbeat, Heartbeats
from smbench.runner.lane import Issuing, Lane
from smbench.runner.segments import Segments
from smbench.runner.statistics import write_statistics
from smbench.runner.warming import Notifications
from smbench.secret import keep
from smbench.signals import ignore_all
from smbench.workload.calls import CALLS, Close
from smbench.workload.model import NamespaceEntry

_PR_SET_TIMERSLACK = 29
_SWITCH_INTERVAL_S = 0.0005
"""How long a lane's thread may keep the GIL while others want it; Python's own 5 ms would be lateness."""
_LANE_STACK_BYTES = 512 << 10
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None
_TOLD_BY_SIGNAL = sys.platform != "win32"
"""Elsewhere the parent has only the board to say that the run is stopped."""
_LOOK_S = 0.1


class Acting(Protocol):
    """Who a user's threads act as: on Windows a logon of its own. It goes to the workers by pickle."""

    def entered(self) -> AbstractContextManager[None]:
        """The calling thread is that user meanwhile; SmbenchError where it cannot be."""
        ...


@dataclass(frozen=True, slots=True)
class Job:
    """All that a worker needs; `roots` and `executor` as in `RunOptions`."""

    plan: Plan
    segments: Segments
    calls: LaneCalls
    log: OperationLog
    board: Board
    beats: Heartbeats
    executor: type[Executor]
    roots: list[Path]
    profile: str
    max_io_bytes: int
    seed: int
    identity: tuple[int, int] | None
    """User and group that workers change to, where they are root."""
    parent: int
    streams: Sequence[Path | None] = ()
    """As in `RunOptions`."""
    habits: Habits = OLD_HABITS
    """Of the system's client."""
    keeps_directories: Sequence[bool] = ()
    """As in `RunOptions`."""
    acting: Sequence[Acting | None] = ()
    """For each user; empty, or None: whoever the worker is."""
    shares: Sequence[ShareAccess] = ()
    """For each user, where the executor is a client itself."""
    warm: Sequence[Sequence[str]] = ()
    """For each user, the paths to warm."""
    statistics: Path | None = None
    """The folder for what the workers counted."""
    namespace: Sequence[NamespaceEntry] = ()
    """What the workload presumes, where the executor has files of its own."""
    waits: bool = True
    """Some calls may wait for what others do."""
    notifications: Sequence[Notifications] = ()
    """Of each user."""
    breaks: Sequence[Mapping[int, KeptBreak]] = ()
    """For each user, those that a close is to answer, where the executor keeps them for it."""

    def share(self) -> None:
        """Make what all workers can share, before they are forked: they inherit it without a copy."""
        self.executor.preload(self.max_io_bytes, self.seed)
        if self.plan.lanes:
            calls_of(next(self.calls.of_lane(0)).slice(0, 1))  # what Arrow sets up at its first use
        # A fork copies the map of every page that its parent has.
        pa.default_memory_pool().release_unused()
        if _LIBC is not None and hasattr(_LIBC, "malloc_trim"):
            _LIBC.malloc_trim(0)

    def entered(self, user: int) -> AbstractContextManager[None]:
        """The calling thread acts as that user."""
        acting = self.acting[user] if self.acting else None
        return nullcontext() if acting is None else acting.entered()


def work(job: Job, process: int) -> None:
    """Run one process of the plan: the body of the worker."""
    gc.freeze()  # what was inherited is shared only as long as no collection touches it
    ignore_all()  # a terminal's Ctrl-C is the parent's to answer
    board = job.board
    numbers = job.plan.lanes_of(process)
    # Opened before privileges go: the folder is the parent's alone.
    statistics = (
        None if job.statistics is None else (job.statistics / f"{process}.json").open("w", encoding="utf-8")
    )
    try:
        executors = _executors(job, numbers)
        lanes = [_lane(job, process, number, executors) for number in numbers]
    except (SmbenchError, OSError) as error:
        _fail(board, process, numbers, str(error))
        return
    except Exception as error:
        _fail(board, process, numbers, f"internal error: {error!r}")
        return
    _stop_on_signal(lanes, executors.values())
    for lane in lanes:
        lane.prepare()
    try:
        heart = Heartbeat(job.beats, process, {lane.number: lane.flight for lane in lanes}, job.log.buffer)
        crew = _Crew(job, process, lanes, executors.values())
    except RuntimeError:
        why = f"no thread can be started for each of its {len(lanes)} lanes: {MORE_PROCESSES}"
        _fail(board, process, numbers, why)
        return
    waited_ns = _run(board, process, crew)
    for executor in executors.values():
        try:
            executor.close()
        except OSError as error:
            board.set_message(process, f"closing what was open failed: {error}")
    if statistics is not None:
        with statistics:
            write_statistics(
                statistics,
                {user: executor.statistics() for user, executor in executors.items()},
                waited_ns,
                {int(job.plan.lane_user[lane.number]): lane.lost for lane in lanes if lane.lost},
            )
    heart.stop()
    board.set_state(process, states.DONE)


def _executors(job: Job, lanes: Iterable[int]) -> dict[int, Executor]:
    """An executor for each user of the lanes, warm; privileges are given up before. SmbenchError or OSError
    where there can be none."""
    become(job.identity, job.parent)
    executors: dict[int, Executor] = {}
    users = list(dict.fromkeys(int(job.plan.lane_user[number]) for number in lanes))
    keep(job.shares[user].password for user in users if job.shares)
    if job.executor.own_files:
        for root in dict.fromkeys(job.roots[user] for user in users):
            job.executor.make_files(root, job.namespace)
    for user in users:
        context = ExecutorContext(
            root=job.roots[user],
            user=user,
            profile=job.profile,
            max_io_bytes=job.max_io_bytes,
            seed=job.seed,
            streams=job.streams[user] if job.streams else None,
            share=job.shares[user] if job.shares else None,
            habits=job.habits,
            keeps_directories=bool(job.keeps_directories) and job.keeps_directories[user],
        )
        with job.entered(user):
            executors[user] = job.executor(context)
            if job.warm:
                executors[user].warm(job.warm[user])
            if job.notifications:
                executors[user].expect_notifications(*job.notifications[user])
            if job.breaks:
                executors[user].expect_breaks(job.breaks[user])
    return executors


def _run(board: Board, process: int, crew: _Crew) -> list[int | None]:
    """Say that all is ready, and run with the others; how long each lane waited for a processor."""
    gc.collect()
    gc.freeze()
    gc.disable()
    sys.setswitchinterval(_SWITCH_INTERVAL_S)
    board.set_state(process, states.READY)
    start_ns = board.await_start()
    if not start_ns:
        crew.dismiss()
        return []
    waited_ns = crew.run(start_ns)
    # What is open stays so while others run, as the capture left it; and a process that goes takes
    # milliseconds of a processor to give its memory back.
    board.set_state(process, states.ENDED)
    board.end_if_all_have()
    board.await_end()
    return waited_ns


def become(identity: tuple[int, int] | None, parent: int) -> None:
    """Give up privileges where asked, and in any case ways to more; sleep exactly (prctl(2)); end with the
    parent."""
    if sys.platform == "win32":
        return
    client.let_go()
    give_up(*(identity if identity is not None and os.getuid() == 0 else ()))
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_TIMERSLACK, 1, 0, 0, 0)
    end_with(parent)


def _lane(job: Job, process: int, number: int, executors: dict[int, Executor]) -> Lane:
    executor = executors[int(job.plan.lane_user[number])]
    handlers = executor.handlers()
    if lacking := set(CALLS.values()) - handlers.keys() - job.executor.unsupported.keys():
        # They would be neither carried out nor counted as skipped.
        kinds = ", ".join(sorted(kind.__name__ for kind in lacking))
        raise SetupError(
            f"the executor {quoted(job.executor.name)} has neither a handler nor a reason for {kinds}"
        )

    def complain(defect: str) -> None:
        job.board.set_message(process, f"the executor {job.executor.name}: {defect}")

    # Where outcomes mean nothing, nothing is open either.
    close = handlers.get(Close) if job.executor.compares else None
    issuing = Issuing(job.plan, job.segments, job.calls, job.log, job.board)
    await_break = executor.await_break if executor.keeps_breaks else None
    return Lane(number, issuing, handlers, complain, close, executor.notifier, await_break)


def _stop(lanes: list[Lane], executors: Collection[Executor]) -> None:
    for lane in lanes:
        lane.stop()
    for executor in executors:
        executor.stop()


def _stop_on_signal(lanes: list[Lane], executors: Collection[Executor]) -> None:
    def stop(_signal: int, _frame: FrameType | None) -> None:
        _stop(lanes, executors)

    signal.signal(signal.SIGTERM, stop)


class _Crew:
    """A thread a lane, started before the run begins, so that one that cannot start fails before anything is
    done. A single lane that nobody has to look after runs in the main thread."""

    def __init__(self, job: Job, process: int, lanes: list[Lane], executors: Collection[Executor]) -> None:
        """RuntimeError where a thread cannot start; those that could have ended then."""
        self._job, self._process, self._lanes, self._executors = job, process, lanes, executors
        self._waited_ns: list[int | None] = []
        self._watched = (job.executor.waits and job.waits) or not _TOLD_BY_SIGNAL
        self._begin = threading.Event()
        self._start_ns = 0
        self._threads: dict[Lane, threading.Thread] = {}
        if len(lanes) == 1 and not self._watched:
            return
        threading.stack_size(_LANE_STACK_BYTES)
        try:
            for lane in lanes:
                thread = threading.Thread(target=self._run_when_it_begins, args=(lane,))
                thread.start()
                self._threads[lane] = thread
        except RuntimeError:
            self.dismiss()
            raise

    def dismiss(self) -> None:
        """There is no run."""
        self._begin.set()
        for thread in self._threads.values():
            thread.join()

    def run(self, start_ns: int) -> list[int | None]:
        """Run the lanes to their ends; how long each waited for a processor."""
        self._start_ns = start_ns
        self._begin.set()
        if not self._threads:
            for lane in self._lanes:
                self._run(lane)
            return self._waited_ns
        deadlock = DeadlockWatch(self._job.board, self._process, self._job.plan.processes, self._executors)
        while self._watched and (running := [one for one in self._lanes if self._threads[one].is_alive()]):
            self._threads[running[0]].join(_LOOK_S)
            if self._job.board.stopping:
                _stop(self._lanes, self._executors)
            deadlock.look(len(running), sum(lane.waiting for lane in running))
        for thread in self._threads.values():
            thread.join()
        return self._waited_ns

    def _run_when_it_begins(self, lane: Lane) -> None:
        self._begin.wait()
        if self._start_ns:
            self._run(lane)

    def _run(self, lane: Lane) -> None:
        board, process = self._job.board, self._process
        before_ns = scheduler.waited_ns()
        try:
            with self._job.entered(int(self._job.plan.lane_user[lane.number])):
                lane.run(self._start_ns)
        except Exception as error:
            board.set_message(process, f"internal error in lane {lane.number}: {error!r}")
        finally:
            board.release(lane.number)
            after_ns = scheduler.waited_ns()
            self._waited_ns.append(None if before_ns is None or after_ns is None else after_ns - before_ns)


def _fail(board: Board, process: int, lanes: Iterable[int], why: str) -> None:
    board.set_message(process, why)
    for lane in lanes:
        board.release(lane)
    board.set_state(process, states.FAILED)
