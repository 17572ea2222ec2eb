"""What the harness costs: the null executor's rate, and posix on tmpfs beside fio, which replays the same.

Both sides run alternately; of each the median round is told. "Inside the run" is operations by the
time from the first to the last; "whole process" is the wall time from start to exit, results written.
"""

from __future__ import annotations

import argparse
import atexit
import gc
import json
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

COMMAND = [
    sys.executable,
    str(Path(__file__).resolve().parents[1] / "as_command.py"),
    __name__,
    "bench-overhead",
]
"""This one, without the shell before it."""
SIZE = 4096
BLOCKS = 2560


# Imports of the package stand in the functions: a side that is timed loads what it needs, and no more.


def make(folder: Path, operations: int, files: int, seed: int) -> None:
    """The same random reads and writes as a workload and as an iolog, over files that are there."""
    from smbench.smb2.constants import GENERIC_READ, GENERIC_WRITE, OPEN_IF, SHARE_ALL
    from smbench.trace.model import TraceInfo, User
    from smbench.workload.calls import Call, Close, Create, Open, Read, Write
    from smbench.workload.model import Operation, Workload, WorkloadInfo
    from smbench.workload.store import write

    dice = random.Random(seed)
    target = folder / "target"
    target.mkdir()
    names = [f"file{number}" for number in range(files)]
    for name in names:
        (target / name).write_bytes(dice.randbytes(SIZE * BLOCKS))
    rows: list[Operation] = []

    def add(call: Call, path: str) -> None:
        at = 1000 * len(rows)
        rows.append(Operation(len(rows), 0, 0, at, 500, 0, (len(rows),), "synthetic", path, call))

    with (folder / "replay.iolog").open("w") as log:
        log.write("fio version 2 iolog\n")
        log.writelines(f"{target / name} add\n" for name in names)
        for handle, name in enumerate(names):
            log.write(f"{target / name} open\n")
            add(
                Open(handle, name, Create(GENERIC_READ | GENERIC_WRITE, SHARE_ALL, OPEN_IF, 0, 0)),
                name,
            )
        for _ in range(operations):
            handle, offset = dice.randrange(files), SIZE * dice.randrange(BLOCKS)
            kind = Write if dice.random() < 0.3 else Read
            log.write(f"{target / names[handle]} {kind.__name__.lower()} {offset} {SIZE}\n")
            add(kind(handle, offset, SIZE), names[handle])
        for handle, name in enumerate(names):
            log.write(f"{target / name} close\n")
            add(Close(handle), name)
    info = WorkloadInfo(
        TraceInfo(users=[User("alice", "127.0.0.1")], duration_ns=rows[-1].arrival_ns),
        operations=dict(Counter(type(row.call).__name__ for row in rows)),
        lanes=[1],
        operations_by_user=[len(rows)],
    )
    write(folder / "synthetic.workload", Workload(info, rows, []))


def replay(folder: Path, executor: str, out: Path) -> None:
    """One side, in a process of its own: load, plan, run, write, and end as the command does."""
    from smbench.plan import Pace, plan_run
    from smbench.run.store import write as write_run
    from smbench.runner.run import RunOptions, run
    from smbench.workload.store import read

    atexit.register(gc.freeze)
    workload = read(folder / "synthetic.workload")
    users = [user.name for user in workload.info.trace.users]
    plan = plan_run(workload, users, pace=Pace.FAST)
    result = run(plan, workload, RunOptions(executor, [folder / "target"] * len(users)))
    write_run(result.measured(out), out)
    result.close()


def smbench_side(folder: Path, executor: str) -> tuple[float, float]:
    """Operations per second inside the run, and the process' wall time."""
    with tempfile.TemporaryDirectory(dir=folder) as out:
        command = [*COMMAND, "--replay", executor, str(folder), out]
        began = time.monotonic()
        subprocess.run(command, check=True)
        wall_s = time.monotonic() - began
        document = json.loads((Path(out) / "run.json").read_text())
        assert document["operations"]["mismatched"] in (0, None), document["mismatches"][:3]
        return document["throughput"]["operations_per_s"], wall_s


def fio_side(folder: Path, operations: int) -> tuple[float, float]:
    """The same of fio."""
    command = [
        "fio", "--name=replay", f"--read_iolog={folder / 'replay.iolog'}", "--ioengine=psync",
        "--replay_no_stall=1", "--output-format=json",
    ]  # fmt: skip
    began = time.monotonic()
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=folder)
    wall_s = time.monotonic() - began
    job = json.loads(done.stdout[done.stdout.index("{") :])["jobs"][0]
    count = job["read"]["total_ios"] + job["write"]["total_ios"]
    assert count == operations, f"fio carried out {count} of {operations} operations"
    return 1000 * count / job["job_runtime"], wall_s


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--operations", type=int, default=300_000)
    parser.add_argument("--files", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--replay", nargs=3, metavar=("EXECUTOR", "FOLDER", "OUT"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if min(options.operations, options.files, options.rounds) < 1:
        parser.error("--operations, --files and --rounds take numbers from 1 on")
    if not options.replay and shutil.which("fio") is None:
        sys.exit(
            "scripts/bench-overhead: fio is missing, which the replay is held beside: "
            "run scripts/setup --bench, or apt-get install fio"
        )
    if options.replay:
        executor, folder, out = options.replay
        replay(Path(folder), executor, Path(out))
        return
    with tempfile.TemporaryDirectory(prefix="smbench-bench-", dir="/dev/shm") as name:
        folder = Path(name)
        make(folder, options.operations, options.files, options.seed)
        null, posix, fio = [], [], []
        for _ in range(options.rounds):
            null.append(smbench_side(folder, "null"))
            fio.append(fio_side(folder, options.operations))
            posix.append(smbench_side(folder, "posix"))
    from smbench.ratios import Bad, format_ratio

    sides = {"null": null, "posix on tmpfs": posix, "fio --read_iolog": fio}
    rate = {side: statistics.median(one[0] for one in rounds) for side, rounds in sides.items()}
    wall_s = {side: statistics.median(one[1] for one in rounds) for side, rounds in sides.items()}
    print(
        f"{options.operations:,} reads and writes of {SIZE} bytes, one process, median of {options.rounds}\n"
    )
    print(f"{'':18}{'inside the run':>20}{'whole process':>16}")
    for side in sides:
        print(f"{side:18}{rate[side]:>14,.0f} ops/s{wall_s[side]:>14.2f} s")
    of_rate = rate["posix on tmpfs"] / rate["fio --read_iolog"]
    of_wall = wall_s["posix on tmpfs"] / wall_s["fio --read_iolog"]
    print(
        f"\nposix / fio: {format_ratio(of_rate, 2)} of the rate inside the run (aim >= 0.40), "
        f"{format_ratio(of_wall, 2, Bad.HIGH)} times the wall time (aim <= 2.00); null (aim >= 400,000 ops/s)"
    )
    sys.exit(0 if of_rate >= 0.4 and of_wall <= 2 and rate["null"] >= 400_000 else 1)
