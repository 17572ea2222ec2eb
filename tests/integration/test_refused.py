"""Opens that the capture saw refused and that succeed in the replay are closed at once, and cost no time."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from helpers import executors
from helpers.executors import Holding
from helpers.load import CREATE, SHARING_VIOLATION, Load
from helpers.ran import written

from smbench.plan import Pace, plan_run
from smbench.runner.run import RunOptions, run

UNNUMBERED = -1
"""The handle of an open that was refused, as lifting gives it."""


def finished(load: Load, tmp_path: Path, executor: str, pace: Pace = Pace.FAST, together: int = 1) -> dict:
    (tmp_path / "target").mkdir()
    (tmp_path / "a.run").mkdir()
    plan = plan_run(load.workload, load.users, pace=pace, users_per_process=together)
    result = run(plan, load.workload, RunOptions(executor, [tmp_path / "target"] * len(load.users)))
    return written(result, tmp_path / "a.run")


def counted(tmp_path: Path) -> dict:
    """What the executor of alice counted."""
    return json.loads((tmp_path / "a.run/client_stats.json").read_text())["users"]["alice"]


def many_refused(lanes: int) -> Load:
    """A file is opened once; between its writes others are refused, more of them than a chunk has rows."""
    load = Load(users=["alice"], step_ns=2_000)
    load.opens(0, 1, "f", CREATE)
    for turn in range(1500):
        load.opens(0, UNNUMBERED, "f", lane=turn % lanes, expected=SHARING_VIOLATION)
        load.writes(0, 1)
    load.closes(0, 1)
    return load


@pytest.mark.parametrize("pace", Pace)
@pytest.mark.parametrize("lanes", [1, 3])
def test_no_more_is_open_than_the_capture_had_and_no_close_is_counted(tmp_path, monkeypatch, pace, lanes):
    executors.use(monkeypatch, Holding)
    document = finished(many_refused(lanes), tmp_path, "holding", pace)
    told = counted(tmp_path)
    assert (told["opens"], told["left"], told["unknown"]) == (1501, [], [])
    assert told["most"] <= 1 + lanes
    assert document["operations"]["planned"] == document["operations"]["executed"] == 3002
    assert document["operations"]["mismatched"] == 1500
    assert document["causes"] == [
        {"kind": "Open", "expected": "STATUS_SHARING_VIOLATION", "got": "ok", "count": 1500, "warm_up": 0}
    ]
    assert document["latency"]["Open"]["count"] == 1501
    assert document["latency"]["Close"]["count"] == 1


def test_what_the_capture_has_no_answer_for_is_left_open(tmp_path, monkeypatch):
    executors.use(monkeypatch, Holding)
    load = Load(users=["alice"])
    load.opens(0, 7, "f", CREATE, expected=None)
    finished(load, tmp_path, "holding")
    assert counted(tmp_path)["left"] == [7]


def test_the_next_one_who_wants_it_alone_gets_it_as_in_the_capture(tmp_path):
    """The memory executor has share modes: bob was refused in the capture by somebody whom it does not
    show, and succeeds here; alice then gets what she got."""
    load = Load()
    load.opens(0, 1, "f", CREATE)
    load.closes(0, 1)
    load.opens(1, UNNUMBERED, "f", share=0, expected=SHARING_VIOLATION)
    load.opens(0, 2, "f", share=0)
    load.closes(0, 2)
    document = finished(load, tmp_path, "memory", together=2)
    rows = pq.read_table(tmp_path / "a.run/operations.parquet").to_pylist()
    assert [row["outcome"] for row in rows] == ["ok"] * 5
    assert [one["operation"] for one in document["mismatches"]] == [2]


def test_a_close_that_raises_is_a_defect_and_keeps_the_opens_record(tmp_path, monkeypatch):
    class Stubborn(Holding):
        name = "stubborn"

        def answer(self, call):
            if type(call).__name__ == "Close":
                raise ZeroDivisionError("by design")
            return super().answer(call)

    executors.use(monkeypatch, Holding)
    monkeypatch.setattr(executors, "Holding", Stubborn)
    load = Load(users=["alice"])
    load.opens(0, UNNUMBERED, "f", expected=SHARING_VIOLATION)
    document = finished(load, tmp_path, "holding")
    assert [one["got"] for one in document["mismatches"]] == ["ok"]
    assert any("closing Open(" in reason and "by design" in reason for reason in document["reasons"])
