"""What nothing was compared for is neither matched nor mismatched, and what nobody measured is no zero: in
run.json, operations.parquet, the text, the page, the tables and in what thresholds are judged by."""

from __future__ import annotations

import csv
from io import StringIO
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from helpers import executors
from helpers.executors import Failing
from helpers.load import CREATE, Load
from helpers.ran import written
from rich.console import Console

from smbench.measure.thresholds import parse_thresholds
from smbench.plan import Pace, plan_run
from smbench.report.csv import write_csv
from smbench.report.page import page
from smbench.report.run import show_run
from smbench.run.store import read
from smbench.runner.run import RunOptions, run
from smbench.smb2.ntstatus import Status
from smbench.workload.calls import Stat

PERCENTILES = ("p50_ns", "p90_ns", "p99_ns", "p99_9_ns", "max_ns")
NOTHING = dict.fromkeys(PERCENTILES)


def ran(folder: Path, load: Load, executor: str, *thresholds: str) -> dict[str, Any]:
    (folder / "there").mkdir()
    plan = plan_run(load.workload, load.users, pace=Pace.FAST)
    result = run(plan, load.workload, RunOptions(executor, [folder / "there"] * len(load.users)))
    (folder / "a.run").mkdir()
    asked = {"workload": "w", "target": "t"}
    return written(result, folder / "a.run", parse_thresholds(thresholds), configuration=asked)


def text_of(folder: Path) -> str:
    told = StringIO()
    show_run(read(folder / "a.run"), Console(file=told, width=200))
    return told.getvalue()


def half_answered() -> Load:
    """Six that the capture has an answer to, one of them another, and four that it has none to."""
    load = Load(["alice"])
    for number in range(4):
        load.opens(0, number, f"f{number}", CREATE)
    load.add(0, Stat("nowhere"))
    load.add(0, Stat("nowhere"), expected=Status.OBJECT_NAME_NOT_FOUND)
    load.opens(0, 9, "new", CREATE, expected=None)
    load.opens(0, 10, "newer", CREATE, expected=Status.PENDING)
    load.add(0, Stat("nowhere"), expected=None)
    load.add(0, Stat("nowhere"), expected=None)
    return load


def test_what_the_capture_has_no_answer_to_is_neither_matched_nor_mismatched(tmp_path: Path) -> None:
    document = ran(tmp_path, half_answered(), "posix", "mismatches.rate<=0.17", "errors.rate>0.16",
                   "mismatches.rate<0.16")  # fmt: skip
    assert document["operations"] == {
        "planned": 10, "executed": 10, "matched": 5, "mismatched": 1, "errors": 1, "other_amounts": 0,
        "unfinished": 0, "skipped": 0,
        "unanswered": 4, "compared": True,
    }  # fmt: skip
    rows = pq.read_table(tmp_path / "a.run/operations.parquet").column("matched").to_pylist()
    assert rows == [True] * 4 + [False, True] + [None] * 4
    assert [(one["value"], one["met"]) for one in document["thresholds"]] == [
        (1 / 6, True), (1 / 6, True), (1 / 6, False)
    ]  # fmt: skip
    # The failures that the capture does not have: one other than there, two of which nobody knows.
    assert (document["latency"]["Stat"]["count"], document["latency"]["Stat"]["failed"]["count"]) == (1, 3)
    told = text_of(tmp_path)
    assert "5 ended as in the capture, 1 otherwise, 4 not compared (the capture has no answer)" in told
    shown = page(read(tmp_path / "a.run"), None)
    assert "not compared, no answer in it" in shown


def test_where_it_has_no_answer_at_all_nothing_was_compared(tmp_path: Path) -> None:
    load = Load(["alice"])
    load.opens(0, 1, "new", CREATE, expected=None)
    document = ran(tmp_path, load, "posix", "mismatches.count==0", "errors.rate<1%")
    assert [document["operations"][name] for name in ("matched", "mismatched", "errors")] == [None] * 3
    assert document["operations"]["unanswered"] == 1
    assert [(one["met"], one["value"]) for one in document["thresholds"]] == [(False, None)] * 2
    assert "not compared (the capture has no answer)" in text_of(tmp_path)
    assert "not compared" in page(read(tmp_path / "a.run"), None)


@pytest.mark.parametrize("executor", ["null", "simulated"])
def test_an_executor_that_carries_nothing_out_matches_nothing_and_moves_no_bytes(
    tmp_path: Path, executor: str
) -> None:
    load = Load(["alice"])
    load.opens(0, 1, "f", CREATE)
    load.reads(0, 1, 0)
    load.closes(0, 1)
    document = ran(tmp_path, load, executor)
    assert document["operations"] == {
        "planned": 3, "executed": 3, "matched": None, "mismatched": None, "errors": None,
        "other_amounts": None, "skipped": 0, "unfinished": 0, "unanswered": None, "compared": False,
    }  # fmt: skip
    throughput = document["throughput"]
    assert throughput["operations_per_s"] > 0
    assert (throughput["read_bytes_per_s"], throughput["write_bytes_per_s"]) == (None, None)
    table = pq.read_table(tmp_path / "a.run/operations.parquet")
    assert table.column("matched").to_pylist() == table.column("bytes").to_pylist() == [None] * 3
    told = text_of(tmp_path)
    assert "3 of 3 operations" in told
    assert "not compared (this executor has no outcomes)" in told
    assert "read –, written –" in told
    shown = page(read(tmp_path / "a.run"), None)
    assert "not compared" in shown
    assert "0 B/s" not in shown


def test_rates_are_of_what_succeeded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    executors.use(monkeypatch, Failing)
    load = Load()
    for turn in range(6):
        load.reads(0, 1, 2 * turn)
        load.reads(1, 1, 2 * turn + 1)  # fail
    document = ran(tmp_path, load, "failing")
    assert (document["latency"]["all"]["count"], document["latency"]["all"]["failed"]["count"]) == (6, 6)
    done = document["throughput"]["operations_per_s"] * document["elapsed_s"]
    assert done == pytest.approx(document["latency"]["all"]["count"])
    rows = pq.read_table(tmp_path / "a.run/operations.parquet").to_pylist()
    assert sum(row["bytes"] for row in rows if row["outcome"] != "ok") == 0
    read = sum(row["bytes"] for row in rows)
    assert document["throughput"]["read_bytes_per_s"] * document["elapsed_s"] == pytest.approx(read)


def test_where_all_failed_no_latency_is_a_zero(tmp_path: Path) -> None:
    load = Load(["alice"])
    load.add(0, Stat("nowhere"))
    document = ran(
        tmp_path, load, "posix", "all.response.p99<1s", "stat.failed.p99<1h".replace("1h", "3600s")
    )
    every = document["latency"]["all"]
    assert every["count"] == 0
    assert every["service"] == every["response"] == NOTHING
    assert every["failed"]["max_ns"] > 0
    assert document["throughput"]["operations_per_s"] == 0
    assert [(one["met"], one["value"] is None) for one in document["thresholds"]] == [
        (False, True),
        (True, False),
    ]
    shown = page(read(tmp_path / "a.run"), None)
    assert ">0 ns<" not in shown
    assert "0 ns" not in text_of(tmp_path)
    write_csv(read(tmp_path / "a.run"), tmp_path / "csv")
    with (tmp_path / "csv/latency.csv").open() as file:
        rows = {(row["kind"], row["measure"]): row for row in csv.DictReader(file)}
    assert [rows["Stat", "service"][name] for name in ("count", *PERCENTILES)] == ["0", *[""] * 5]
    assert int(rows["Stat", "failed"]["p99_ns"]) > 0


def test_a_run_that_carried_out_nothing_has_measured_nothing(tmp_path: Path) -> None:
    document = ran(tmp_path, Load(["alice"]), "posix", "errors.count==0", "throughput.operations_per_s<9")
    assert set(document["throughput"].values()) == {None}
    assert document["lateness"] == document["held"] == document["latency"]["all"]["service"] == NOTHING
    assert [one["met"] for one in document["thresholds"]] == [False, False]
    told = text_of(tmp_path)
    assert "0 of 0 operations: not compared (nothing was carried out)" in told
    assert "– operations/s, read –, written –" in told
    assert "issued late by p50 –, p99 –, max –" in told
    shown = page(read(tmp_path / "a.run"), None)
    assert ">0 ns<" not in shown
