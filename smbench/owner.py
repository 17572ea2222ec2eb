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
    host: str = ""

    @property
    def lives(self) -> bool:
        """Whether it does, as far as can be told from here: a process of another host is taken to live."""
        if self.host and self.host != platform.node():
            return True
        return self.started_ticks is not None and started_ticks(self.pid) == self.started_ticks


def this_process() -> Owner:
    pid = os.getpid()
    return Owner(pid=pid, started_ticks=started_ticks(pid), host=platform.node())


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
