"""The same reads and writes at 1, 10 and 100 processes."""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq
from helpers.aims import told
from helpers.ran import written

from prove.workloads import many_reads, names
from smbench.plan import Pace, plan_run
from smbench.runner.run import RunOptions, run
from smbench.workload.calls import Read, Write


def prove() -> None:
    workload = many_reads(100, 30, 5)
    wanted = Counter(
        (operation.path, operation.call.offset, operation.call.length)
        for operation in workload.operations if isinstance(operation.call, Read | Write)
    )  # fmt: skip
    for each in (100, 10, 1):
        plan = plan_run(workload, names(workload), pace=Pace.FAST, users_per_process=each)
        with tempfile.TemporaryDirectory(dir="/dev/shm") as name:
            folder = Path(name)
            (folder / "target").mkdir()
            (folder / "a.run").mkdir()
            options = RunOptions("posix", [folder / "target"] * 100)
            written(run(plan, workload, options), folder / "a.run")
            table = pq.read_table(folder / "a.run" / "operations.parquet")
            moved = [
                row for row in table.to_pylist() if row["kind"] in ("Read", "Write") and row["issued_ns"]
            ]
        touched = Counter((row["path"], row["offset"], row["length"]) for row in moved)
        told(
            f"working set in {plan.processes} processes, as planned",
            f"{sum((touched & wanted).values()):,} of {sum(wanted.values()):,}", "the same multiset",
            touched == wanted,
        )  # fmt: skip
