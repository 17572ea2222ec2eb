"""Whether a process gets on: by what it writes, by what it reads, by the CPU that it uses."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from contextlib import suppress

import psutil

TICK_S = 1.0
"""How often somebody who waits looks after it."""
_LEAST_SHARE = 0.01
"""Of the time in CPU: less is what a process uses that only looks now and then whether something has come."""


class Watch:
    """Counts the time that a process has got nowhere, by looks; what lies between them is not seen, so that
    neither a machine nor a process group that was stopped meanwhile counts against it."""

    def __init__(
        self, process: int, patience_s: float, used: Callable[[int], tuple[float, bool]] | None = None
    ) -> None:
        """`used` tells the CPU seconds of a process, and whether it would use more if it got any."""
        self._process, self.patience_s = process, patience_s
        self._used = used or cpu_of
        self._seen: object = None
        self._cpu_s = 0.0
        self._idle_s = 0.0

    def stuck(self, seen: object) -> bool:
        """After another `TICK_S` of waiting: whether patience is at its end. `seen` is what can be seen of
        its reading and writing."""
        cpu_s, ready = self._used(self._process)
        if seen != self._seen or ready or cpu_s - self._cpu_s >= _LEAST_SHARE * self.patience_s:
            self._seen, self._cpu_s, self._idle_s = seen, cpu_s, 0.0
            return False
        self._idle_s += TICK_S
        return self._idle_s >= self.patience_s


def cpu_of(process: int) -> tuple[float, bool]:
    """The CPU seconds of a process and of those that it has started, and whether one is ready for more."""
    cpu_s, ready = 0.0, False
    with suppress(psutil.Error):
        first = psutil.Process(process)
        for one in (first, *first.children(recursive=True)):
            with suppress(psutil.Error):
                times = one.cpu_times()
                cpu_s += times.user + times.system
                ready = ready or one.status() == psutil.STATUS_RUNNING
    return cpu_s, ready


def wait(process: subprocess.Popen[bytes], watch: Watch, seen: Callable[[], object]) -> bool:
    """Wait for the end of a process; False where it got nowhere before."""
    while True:
        try:
            process.wait(timeout=TICK_S)
        except subprocess.TimeoutExpired:
            if watch.stuck(seen()):
                return False
            continue
        return True
