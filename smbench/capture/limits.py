"""How much a decoder may take, and how long it may get nowhere: of memory, of CPU, of patience.

tshark's memory is limited by its address space (RLIMIT_AS), a worker's of this package by its data
(RLIMIT_DATA: what Arrow reserves and does not use is none); CPU by RLIMIT_CPU. Windows has none of them.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import psutil

PATIENCE_S = 60.0
"""Without output, input and CPU: longer than a network's file system hesitates, shorter than a user does."""
_CPU_S, _CPU_S_PER_MIB = 600, 10
"""CPU time of one process, however small its capture is, and for each MiB more. tshark takes 0.1 s a MiB on a
machine of 2020: what comes to a hundred times that goes round in circles."""
_SHARE = 0.75
"""Of the machine's memory, for all tsharks together: the rest is for this program and everybody else."""
_LEAST_BYTES = 1 << 30
"""A tshark 4.0.17 that has read nothing has an address space of 340 MiB, most of it never used; newer ones
are linked with more."""
_WORKER_BYTES = 2 << 30
"""Beside that, for Python, Arrow and the stacks of its threads, 8 MiB each, one for each processor."""
_UNPACKED_BYTES, _UNPACKED_BYTES_PER_BYTE = 1 << 30, 100
"""Bytes that may come of a packed capture, however small it is, and for each of its own. Headers hardly pack
smaller than a tenth, and payload of zeros by a thousand: what is that, or made to be, is asked for."""
_CGROUP_LIMITS = (
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)
"""A container's own, as it sees them (cgroup v2, v1)."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What decoders may take. `memory_bytes`: all at once, together; `cpu_s`: each; None: by the machine, and
    by what is read. `patience_s`: of each, without a sign of life. `unpacked_bytes`: what may come of each
    capture that is packed, or converted; None: by its size."""

    memory_bytes: int | None = None
    cpu_s: float | None = None
    patience_s: float = PATIENCE_S
    unpacked_bytes: int | None = None

    def among(self, processes: int) -> Limits:
        """The share of one of so many."""
        return replace(self, memory_bytes=self.memory() // max(1, processes))

    def memory(self) -> int:
        """Bytes of memory."""
        whole = int(machine_bytes() * _SHARE) if self.memory_bytes is None else self.memory_bytes
        return max(_LEAST_BYTES, whole)

    def cpu(self, size: int) -> int:
        """Seconds of CPU for a capture of `size` bytes."""
        if self.cpu_s is not None:
            return max(1, round(self.cpu_s))
        return _CPU_S + _CPU_S_PER_MIB * (size >> 20)

    def unpacked(self, size: int) -> int:
        """Bytes that may come of a capture of `size` bytes."""
        if self.unpacked_bytes is not None:
            return self.unpacked_bytes
        return max(_UNPACKED_BYTES, _UNPACKED_BYTES_PER_BYTE * size)


NO_LIMITS = Limits()
"""None but what the machine has."""


def machine_bytes() -> int:
    """The memory of this machine, or of the container that this is in, if that has less."""
    found = [int(psutil.virtual_memory().total)]
    for path in _CGROUP_LIMITS:
        try:
            found.append(int(path.read_text(encoding="ascii")))
        except (OSError, ValueError):
            continue
    return min(found)


def confine_worker(limits: Limits, size: int) -> None:
    """Hold this process, which decodes `size` bytes, to its limits: soft ones, as its tshark has its own."""
    if sys.platform == "win32":
        return
    import resource

    wanted = (
        (resource.RLIMIT_DATA, limits.memory() + _WORKER_BYTES),
        (resource.RLIMIT_CPU, limits.cpu(size)),
    )
    for which, soft in wanted:
        _, most = resource.getrlimit(which)
        with suppress(ValueError, OSError):
            resource.setrlimit(which, (soft if most == resource.RLIM_INFINITY else min(soft, most), most))
