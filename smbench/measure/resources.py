"""What the machine and the workers used, once a second (psutil).

One row a second for the machine (`process` -1) and one a worker; counters are differences since the
row before. A sample costs 0.1 ms and 40 µs a worker, in the parent, which has nothing else to do.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import psutil
import pyarrow as pa

from smbench.errors import SetupError, UsageError
from smbench.measure.clock import now_ns
from smbench.run.columns import RESOURCES_SCHEMA
from smbench.run.model import MACHINE
from smbench.stored import open_stored
from smbench.tables import table_writer

PERIOD_NS = 1_000_000_000


class ResourceSampler:
    """Collects rows of RESOURCES_SCHEMA between `begin` and `write`; each sample is in the file `kept` at
    once, where there is one (`read_samples`)."""

    def __init__(self, kept: Path | None = None) -> None:
        self.rows: list[dict[str, Any]] = []
        self._kept = None if kept is None else pa.ipc.new_stream(str(kept), RESOURCES_SCHEMA)
        self._start_ns = 0
        self._due_ns = 0
        self._workers: dict[int, psutil.Process] = {}
        self._before: dict[int, tuple[int, float, int]] = {}
        self._machine_before: tuple[Any, int, Any, int | None] | None = None

    def begin(self, pids: Mapping[int, int]) -> None:
        """Find the workers, by process number, while they wait: what this takes is nobody's lateness."""
        for number, pid in pids.items():
            try:
                self._workers[number] = psutil.Process(pid)
            except psutil.NoSuchProcess:
                continue
        psutil.cpu_percent(percpu=True)
        self._machine_before = _machine()
        for number in list(self._workers):
            self._worker_row(number, now_ns())
        self.rows.clear()

    def start_at(self, start_ns: int) -> None:
        """When the run begins: times count from here, and samples are due each second after it."""
        self._start_ns = start_ns
        self._due_ns = start_ns + PERIOD_NS

    def sample_when_due(self) -> None:
        """Take a sample if a second has gone by since the last."""
        if (now := now_ns()) >= self._due_ns:
            self._due_ns = max(self._due_ns + PERIOD_NS, now)
            self._sample(now)

    def finish(self) -> None:
        """Take the last sample, of what is left of a second."""
        if self._machine_before is not None:
            self._sample(now_ns())
        self._keep(lambda kept: kept.close())
        self._kept = None  # with it goes the descriptor

    def append(self, later: ResourceSampler, shift_ns: int) -> None:
        """Take over the rows of another one, whose run began so much later."""
        self.rows += [row | {"time_ns": row["time_ns"] + shift_ns} for row in later.rows]

    def write(self, path: Path) -> None:
        with table_writer(path, RESOURCES_SCHEMA) as writer:
            writer.write_table(pa.Table.from_pylist(self.rows, RESOURCES_SCHEMA))

    def _since_start(self, now: int) -> int:
        # A run that has nothing to do is over before the moment at which all were to begin.
        return max(now - self._start_ns, 0)

    def _sample(self, now: int) -> None:
        assert self._machine_before is not None
        times, switches, net, swapped = after = _machine()
        times_before, switches_before, net_before, swapped_before = self._machine_before
        self._machine_before = after
        spent = {name: getattr(times, name) - getattr(times_before, name) for name in times._fields}
        total = sum(spent.values()) - spent.get("guest", 0.0) - spent.get("guest_nice", 0.0)
        idle = spent["idle"] + spent.get("iowait", 0.0)
        memory = psutil.virtual_memory()
        self.rows.append(
            {
                "time_ns": self._since_start(now),
                "process": MACHINE,
                "cpu_percent": 100 * (total - idle) / total if total else None,
                "busiest_core_percent": max(psutil.cpu_percent(percpu=True), default=0.0),
                "steal_percent": 100 * spent["steal"] / total if total and "steal" in spent else None,
                "memory_bytes": memory.used,
                "available_percent": 100 * memory.available / memory.total,
                "swapped_bytes": None if swapped is None else swapped - (swapped_before or 0),
                "context_switches": switches - switches_before,
                "threads": None,
                "net_sent_bytes": net.bytes_sent - net_before.bytes_sent if net and net_before else None,
                "net_received_bytes": net.bytes_recv - net_before.bytes_recv if net and net_before else None,
            }
        )
        first = len(self.rows) - 1
        for number in list(self._workers):
            self._worker_row(number, now)
        batch = pa.RecordBatch.from_pylist(self.rows[first:], RESOURCES_SCHEMA)
        self._keep(lambda kept: kept.write_batch(batch))

    def _keep(self, do: Callable[[Any], object]) -> None:
        """A file that has no room costs no run."""
        try:
            if self._kept is not None:
                do(self._kept)
        except OSError:
            self._kept = None

    def _worker_row(self, number: int, now: int) -> None:
        worker = self._workers[number]
        try:
            with worker.oneshot():
                spent = worker.cpu_times()
                switches = sum(worker.num_ctx_switches())
                memory, threads = worker.memory_info().rss, worker.num_threads()
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            del self._workers[number]
            return
        cpu_s = spent.user + spent.system
        then, cpu_before, switches_before = self._before.get(number, (now, cpu_s, switches))
        self._before[number] = (now, cpu_s, switches)
        self.rows.append(
            {
                "time_ns": self._since_start(now),
                "process": number,
                "cpu_percent": 100e9 * (cpu_s - cpu_before) / (now - then) if now > then else None,
                "memory_bytes": memory,
                "context_switches": switches - switches_before,
                "threads": threads,
            }
        )


def read_samples(path: Path) -> list[dict[str, Any]]:
    """The rows that a sampler kept in a file; of one that was cut off what it came to."""
    rows: list[dict[str, Any]] = []
    try:
        with open_stored(path, "") as file, pa.ipc.open_stream(file) as stream:
            if not stream.schema.equals(RESOURCES_SCHEMA):
                return rows
            for batch in stream:
                batch.validate(full=True)
                rows += batch.to_pylist()
    except (OSError, UsageError, SetupError, MemoryError, ValueError, pa.ArrowException):
        pass
    return rows


def _machine() -> tuple[Any, int, Any, int | None]:
    return psutil.cpu_times(), psutil.cpu_stats().ctx_switches, psutil.net_io_counters(), _swapped()


def _swapped() -> int | None:
    """Bytes swapped in and out until now; None where psutil cannot tell: always on Windows."""
    if sys.platform == "win32":
        return None
    with warnings.catch_warnings(action="error", category=RuntimeWarning):
        try:
            swap = psutil.swap_memory()
        except RuntimeWarning:
            return None
    return int(swap.sin + swap.sout)
