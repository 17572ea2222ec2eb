"""What load costs the machine that makes it: each line a figure, its aim, and whether it is met.

lateness   1,000 operations a second by 100 processes for 60 s on tmpfs: how late they are issued
start      1,000 users in 1,000 processes on a directory: how soon all have begun, memory of each
many       5,000 users, 25 in a process, on a directory
mounts     100 users on 100 CIFS mounts in the lab (scripts/lab)
stream     a workload of 5 million operations beside one of a million: memory of all processes together

    scripts/bench-load                  all of it
    scripts/bench-load lateness start   some

Every part replays a workload made for it by the command `smbench-mount replay`, as a user would.
Exit status 1 where an aim is missed.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pyarrow.compute as pc
import pyarrow.parquet as pq
from helpers.aims import MISSED, told, warn_if_busy
from helpers.boot import boot_quietly

from smbench.ratios import Bad, format_percent, format_ratio
from smbench.smb2.constants import GENERIC_READ, GENERIC_WRITE, OPEN_IF, SHARE_ALL
from smbench.trace.model import TraceInfo, User
from smbench.workload.calls import Call, Close, Create, Open, Read, Write
from smbench.workload.model import Operation, Workload, WorkloadInfo
from smbench.workload.store import write

ROOT = Path(__file__).resolve().parents[2]
READ, WRITE = GENERIC_READ, GENERIC_WRITE
MEMORY = Path("/dev/shm")
MIB = 1 << 20
Timed = tuple[int, int, Call]
"""When (ns), whose, what."""


def save(folder: Path, users: int, calls: Callable[[], Iterator[Timed]]) -> Path:
    """A workload of calls in order of arrival, user by user on a file of its own."""

    class Rows:
        def __iter__(self) -> Iterator[Operation]:
            for number, (at, user, call) in enumerate(calls()):
                yield Operation(number, user, 0, at, 100_000, 0, (number,), "synthetic", f"f{user}", call)

    people = [User(f"user{number + 1:02}", "127.0.0.1") for number in range(users)]
    workload = folder / "load.workload"
    write(workload, Workload(WorkloadInfo(TraceInfo(users=people), lanes=[1] * users), Rows(), []))
    return workload


def steady(users: int, each: int, period_ns: int) -> Iterator[Timed]:
    """Every user opens its file, writes and reads it in turn, a call a period, and closes it."""
    for turn in range(each + 2):
        for user in range(users):
            at = turn * period_ns + user * period_ns // users
            if turn == 0:
                yield at, user, Open(user, f"f{user}", Create(READ | WRITE, SHARE_ALL, OPEN_IF, 0, 0))
            elif turn <= each:
                yield at, user, (Write if turn % 2 else Read)(user, 4096 * ((turn - 1) // 2 % 8), 4096)
            else:
                yield at, user, Close(user)


@dataclass(slots=True)
class Peaks:
    """What all processes of a replay held at most, by sampling, in bytes."""

    private: int = 0
    """Of all together: what no file on a disk stands behind (Pss_Anon), and the run's files in memory."""
    each: list[int] = field(default_factory=list)
    """Of every worker, once all had begun."""


def replay(
    workload: Path, target: Path, out: Path, *more: str, watch: Callable[[psutil.Process], None] | None = None
) -> tuple[dict[str, Any], float]:
    """What run.json says, and how long it took from the command to the start of the first operation."""
    command = [sys.executable, "-m", "smbench", "replay", workload, target, "-o", out, "-q", *more]
    began = time.time()
    with tempfile.TemporaryFile() as errors:
        child = psutil.Popen([*map(str, command)], stdout=subprocess.DEVNULL, stderr=errors, cwd=ROOT)
        while child.poll() is None:
            if watch is not None:
                watch(child)
            time.sleep(0.1)
        if child.returncode not in (0, 5):
            errors.seek(0)
            raise RuntimeError(f"replay ended with {child.returncode}: {errors.read().decode().strip()}")
    document = json.loads((out / "run.json").read_text())
    return document, document["start_epoch_ns"] / 1e9 - began


def all_done(name: str, document: dict[str, Any]) -> None:
    operations, order = document["operations"], document["order"]
    told(
        f"{name}: operations as planned, outcomes as expected",
        f"{operations['matched']:,} of {operations['planned']:,}", "all",
        operations["matched"] == operations["planned"],
    )  # fmt: skip
    told(f"{name}: edges of the order broken", str(order["violated"]), "0", order["violated"] == 0)


def lateness(folder: Path) -> None:
    seconds = 60
    workload = save(folder, 100, lambda: steady(100, 10 * seconds, 100_000_000))
    document, _ = replay(workload, folder / "target", folder / "a.run")
    rows = pq.read_table(
        folder / "a.run/operations.parquet", columns=["intended_ns", "issued_ns", "kind", "completed_ns"]
    )
    late = document["lateness"]
    rate = document["operations"]["executed"] / document["elapsed_s"]
    processes = document["configuration"]["processes"]
    print(f"  {rate:,.0f} operations/s by {processes} processes for {document['elapsed_s']:.1f} s")
    for name, limit_ms in (("p50", 0.1), ("p99", 1.0), ("p99_9", 5.0)):
        late_ms = late[f"{name}_ns"] / 1e6
        aim = f"<= {limit_ms:g} ms"
        told(
            f"lateness {name.replace('_', '.')}",
            f"{format_ratio(late_ms, 3, Bad.HIGH)} ms",
            aim,
            late_ms <= limit_ms,
        )
    behind = pc.subtract(rows["issued_ns"], rows["intended_ns"])
    ordered = behind.take(pc.sort_indices(rows["intended_ns"]))
    first, last = (pc.approximate_median(part).as_py() for part in (ordered[:5000], ordered[-5000:]))
    drift = abs(last - first) / (seconds * 1e9)
    told(
        "drift: median lateness of the last 5 s less the first's",
        f"{(last - first) / 1e3:.0f} µs of {seconds} s: {format_percent(drift, 5)}", "<= 0.1 %",
        drift <= 0.001,
    )  # fmt: skip
    all_done("lateness", document)


def start(folder: Path) -> None:
    users, peaks = 1000, Peaks()
    workload = save(folder, users, lambda: steady(users, 3, 8_000_000_000))

    def watch(child: psutil.Process) -> None:
        workers = child.children()
        if not peaks.each and len(workers) == users:
            time.sleep(20)  # by then all have opened and written
            peaks.each = [worker.memory_full_info().uss for worker in workers if worker.is_running()]

    document, begun_s = replay(workload, folder / "target", folder / "a.run", watch=watch)
    told(
        "1,000 processes: from the command to the start",
        f"{format_ratio(begun_s, 1, Bad.HIGH)} s",
        "<= 15 s",
        begun_s <= 15,
    )
    mean, most = sum(peaks.each) / max(1, len(peaks.each)), max(peaks.each, default=0)
    told(
        f"private memory of {len(peaks.each):,} workers, mean and most",
        ", ".join(f"{format_ratio(value / 1e6, 1, Bad.HIGH)} MB" for value in (mean, most)), "<= 5 MB each",
        len(peaks.each) == users and most <= 5_000_000,
    )  # fmt: skip
    all_done("1,000 processes", document)


def many(folder: Path) -> None:
    workload = save(folder, 50, lambda: steady(50, 4, 5_000_000_000))
    document, begun_s = replay(
        workload, folder / "target", folder / "a.run", "--clone", "100", "--users-per-process", "25"
    )
    shape = document["configuration"]
    told(
        f"{shape['users']:,} users in {shape['processes']} processes: to the start", f"{begun_s:.1f} s",
        "printed", True,
    )  # fmt: skip
    all_done("5,000 users", document)


def mounts(folder: Path) -> None:
    workload = save(folder, 100, lambda: steady(100, 4, 5_000_000_000))
    script = (
        f'"{sys.executable}" -m smbench replay "{workload}" $LAB_SHARE --users $LAB_USERS'
        " -q -o $LAB_OUT/a.run; echo $? >$LAB_OUT/status; grep -c ' cifs ' /proc/mounts >$LAB_OUT/left; true"
    )
    out = folder / "out"
    lab = ["--users", "100", "--mem", "3000M", "--deadline", "900", "--", "bash", "-c", script]
    status, said = boot_quietly(out, *lab)
    if status or not (out / "a.run/run.json").exists():
        raise RuntimeError(f"the lab ended with {status}: {said[-300:]}")
    document = json.loads((out / "a.run/run.json").read_text())
    connections = {mount["connection"]["id"] for mount in document["mounts"]}
    told("CIFS mounts with a connection of their own", f"{len(connections)}", "100", len(connections) == 100)
    all_done("100 mounts", document)
    left = int((out / "left").read_text())
    told("mounts left", str(left), "0", left == 0)


def stream(folder: Path) -> None:
    held = []
    for millions in (1, 5):
        part = folder / f"{millions}M"
        (part / "target").mkdir(parents=True)
        workload = save(part, 10, partial(steady, 10, millions * 100_000, 10_000))
        peaks = Peaks()

        def watch(child: psutil.Process, peaks: Peaks = peaks) -> None:
            try:
                family = [child, *child.children(recursive=True)]
                now = sum(held_by(one.pid) for one in family)
            except (psutil.Error, OSError):
                return
            peaks.private = max(peaks.private, now + scratch_in_memory())

        document, _ = replay(workload, part / "target", part / "a.run", "--pace", "fast", watch=watch)
        held.append(peaks.private)
        rate = document["throughput"]["operations_per_s"]
        print(f"  {millions} million operations: {rate:,.0f}/s, at most {peaks.private / MIB:,.0f} MiB")
        all_done(f"{millions} million", document)
    times = held[1] / held[0]
    told(
        "memory of 5 million operations beside that of 1 million",
        f"{format_ratio(times, 2, Bad.HIGH)} times", "<= 1.10 times", times <= 1.1,
    )  # fmt: skip


def held_by(pid: int) -> int:
    """A process' share of the memory that no file on a disk stands behind: pages that it may drop, because
    a file has them, are the page cache's."""
    rows = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
    return sum(1024 * int(row.split()[1]) for row in rows if row.startswith("Pss_Anon:"))


def scratch_in_memory() -> int:
    """Files of a run that lie in memory: on no disk, and nobody's own."""
    total = 0
    for path in MEMORY.glob("smbench-*/**/*"):
        try:
            total += path.stat().st_blocks * 512
        except OSError:
            continue
    return total


PARTS = {"lateness": lateness, "start": start, "many": many, "mounts": mounts, "stream": stream}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)} (all)")
    options = parser.parse_args()
    if unknown := set(options.parts) - PARTS.keys():
        parser.error(f"there is no part {', '.join(unknown)}; there are {', '.join(PARTS)}")
    warn_if_busy()
    for name in options.parts or PARTS:
        where = None if name in ("mounts", "stream") else MEMORY  # what the lab sees; what is no memory
        with tempfile.TemporaryDirectory(prefix="bench-load-", dir=where) as folder:
            Path(folder).chmod(0o755)
            (Path(folder) / "target").mkdir()
            try:
                PARTS[name](Path(folder))
            except RuntimeError as error:
                told(name, "FAILED", "to run", False)
                print(f"  {error}")
    sys.exit(1 if MISSED else 0)
