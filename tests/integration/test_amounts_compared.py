"""Answers shorter or longer than captured are mismatches with their cause, wherever a run is shown."""

from __future__ import annotations

import csv
import json
from io import StringIO
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from helpers.load import Load
from helpers.ran import written
from rich.console import Console

from smbench.fidelity.outcomes import run_outcomes
from smbench.plan import Pace, plan_run
from smbench.report.csv import write_csv
from smbench.report.page import page
from smbench.report.run import show_run
from smbench.run.store import read
from smbench.runner.call_file import stored
from smbench.runner.run import RunOptions, run
from smbench.smb2.constants import DIRECTORY_FILE, FILE_READ_DATA
from smbench.workload.calls import Close, CopyRange, Create, List, Open, Read, Write

ALICE = 0


def told() -> Load:
    """alice's calls on log.txt (100 bytes), d (three files) and copy.txt; the capture had it otherwise."""
    load = Load()
    load.opens(ALICE, 1, "log.txt")
    for captured in (100, 300, 50, None):
        load.add(ALICE, Read(1, 0, 1000), received=captured)
    load.add(ALICE, Read(1, 0, 40), received=40)
    load.add(ALICE, Read(1, 500, 40), received=40)
    load.opens(ALICE, 2, "copy.txt")
    load.add(ALICE, CopyRange(1, 2, 0, 0, 100), received=100)
    load.add(ALICE, CopyRange(1, 2, 50, 0, 100), received=100)
    load.add(ALICE, Write(2, 0, 10), received=10)
    load.add(ALICE, Write(2, 0, 10), received=7)
    load.add(ALICE, Open(3, "d", Create(FILE_READ_DATA, options=DIRECTORY_FILE), directory=True))
    for captured in (3, 5, 2, None):
        load.add(ALICE, List(3, "*", 37, True, calls=2), received=captured)
    load.add(ALICE, Close(3))
    return load


CAUSES = {
    ("Read", "ok", "shorter"): 2,
    ("Read", "ok", "longer"): 1,
    ("CopyRange", "ok", "shorter"): 1,
    ("Write", "ok", "longer"): 1,
    ("List", "ok", "fewer"): 1,
    ("List", "ok", "more"): 1,
}


@pytest.fixture
def ran(tmp_path: Path) -> Path:
    return carried_out(tmp_path, told(), "posix")


def carried_out(folder: Path, load: Load, executor: str) -> Path:
    there = folder / "there"
    (there / "d").mkdir(parents=True)
    (there / "log.txt").write_bytes(b"x" * 100)
    for name in ("copy.txt", "d/one", "d/two", "d/three"):
        (there / name).touch()
    plan = plan_run(load.workload, load.users, pace=Pace.FAST)
    result = run(plan, load.workload, RunOptions(executor, [there] * len(load.users)))
    (folder / "a.run").mkdir()
    written(result, folder / "a.run", configuration={"workload": "w", "target": "t", "executor": executor})
    return folder / "a.run"


def document_of(run_: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((run_ / "run.json").read_text())
    return document


def test_they_are_mismatches_with_their_cause(ran: Path) -> None:
    document = document_of(ran)
    counts = document["operations"]
    assert counts["mismatched"] == counts["other_amounts"] == sum(CAUSES.values()) == 7
    assert counts["errors"] == 0
    assert {(one["kind"], one["expected"], one["got"]): one["count"] for one in document["causes"]} == CAUSES
    first, *_, last = document["mismatches"]
    assert (first["captured_amount"], first["amount"], first["got"]) == (300, 100, "shorter")
    assert (last["captured_amount"], last["amount"], last["got"]) == (2, 3, "more")
    # What succeeded is in the times, however much it moved.
    assert document["latency"]["Read"]["count"] == 6
    assert document["latency"]["Read"]["failed"]["count"] == 0


def test_every_operation_has_what_it_moved(ran: Path) -> None:
    rows = pq.read_table(ran / "operations.parquet").to_pylist()
    assert [row["bytes"] for row in rows if row["kind"] == "Read"] == [100, 100, 100, 100, 40, 0]
    assert [row["entries"] for row in rows if row["kind"] == "List"] == [3, 3, 3, 3]
    assert {row["entries"] for row in rows if row["kind"] != "List"} == {None}
    assert [row["matched"] for row in rows if row["kind"] == "Read"] == [
        True,
        False,
        False,
        True,
        True,
        False,
    ]


def test_it_is_said_in_words(ran: Path, tmp_path: Path) -> None:
    out = StringIO()
    show_run(read(ran), Console(file=out, width=200))
    shown = page(read(ran), None)
    for text in ("operation 2, alice, log.txt: expected 300 bytes, got 100", "d: expected 2 entries, got 3"):
        assert text in out.getvalue()
        assert text in shown
    assert "7 otherwise (7 by their bytes or entries alone)" in out.getvalue()
    write_csv(read(ran), tmp_path / "csv")
    with (tmp_path / "csv" / "mismatches.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert (rows[0]["captured_amount"], rows[0]["amount"]) == ("300", "100")


def test_a_comparison_counts_them_alike(ran: Path, tmp_path: Path) -> None:
    compared = run_outcomes(read(ran), stored(told().workload, tmp_path))
    assert {(kind, was, got): count for kind, was, got, count in compared.differing} == CAUSES
    assert compared.total.mismatched == 7
    assert compared.fared(2) == "its operation ended shorter, in the capture ok"
    assert not compared.failed, "nobody failed"


def test_a_run_of_before_has_no_entries_to_compare(ran: Path, tmp_path: Path) -> None:
    table = pq.read_table(ran / "operations.parquet").drop_columns(["entries"])
    pq.write_table(table, ran / "operations.parquet")
    compared = run_outcomes(read(ran), stored(told().workload, tmp_path))
    assert {kind for kind, *_ in compared.differing} == {"Read", "CopyRange", "Write"}


def test_who_moves_nothing_is_not_compared(tmp_path: Path) -> None:
    document = document_of(carried_out(tmp_path, told(), "null"))
    assert document["operations"]["mismatched"] is None
    assert document["operations"]["other_amounts"] is None
