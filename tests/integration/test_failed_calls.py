"""Calls that failed as the capture's did not: how long that took is in a histogram of its own, everywhere."""

from __future__ import annotations

import csv
import json
from io import StringIO
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from helpers import executors
from helpers.executors import Failing
from helpers.load import Load
from helpers.ran import written
from rich.console import Console

from smbench.measure.thresholds import parse_threshold
from smbench.plan import Pace, plan_run
from smbench.report.csv import write_csv
from smbench.report.page import page
from smbench.report.run import show_run
from smbench.run.histogram import Histogram
from smbench.run.hlog import read_hlog
from smbench.run.store import read
from smbench.runner.run import RunOptions, run
from smbench.smb2.ntstatus import Status
from smbench.workload.calls import Stat

IO_ERROR, NOT_FOUND = Status.IO_DEVICE_ERROR, Status.OBJECT_NAME_NOT_FOUND
GOOD, REFUSED, ALIKE = 12, 30, 5


def ran(folder: Path, load: Load, executor: str) -> Path:
    (folder / "there").mkdir()
    plan = plan_run(load.workload, load.users, pace=Pace.FAST)
    result = run(plan, load.workload, RunOptions(executor, [folder / "there"] * len(load.users)))
    (folder / "a.run").mkdir()
    thresholds = [parse_threshold("read.service.p50>9ms"), parse_threshold("read.failed.count==30")]
    written(result, folder / "a.run", thresholds, configuration={"workload": "w", "target": "t"})
    return folder / "a.run"


@pytest.fixture
def half_failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    executors.use(monkeypatch, Failing)
    load = Load()
    for turn in range(GOOD):
        load.reads(0, 1, 2 * turn)
    for turn in range(REFUSED):
        load.reads(1, 1, 2 * turn + 1)
    for turn in range(ALIKE):
        load.reads(1, 1, 2 * turn + 1, expected=IO_ERROR)
    return ran(tmp_path, load, "failing")


def document_of(run_: Path) -> dict:
    found: dict = json.loads((run_ / "run.json").read_text())
    return found


def test_a_failure_that_the_capture_had_counts_to_the_kind_and_another_does_not(half_failed: Path) -> None:
    document = document_of(half_failed)
    reads = document["latency"]["Read"]
    assert (reads["count"], reads["failed"]["count"]) == (GOOD + ALIKE, REFUSED)
    assert document["operations"]["errors"] == document["operations"]["mismatched"] == REFUSED
    # Of 47 reads 35 failed at once: of all together, the half would have taken no time.
    assert reads["service"]["p50_ns"] >= 10_000_000
    assert reads["response"]["max_ns"] >= 10_000_000
    assert document["latency"]["all"]["failed"] == reads["failed"]
    assert [one["met"] for one in document["thresholds"]] == [True, True]


def test_every_measure_has_the_calls_of_the_table_that_belong_to_it(half_failed: Path) -> None:
    rows = pq.read_table(half_failed / "operations.parquet").to_pylist()
    service = [row["completed_ns"] - row["issued_ns"] for row in rows]
    failed = [not row["matched"] and row["outcome"] != "ok" for row in rows]
    logged: dict[str, Histogram] = {}
    for line in read_hlog(half_failed / "latency.hlog"):
        logged.setdefault(line.tag, Histogram()).add(line.histogram)
    for tag, wanted in (("Read.failed", True), ("Read.service", False)):
        alone = Histogram()
        alone.record(np.array([ns for ns, bad in zip(service, failed, strict=True) if bad is wanted]))
        assert (logged[tag].counts == alone.counts).all()
    assert logged["Read.response"].total == GOOD + ALIKE
    assert logged["Read.lateness"].total == logged["Read.held"].total == len(rows)


def test_it_stands_in_the_text_on_the_page_and_in_the_tables(half_failed: Path, tmp_path: Path) -> None:
    told = StringIO()
    show_run(read(half_failed), Console(file=told, width=200))
    (line,) = [line for line in told.getvalue().splitlines() if line.startswith("failed, and the capture")]
    assert "p99" in line
    assert "How long it took to fail" in page(read(half_failed), None)
    write_csv(read(half_failed), tmp_path / "csv")
    with (tmp_path / "csv" / "latency.csv").open() as file:
        counts = {row["measure"]: int(row["count"]) for row in csv.DictReader(file) if row["kind"] == "Read"}
    done = GOOD + ALIKE
    assert counts == {
        "service": done, "response": done, "failed": REFUSED, "lateness": done + REFUSED,
        "held": done + REFUSED,
    }  # fmt: skip


def test_a_kind_that_only_failed_has_no_latency_and_is_told_all_the_same(tmp_path: Path) -> None:
    load = Load()
    load.add(0, Stat("nowhere"))
    load.add(0, Stat("nowhere"), expected=NOT_FOUND)
    load.opens(1, 1, "nowhere")
    run_ = ran(tmp_path, load, "posix")
    document = document_of(run_)
    assert [(document["latency"][kind]["count"], document["latency"][kind]["failed"]["count"])
            for kind in ("Stat", "Open", "all")] == [(1, 1), (0, 1), (1, 2)]  # fmt: skip
    told = StringIO()
    show_run(read(run_), Console(file=told, width=200))
    (line,) = [line for line in told.getvalue().splitlines() if line.startswith("Open ")][:1]
    assert line.split() == ["Open", "0", "–", "–", "–", "–", "–", "–"]
    assert "How long it took to fail" in page(read(run_), None)
