"""Several readers at once: worker processes, their progress, their results; no process outlives the call."""

from __future__ import annotations

import contextlib
import os
import pickle
import selectors
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence

from smbench.capture.disk import cannot_write
from smbench.capture.jobs.job import Job, Result, TapJob
from smbench.capture.jobs.worker import FAILED
from smbench.capture.stopped import TRY, StoppedError, stopped
from smbench.capture.watch import TICK_S, Watch
from smbench.errors import SmbenchError
from smbench.signals import deferred

_ERROR_CHARACTERS = 300
_UNWINDS_S = 20
"""How long a process may take to end, with its tshark, on a busy machine."""


_WHO = "a process of this program"


class _Worker:
    """One process at one job."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.position = 0
        self._failed: tuple[int, str] | None = None
        """The number and the text of the error of the system's that ended it."""
        files = job.scratch / f"job-{job.number}", job.scratch / f"result-{job.number}"
        files[0].write_bytes(pickle.dumps(job))
        self._result = files[1]
        self._errors = (job.scratch / f"errors-{job.number}").open("w+b")
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "smbench.capture.jobs.start", str(os.getpid()), *map(str, files)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            pass_fds=job.home.descriptors if isinstance(job, TapJob) else (),
        )
        self.watch = Watch(self.process.pid, job.limits.patience_s)
        self._heard = 0

    def hear(self) -> bool:
        """Take one line of progress, or of the end that it has come to; False behind the last."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        self._heard += 1
        if line.startswith(FAILED):
            number, _, said = line[len(FAILED) :].decode("utf-8", "replace").strip().partition(" ")
            self._failed = int(number), said
        with contextlib.suppress(ValueError):
            self.position = int(line)
        return bool(line)

    def result(self) -> Result:
        status = self.process.wait()
        if self._failed is not None:
            raise cannot_write(self.job.scratch, f"what is decoded of {self.job.name}", *self._failed)
        try:
            result = pickle.loads(self._result.read_bytes())
        except (OSError, EOFError, pickle.UnpicklingError):
            self._errors.seek(0)
            said = self._errors.read().decode("utf-8", "replace").strip().rpartition("\n")[2]
            said = said[-_ERROR_CHARACTERS:]
            raise stopped(_WHO, status, self.job.name, said, self.job.limits, self.job.size) from None
        if isinstance(result, SmbenchError):
            raise result
        assert isinstance(result, Result)
        return result

    def look_after(self) -> None:
        """Each `TICK_S`: StoppedError where this one gets nowhere; one that waits for its tshark says so each
        second."""
        if self.watch.stuck(self._heard):
            how = f"has read nothing and used no CPU for {self.watch.patience_s:g} s, and was ended,"
            raise StoppedError(_WHO, how, self.job.name, f"raise --decoder-patience, if it only waits; {TRY}")

    def end(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(timeout=_UNWINDS_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()
        self._errors.close()


def read_all(
    jobs: Sequence[Job], at_once: int, progress: Callable[[int], None], done: Callable[[Job], None]
) -> list[Result]:
    """The results of the jobs, at most `at_once` of them running; `progress` hears the bytes read by all,
    `done` each job that is finished with."""
    waiting, results, finished, looked_s = list(reversed(jobs)), list[Result](), 0, time.monotonic()
    with selectors.DefaultSelector() as selector, _all_ended() as running:
        while waiting or running:
            while waiting and len(running) < at_once:
                with deferred():  # else a signal leaves a process behind that nobody knows yet
                    worker = _Worker(waiting.pop())
                    running.append(worker)
                assert worker.process.stdout is not None
                selector.register(worker.process.stdout, selectors.EVENT_READ, worker)
            if time.monotonic() - looked_s >= TICK_S:
                looked_s = time.monotonic()
                for worker in running:
                    worker.look_after()
            for key, _ in selector.select(TICK_S):
                worker = key.data
                if worker.hear():
                    continue
                selector.unregister(key.fileobj)
                results.append(worker.result())
                finished += worker.job.size
                running.remove(worker)
                worker.end()
                done(worker.job)
            progress(finished + sum(worker.position for worker in running))
    return results


@contextlib.contextmanager
def _all_ended() -> Iterator[list[_Worker]]:
    workers: list[_Worker] = []
    try:
        yield workers
    finally:
        for worker in workers:
            worker.end()
