"""Who a folder or a mount belongs to: a process that still lives, or one that has ended.

A process id alone may be another's by now; with the time of the process's start it is unique until the
machine starts again, whatever becomes of the clock meanwhile.
"""

from __future__ import annotations

import os
import platform
import sys
from pathlib import Path
from typing import Annotated

from msgspec import Meta, Struct

Pid = Annotated[int, Meta(gt=0, le=(1 << 31) - 1)]
Ticks = Annotated[int, Meta(ge=0, le=(1 << 63) - 1)]


class Owner(Struct, frozen=True, kw_only=True):
    """A process."""

    pid: Pid
    started_ticks: Ticks | None
    host: str
    boot: str
    """Which start of the machine (/proc/sys/kernel/random/boot_id); "" where the system has none."""
    processes: str
    """Which of its process tables (/proc/self/ns/pid): a container has its own."""

    @property
    def here(self) -> bool:
        """Whether it can be looked for: it is, or was, among the processes that are seen from here."""
        machine = self.boot == _boot() if self.boot else self.host == platform.node()
        rebooted = bool(self.boot) and not machine and self.host == platform.node()
        return rebooted or (machine and self.processes == _processes())

    @property
    def lives(self) -> bool:
        """Whether it does; one that cannot be looked for from here is taken to."""
        if not self.here:
            return True
        same_start = not self.boot or self.boot == _boot()
        return same_start and self.started_ticks is not None and started_ticks(self.pid) == self.started_ticks

    @property
    def named(self) -> str:
        """For people."""
        return f"process {self.pid}" if self.here else f"process {self.pid} of {self.host or 'another host'}"


def this_process() -> Owner:
    pid = os.getpid()
    return Owner(
        pid=pid, started_ticks=started_ticks(pid), host=platform.node(), boot=_boot(), processes=_processes()
    )


def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""


def _processes() -> str:
    try:
        return str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        return ""


def started_ticks(pid: int) -> int | None:
    """When a process started, in clock ticks since boot (field 22 of /proc/PID/stat, proc(5)), on Windows in
    milliseconds since 1970; None where there is no such process."""
    if sys.platform == "win32":
        import psutil  # slow, and Linux needs none

        try:
            return int(psutil.Process(pid).create_time() * 1000)
        except psutil.Error:
            return None
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        # The second field, a name in brackets, may hold spaces and brackets.
        return int(text.rpartition(")")[2].split()[19])
    except (OSError, IndexError, ValueError):
        return None
