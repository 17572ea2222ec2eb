"""The pool: starts the workers together, watches them, and ends them, cleanly or at once.

The parent has no thread: it forks, then looks around ten times a second. A worker that is lost is
noted and its lanes are released; one that does not end within the grace period, because a call of
its hangs in the kernel, is killed, and what it recorded still counts. Where it or a worker stood still,
and what was in flight when a worker ended, it notes as well.
"""

from __future__ import annotations

import errno
import gc
import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from multiprocess import process
from multiprocess.connection import wait
from multiprocess.process import BaseProcess

from smbench.advice import MORE_PROCESSES
from smbench.errors import SetupError
from smbench.measure.clock import now_ns
from smbench.measure.resources import ResourceSampler
from smbench.run.status import DEADLINE, GIVE_UP
from smbench.runner import board as states
from smbench.runner.harness import Fared, HarnessWatch
from smbench.runner.job_windows import end_children_with_this_process
from smbench.runner.start import worker_process
from smbench.runner.worker import Job, work
from smbench.signals import on_ending

_LOOK_S = 0.1
_START_TIMEOUT_S = 120.0
_START_MARGIN_NS = 5_000_000
_START_MARGIN_A_PROCESS_NS = 1_000_000
"""All wake at once to hear when the run begins: a small machine needs this long for each."""
_GRACE_S = 5.0
_KILLED_S = 5.0
_DESCRIPTORS_A_WORKER = 4
_FEWER = "put several users into one with --users-per-process"
_START_MENDS: dict[int, str] = {
    errno.EAGAIN: f"{MORE_PROCESSES}, or {_FEWER}",
    errno.ENOMEM: f"make memory free, or {_FEWER}",
    errno.EMFILE: f"raise the limit of open files (ulimit -n), or {_FEWER}",
}


@dataclass(slots=True)
class Ending:
    """How a run ended."""

    start_ns: int = 0
    """Reading of the clock at the start of the run; 0 where it never began."""
    clock_epoch_ns: int = 0
    """Nanoseconds since 1970 of the clock's zero, as it was before the start."""
    stopped: str = ""
    """Why it was ended before all was done: the signal's name, or a word of `smbench.run.status`; empty where
    it was not."""
    given_up: str = ""
    """The sentence where the server was given up."""
    stopped_ns: int = 0
    """Reading of the clock then; 0 where it was not, or never began."""
    overdue: int = 0
    """Operations that were due then and not carried out (`runner.verdict.overdue`)."""
    lost: dict[int, str] = field(default_factory=dict)
    """Processes that died by themselves, and how."""
    killed: list[int] = field(default_factory=list)
    """Processes that did not end in time and were killed."""
    messages: dict[int, str] = field(default_factory=dict)
    """What processes had to say: defects of an executor."""
    fared: Fared = field(default_factory=Fared)
    """How the harness itself fared."""


class Patience(Protocol):
    """Whether to wait for the server any longer; `why` is the sentence when not."""

    why: str

    def look(self, start_ns: int, now: int) -> bool:
        """Whether it is given up; readings of the clock."""
        ...


@dataclass(slots=True)
class _Orders:
    """The signals that came."""

    count: int = 0
    name: str = ""

    def note(self, name: str) -> None:
        self.count += 1
        self.name = self.name or name


def run_pool(
    job: Job, processes: int, deadline_s: float | None, sampler: ResourceSampler | None,
    progress: Callable[[], None], grace_s: float = _GRACE_S, patience: Patience | None = None,
) -> Ending:  # fmt: skip
    """Run all processes of a job to their end. Raises SetupError where a worker cannot start."""
    ending = Ending()
    if sys.platform == "win32":
        end_children_with_this_process()
    else:
        _raise_descriptor_limit(processes)
    orders = _Orders()
    with on_ending(orders.note):
        workers = _fork(job, processes)
        try:
            if not _await_ready(job, workers, orders):
                ending.stopped = orders.name
                return ending
            if sampler is not None:
                sampler.begin({n: worker.pid for n, worker in enumerate(workers)})
            margin_ns = _START_MARGIN_NS + processes * _START_MARGIN_A_PROCESS_NS
            ending.start_ns = now_ns() + margin_ns
            job.board.start_at(ending.start_ns)
            if sampler is not None:
                sampler.start_at(ending.start_ns)
            watch = _Watch(job, workers, orders, ending, deadline_s, grace_s, patience)
            watch.run(sampler, progress)
        finally:
            _end_all(workers)
            ending.messages = {n: text for n in range(processes) if (text := job.board.message(n))}
    return ending


def _fork(job: Job, processes: int) -> list[BaseProcess]:
    job.share()
    gc.collect()
    # Workers share these objects without a copy; a collection would touch them all.
    gc.freeze()
    gc.disable()
    workers = []
    try:
        for number in range(processes):
            worker = worker_process(f"smbench-{number}", work, job, number)
            worker.start()
            workers.append(worker)
    except BaseException as error:
        _end_all(workers)
        if not isinstance(error, (OSError, MemoryError)):
            raise
        number = (error.errno or 0) if isinstance(error, OSError) else errno.ENOMEM
        raise SetupError(
            f"cannot start worker {len(workers) + 1} of {processes}: {os.strerror(number)}; "
            f"{_START_MENDS.get(number, _FEWER)}"
        ) from None
    finally:
        gc.enable()
        gc.unfreeze()
    return workers


def _await_ready(job: Job, workers: list[BaseProcess], orders: _Orders) -> bool:
    """Whether all are ready; False where the run was stopped before."""
    give_up = time.monotonic() + _START_TIMEOUT_S
    waiting = list(range(len(workers)))
    while waiting:
        if orders.count:
            return False
        still = []
        for number in waiting:
            state = job.board.state(number)
            if state == states.FAILED:
                raise SetupError(f"{_who(job, number)} cannot start: {job.board.message(number)}")
            if state == states.STARTING:
                if workers[number].exitcode is not None:
                    raise SetupError(
                        f"{_who(job, number)} ended before it was ready ({_how(workers[number])})"
                    )
                still.append(number)
        waiting = still
        if waiting and time.monotonic() > give_up:
            raise SetupError(
                f"{_who(job, waiting[0])} was not ready within {_START_TIMEOUT_S:g} s, "
                f"and so were {len(waiting) - 1} others; is the target reachable?"
            )
        if waiting:
            time.sleep(0.002)
    return True


@dataclass
class _Watch:
    """Looks after the workers of a run that has begun, until all have ended or were given up."""

    job: Job
    workers: list[BaseProcess]
    orders: _Orders
    ending: Ending
    deadline_s: float | None
    grace_s: float
    patience: Patience | None

    def __post_init__(self) -> None:
        self._running = {worker.sentinel: number for number, worker in enumerate(self.workers)}
        lasts_ns = None if self.deadline_s is None else int(self.deadline_s * 1e9)
        self._deadline_ns = None if lasts_ns is None else self.ending.start_ns + lasts_ns
        self._kill_at: float | None = None
        self._harness = HarnessWatch(self.job.beats, int(_LOOK_S * 1e9), self.ending.fared)

    def run(self, sampler: ResourceSampler | None, progress: Callable[[], None]) -> None:
        while self._running:
            for sentinel in wait(list(self._running), self._look_s()):
                self._note_end(self._running.pop(sentinel))
            self._harness.look()
            if sampler is not None:
                sampler.sample_when_due()
            progress()
            if self._kill_at is None and self._over():
                self._stop()
            if self._kill_at is not None and (self.orders.count > 1 or time.monotonic() > self._kill_at):
                self._kill()
                return
        self._harness.end((), now_ns())

    def _look_s(self) -> float:
        """Until the next look; a deadline is kept to."""
        if self._deadline_ns is None or self._kill_at is not None:
            return _LOOK_S
        return min(max((self._deadline_ns - now_ns()) / 1e9, 0.0), _LOOK_S)

    def _over(self) -> bool:
        now, start_ns = now_ns(), self.ending.start_ns
        past = self._deadline_ns is not None and now >= self._deadline_ns
        if not past and self.patience is not None and self.patience.look(start_ns, now):
            self.ending.given_up = self.patience.why
        return past or self.orders.count > 0 or bool(self.ending.given_up)

    def _note_end(self, number: int) -> None:
        board = self.job.board
        self.workers[number].join()
        if board.state(number) != states.DONE and number not in self.ending.killed:
            self.ending.lost[number] = _how(self.workers[number])
            self._note_in_flight(number)
            board.set_state(number, states.FAILED)
            for lane in self.job.plan.lanes_of(number):
                board.release(lane)
            board.end_if_all_have()

    def _stop(self) -> None:
        why = self.orders.name or (GIVE_UP if self.ending.given_up else DEADLINE)
        self.ending.stopped, self.ending.stopped_ns = why, now_ns()
        self.job.board.stop()
        if sys.platform != "win32":  # where this would end it on the spot, its files unclosed
            for number in self._running.values():
                self.workers[number].terminate()
        self._kill_at = time.monotonic() + self.grace_s

    def _kill(self) -> None:
        self.ending.killed += self._running.values()
        for number in self._running.values():
            self._note_in_flight(number)
        # Whoever stands still until now is told before it is gone.
        self._harness.end(self._running.values(), now_ns())
        for number in self._running.values():
            self.workers[number].kill()
        # Whom not even this ends (a call that hangs uninterruptibly) is left behind.
        wait_until = time.monotonic() + _KILLED_S
        while self._running and time.monotonic() < wait_until:
            for sentinel in wait(list(self._running), _LOOK_S):
                self.workers[self._running.pop(sentinel)].join()

    def _note_in_flight(self, number: int) -> None:
        lanes, records = self.job.plan.lanes_of(number), self.job.log.records
        self.ending.fared.in_flight += self.job.beats.in_flight(lanes, records, now_ns())


def _end_all(workers: list[BaseProcess]) -> None:
    for worker in workers:
        if worker.is_alive():
            worker.kill()
    give_up = time.monotonic() + _KILLED_S
    for worker in workers:
        worker.join(max(0.0, give_up - time.monotonic()))
        if worker.exitcode is not None:
            worker.close()
        else:  # multiprocess would wait for it for ever at exit
            process._children.discard(worker)


def _who(job: Job, process: int) -> str:
    return f"the worker of {', '.join(sorted(job.plan.users_of(process))[:3])}"


def _how(worker: BaseProcess) -> str:
    code = worker.exitcode
    if code is not None and code < 0:
        return f"killed by {signal.Signals(-code).name}"
    return f"ended with status {code}"


def _raise_descriptor_limit(processes: int) -> None:
    """A worker costs the parent descriptors, and every open file of a user one in its worker."""
    import resource  # not everywhere

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == hard and soft != resource.RLIM_INFINITY and soft < processes * _DESCRIPTORS_A_WORKER:
        raise SetupError(
            f"{processes} workers need more than {soft} descriptors; raise the limit (ulimit -n)"
        )
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
