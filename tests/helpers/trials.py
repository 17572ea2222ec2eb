"""Trials in other processes, each within a time and a limit of memory; and what became of them."""

from __future__ import annotations

import multiprocessing
import resource
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import NamedTuple

from smbench.capture.watch import cpu_of

GOOD = ("ingested", "refused in one sentence")
_FORK = multiprocessing.get_context("forkserver")
_GROWS = 1 << 30
"""Bytes of data that a trial may take: a hundred times what it is about."""


_BUSY = 20
"""So many times slower than alone a trial may be, on a machine that does other things."""


class Fate(NamedTuple):
    """What became of a trial, in a word (or a traceback), its seconds, and the most memory that its process
    has had so far."""

    word: str
    seconds: float = 0.0
    memory_bytes: int = 0

    @property
    def good(self) -> bool:
        return self.word in GOOD


class Trials:
    """Calls of one function in other processes, from any number of threads: each thread has one of its own,
    which goes on with the next call until one hangs or kills it."""

    def __init__(self, what: Callable[..., str], deadline_s: float) -> None:
        self._what, self._deadline_s = what, deadline_s
        self._mine = threading.local()

    def tried(self, *arguments: object) -> Fate:
        """What it says of these arguments; that it hangs or died, or the traceback of what it raised."""
        worker: _Worker | None = getattr(self._mine, "worker", None)
        if worker is None or not worker.process.is_alive():
            worker = self._mine.worker = _Worker(self._what)
        began = time.monotonic()
        try:
            worker.ours.send(arguments)
            if self._answers(worker):
                word, memory_bytes = worker.ours.recv()
            else:
                word, memory_bytes = f"hangs for more than {self._deadline_s:g} s", 0
                worker.end()
        except (EOFError, OSError):
            word, memory_bytes = "died", 0
            worker.end()
        return Fate(word, time.monotonic() - began, memory_bytes)

    def _answers(self, worker: _Worker) -> bool:
        """Before its time is up, of CPU: a busy machine is no hang; without any, after so many times that."""
        before, _ = cpu_of(worker.process.pid or 0)
        for _ in range(_BUSY):
            if worker.ours.poll(self._deadline_s):
                return True
            if cpu_of(worker.process.pid or 0)[0] - before > self._deadline_s:
                break
        return False


class _Worker:
    def __init__(self, what: Callable[..., str]) -> None:
        self.ours, theirs = _FORK.Pipe()
        self.process = _FORK.Process(target=_work, args=(what, theirs), daemon=True)
        self.process.start()
        theirs.close()

    def end(self) -> None:
        self.process.terminate()
        self.process.join()


def _work(what: Callable[..., str], asked: Connection) -> None:
    resource.setrlimit(resource.RLIMIT_DATA, (_GROWS, resource.getrlimit(resource.RLIMIT_DATA)[1]))
    while True:
        try:
            arguments = asked.recv()
        except EOFError:  # nobody asks any more
            return
        try:
            word = what(*arguments)
        except BaseException:
            word = traceback.format_exc()
        asked.send((word, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10))


class Tally:
    """What became of many, with the slowest and the largest."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._words: Counter[str] = Counter()
        self._most = Fate("")
        self.failed = 0

    def add(self, fate: Fate) -> None:
        self._words[fate.word.strip().splitlines()[-1]] += 1
        self.failed += not fate.good
        self._most = Fate(
            "", max(self._most.seconds, fate.seconds), max(self._most.memory_bytes, fate.memory_bytes)
        )

    def lines(self, what: str) -> list[str]:
        head = f"{self._words.total()} {what}, {time.monotonic() - self._began:.0f} s; at most "
        head += f"{self._most.seconds:.1f} s and {self._most.memory_bytes >> 20} MiB each"
        return [head, *(f"{count:6}  {word}" for word, count in self._words.most_common())]
