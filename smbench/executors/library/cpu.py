"""CPU time of a client's calls, by kind."""

from __future__ import annotations

import time
from threading import Lock, local

from smbench.executors.base import Handler
from smbench.workload.calls import Call

_TIMES: tuple[str, ...] = ("count", "cpu_ns")


class CpuClock:
    """CPU time of the calling threads by kind of call. A thread counts for itself; nothing is shared."""

    def __init__(self) -> None:
        self._mine = local()
        self._all: list[dict[str, list[int]]] = []
        self._lock = Lock()

    def timed(self, kind: str, handler: Handler) -> Handler:
        clock = time.thread_time_ns

        def call(value: Call) -> int:
            began = clock()
            outcome = handler(value)
            spent = clock() - began
            try:
                counts = self._mine.counts
            except AttributeError:
                counts = self._begin()
            count = counts.setdefault(kind, [0, 0])
            count[0] += 1
            count[1] += spent
            return outcome

        return call

    def _begin(self) -> dict[str, list[int]]:
        counts: dict[str, list[int]] = {}
        self._mine.counts = counts
        with self._lock:
            self._all.append(counts)
        return counts

    def totals(self) -> dict[str, dict[str, int]]:
        totals: dict[str, list[int]] = {}
        for counts in self._all:
            for kind, (count, cpu_ns) in counts.items():
                total = totals.setdefault(kind, [0, 0])
                total[0] += count
                total[1] += cpu_ns
        return {kind: dict(zip(_TIMES, total, strict=True)) for kind, total in sorted(totals.items())}
