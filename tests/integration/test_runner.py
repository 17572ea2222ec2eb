"""Runs with real worker processes: order, pace, the run directory, and every way in which a run can end."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pyarrow.parquet as pq
import pytest
from hdrh.histogram import HdrHistogram
from hdrh.log import HistogramLogReader
from helpers import executors
from helpers.executors import (
    Dying,
    Hanging,
    Jittery,
    Losing,
    Nobody,
    Quiet,
    Raising,
    Slow,
    Unwilling,
)
from helpers.load import CREATE, OPEN_IF, Load
from helpers.processes import left_running
from helpers.ran import written

from smbench.errors import SetupError, UsageError
from smbench.plan import Pace, plan_run
from smbench.run.columns import OPERATIONS_SCHEMA
from smbench.run.histogram import DIGITS, HIGHEST_NS, LOWEST_NS
from smbench.run.surroundings import Mount
from smbench.runner import run as runner
from smbench.runner.run import RunOptions, RunResult, run
from smbench.workload.calls import Flush, Notify, SetAllocation, Stat

NOT_FOUND = 0xC0000034


def started(load: Load, tmp_path: Path, executor: str, pace: Pace = Pace.FAST, progress=None,
            users_per_process: int = 1, **options) -> RunResult:  # fmt: skip
    target = tmp_path / "target"
    target.mkdir(exist_ok=True)
    plan = plan_run(load.workload, load.users, pace=pace, users_per_process=users_per_process)
    return run(plan, load.workload, RunOptions(executor, [target] * len(load.users), **options), progress)


def finished(load: Load, tmp_path: Path, executor: str, pace: Pace = Pace.FAST, **options) -> dict:
    result = started(load, tmp_path, executor, pace, **options)
    out = tmp_path / "a.run"
    out.mkdir()
    document = written(result, out)
    assert left_running() == []
    assert result.scratch is not None
    assert not any(Path("/dev/shm").glob(f"{result.scratch.name}*"))
    return document


def rows(tmp_path: Path) -> list[dict]:
    return pq.read_table(tmp_path / "a.run" / "operations.parquet").to_pylist()


def relay(turns: int) -> Load:
    """Two users who take turns with one file: every operation depends on the other user's last."""
    load = Load()
    for turn in range(turns):
        user = turn % 2
        load.opens(user, turn, "shared", OPEN_IF, share=0)
        load.writes(user, turn, 0, 100)
        load.reads(user, turn, 0, 100)
        load.closes(user, turn)
    return load


def test_order_holds_between_processes_on_real_files(tmp_path):
    document = finished(relay(200), tmp_path, "posix")
    assert document["operations"] == {
        "planned": 800, "executed": 800, "matched": 800, "mismatched": 0, "skipped": 0, "errors": 0,
        "other_amounts": 0, "unanswered": 0, "compared": True, "unfinished": 0,
    }  # fmt: skip
    assert document["order"]["edges"] >= 199
    assert document["order"]["violated"] == document["order"]["released"] == 0
    assert document["valid"], document["reasons"]
    by_time = sorted(rows(tmp_path), key=lambda row: row["issued_ns"])
    assert [row["operation"] for row in by_time] == list(range(800))


def test_order_holds_where_calls_take_as_long_as_they_like(tmp_path, monkeypatch):
    executors.use(monkeypatch, Jittery)
    load = Load(users=["a", "b", "c"])
    for turn in range(120):
        load.opens(turn % 3, turn, f"f{turn % 4}", CREATE, lane=turn % 2)
        load.closes(turn % 3, turn, lane=(turn + 1) % 2)
    document = finished(load, tmp_path, "jittery")
    assert document["operations"]["executed"] == 240
    assert document["order"]["edges"] > 100
    assert document["order"]["violated"] == document["order"]["released"] == 0


def test_the_run_directory_has_what_is_promised(tmp_path):
    load = Load()
    (tmp_path / "target").mkdir()
    (tmp_path / "target" / "x").write_bytes(bytes(100))
    load.opens(0, 1, "x")
    load.reads(0, 1, 0, 64)
    load.reads(0, 1, 0, 64, expected=0xC0000022)
    load.add(0, SetAllocation(1, 100))
    load.add(1, Stat("no/such"), expected=NOT_FOUND)
    load.opens(1, 2, "no/such", expected=None)
    load.closes(0, 1)
    result = started(load, tmp_path, "posix")
    out = tmp_path / "a.run"
    out.mkdir()
    mounts = (Mount(user="alice", root="here"),)
    document = written(
        result, out, client_stats={"trees": []}, configuration={"target": "here"}, mounts=mounts
    )
    assert json.loads((out / "run.json").read_text()) == document
    assert document["configuration"]["target"] == "here"
    assert document["configuration"]["executor"] == "posix"
    assert [(one["user"], one["root"]) for one in document["mounts"]] == [("alice", "here")]
    assert document["operations"]["mismatched"] == 1
    assert document["mismatches"] == [
        {"operation": 2, "user": "alice", "kind": "Read", "path": "x",
         "expected": "STATUS_ACCESS_DENIED", "got": "ok", "warm_up": False, "captured_amount": None,
         "amount": None},
    ]  # fmt: skip
    assert [(one["kind"], one["count"]) for one in document["skipped"]] == [("SetAllocation", 1)]
    assert {one["kind"] for one in document["losses"]} >= {"Open"}
    assert document["latency"]["Read"]["count"] == 2
    assert set(document["latency"]["all"]) == {
        "count",
        "service",
        "response",
        "lateness",
        "held",
        "failed",
    }
    assert document["throughput"]["read_bytes_per_s"] > 0
    table = pq.read_table(out / "operations.parquet")
    assert table.schema.equals(OPERATIONS_SCHEMA)
    found = table.to_pylist()
    assert [row["operation"] for row in found] == list(range(7))
    assert [row["outcome"] for row in found] == ["ok", "ok", "ok", None, "ENOENT", "ENOENT", "ok"]
    assert [row["expected"] for row in found][2:6] == [
        "STATUS_ACCESS_DENIED", "ok", "STATUS_OBJECT_NAME_NOT_FOUND", None
    ]  # fmt: skip
    assert [row["bytes"] for row in found][1:4] == [64, 64, None]
    assert found[3]["issued_ns"] is None
    assert {row["process"] for row in found} == {0, 1}
    resources = pq.read_table(out / "resources.parquet").to_pylist()
    assert {row["process"] for row in resources} >= {-1}
    assert json.loads((out / "client_stats.json").read_text()) == {"trees": []}


def test_the_interval_log_has_every_operation_of_the_table(tmp_path):
    finished(relay(50), tmp_path, "null")
    reader = HistogramLogReader(
        str(tmp_path / "a.run/latency.hlog"), HdrHistogram(LOWEST_NS, HIGHEST_NS, DIGITS)
    )
    counted: dict[str, HdrHistogram] = {}
    while (interval := reader.get_next_interval_histogram()) is not None:
        counted.setdefault(interval.get_tag(), HdrHistogram(LOWEST_NS, HIGHEST_NS, DIGITS)).add(interval)
    reader.close()
    alone = HdrHistogram(LOWEST_NS, HIGHEST_NS, DIGITS)
    for row in rows(tmp_path):
        if row["kind"] == "Read":
            alone.record_value(row["completed_ns"] - row["issued_ns"])
    assert list(counted["Read.service"].counts) == list(alone.counts)
    assert {tag.split(".")[0] for tag in counted} == {"Open", "Write", "Read", "Close"}


def test_the_original_pace_is_kept(tmp_path):
    load = Load(step_ns=5_000_000)
    for turn in range(40):
        load.opens(turn % 2, turn, f"f{turn}")
    document = finished(load, tmp_path, "null", Pace.ORIGINAL)
    assert 0.195 <= document["elapsed_s"] < 0.4
    late = sorted(row["issued_ns"] - row["intended_ns"] for row in rows(tmp_path))
    assert late[0] >= 0
    assert late[len(late) // 2] < 2_000_000


def test_thinking_keeps_the_time_between_an_answer_and_the_next_request(tmp_path, monkeypatch):
    executors.use(monkeypatch, Slow)
    load = Load(step_ns=30_000_000)
    for turn in range(6):
        load.opens(0, turn, f"f{turn}")
    document = finished(load, tmp_path, "slow", Pace.THINK)
    found = rows(tmp_path)
    for earlier, later in itertools.pairwise(found):
        assert later["issued_ns"] - earlier["completed_ns"] >= 15_000_000
        assert later["intended_ns"] == earlier["completed_ns"] + 15_000_000
    assert document["elapsed_s"] >= 6 * 0.02 + 5 * 0.015


def test_several_users_and_lanes_share_a_process(tmp_path):
    load = Load(users=["a", "b", "c"])
    for turn in range(60):
        load.opens(turn % 3, turn, f"f{turn}", CREATE, lane=turn // 3 % 2)
    document = finished(load, tmp_path, "posix", users_per_process=3)
    assert document["configuration"]["processes"] == 1
    assert document["configuration"]["lanes"] == 6
    assert document["operations"]["matched"] == 60


def slow_load(turns: int = 200) -> Load:
    load = Load()
    for turn in range(turns):
        load.opens(turn % 2, turn, f"f{turn}")
    return load


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_run_after_the_present_operations(tmp_path, monkeypatch, number):
    executors.use(monkeypatch, Slow)
    handled = signal.getsignal(signal.SIGINT)
    sent: list[int] = []

    def interrupt(done: int, planned: int) -> None:
        if done and not sent:
            sent.append(done)
            os.kill(os.getpid(), number)

    document = finished(slow_load(), tmp_path, "slow", progress=interrupt)
    assert document["stopped"] == number.name
    executed = document["operations"]["executed"]
    assert 0 < executed < 200
    found = rows(tmp_path)
    assert sum(row["completed_ns"] is not None for row in found) == executed
    assert document["workers"] == {"lost": 0, "killed": 0}
    assert signal.getsignal(signal.SIGINT) is handled


@pytest.mark.parametrize("pace", [Pace.ORIGINAL, Pace.FAST])
def test_a_deadline_ends_sleepers_and_waiters_too(tmp_path, monkeypatch, pace):
    executors.use(monkeypatch, Slow)
    load = Load(step_ns=3_000_000_000)
    for turn in range(40):
        load.opens(turn % 2, turn, "x", CREATE)
    document = finished(load, tmp_path, "slow", pace, deadline_s=0.3)
    assert document["stopped"] == "deadline"
    assert 0 < document["operations"]["executed"] < 40
    assert document["order"]["violated"] == document["order"]["released"] == 0
    assert document["workers"] == {"lost": 0, "killed": 0}
    assert any("deadline" in warning for warning in document["warnings"])


def test_a_call_that_hangs_is_left_after_the_grace_period_and_the_rest_counts(tmp_path, monkeypatch):
    executors.use(monkeypatch, Hanging)
    load = Load()
    load.opens(0, 1, "x")
    load.opens(1, 2, "y")
    load.add(0, Notify(1, 1, False))
    load.closes(0, 1)
    document = finished(load, tmp_path, "hanging", deadline_s=0.2, grace_s=0.3)
    assert document["workers"] == {"lost": 0, "killed": 1}
    assert document["operations"]["executed"] == 2
    assert not document["valid"]
    assert "hangs" in document["reasons"][0]


_LONG_S = 200
"""A grace period that nobody waits for."""


def test_a_second_signal_ends_it_at_once(tmp_path, monkeypatch):
    executors.use(monkeypatch, Hanging)
    load = Load()
    load.opens(0, 1, "x")
    load.add(0, Notify(1, 1, False))
    began = time.monotonic()

    def interrupt(done: int, planned: int) -> None:
        if done:
            os.kill(os.getpid(), signal.SIGINT)

    document = finished(load, tmp_path, "hanging", progress=interrupt, grace_s=_LONG_S)
    assert time.monotonic() - began < _LONG_S
    assert document["workers"]["killed"] == 1


@pytest.mark.parametrize("users_per_process", [1, 2])
@pytest.mark.parametrize("pace", list(Pace))
def test_a_lost_user_ends_with_the_call_that_found_it_and_nobody_waits_for_it(
    tmp_path, monkeypatch, pace, users_per_process
):
    executors.use(monkeypatch, Losing)
    load = Load()
    for turn in range(20):
        load.opens(0, turn, f"f{turn}", CREATE)
        load.opens(1, 100 + turn, f"f{turn}")
        load.closes(0, turn, lane=1)
        if turn == 4:
            load.add(0, Flush(turn))
    document = finished(load, tmp_path, "losing", pace, users_per_process=users_per_process)
    # Bob's all, and of Alice's lanes what was before the Flush, it, and at most one more call each.
    mine, others = ([row for row in rows(tmp_path) if row["user"] == user] for user in (0, 1))
    assert len([row for row in others if row["outcome"] == "ok"]) == 20
    told = [row for row in mine if row["outcome"] == "STATUS_CONNECTION_DISCONNECTED"]
    assert "Flush" in {row["kind"] for row in told}
    assert len(told) <= 2
    never = [row for row in mine if row["outcome"] is None]
    assert len(never) == document["operations"]["planned"] - document["operations"]["executed"] > 20
    assert document["lost_users"] == [{"user": "alice", "why": "no connection within 60 s"}]
    assert document["workers"] == {"lost": 0, "killed": 0}
    assert not document["valid"]
    assert "alice was lost: no connection within 60 s" in document["reasons"]
    assert document["order"]["released"] > 0
    assert not any("left no record" in reason for reason in document["reasons"])


def test_a_lost_worker_releases_those_who_wait_for_it_and_its_log_counts(tmp_path, monkeypatch):
    executors.use(monkeypatch, Dying)
    load = Load()
    load.opens(0, 1, "x", CREATE)
    load.add(0, Flush(1))
    load.opens(0, 3, "y", CREATE)
    released = load.opens(1, 2, "y", OPEN_IF)
    load.closes(1, 2)
    document = finished(load, tmp_path, "dying")
    assert document["workers"] == {"lost": 1, "killed": 0}
    assert document["operations"]["executed"] == 3
    assert document["order"]["released"] == 1
    assert [row["completed_ns"] is not None for row in rows(tmp_path)] == [True, False, False, True, True]
    assert rows(tmp_path)[released]["outcome"] == "ok"
    assert "worker 0 (alice) was lost: killed by SIGKILL" in document["reasons"]
    assert not document["valid"]


def test_a_handler_that_raises_costs_its_operation_and_the_run_its_validity(tmp_path, monkeypatch, capfd):
    executors.use(monkeypatch, Raising)
    load = Load()
    load.opens(0, 1, "x")
    load.add(0, Flush(1))
    load.closes(0, 1)
    document = finished(load, tmp_path, "raising")
    assert [row["outcome"] for row in rows(tmp_path)] == ["ok", "STATUS_UNSUCCESSFUL", "ok"]
    assert "by design" in document["reasons"][0]
    assert "Traceback" not in capfd.readouterr().err


def test_a_worker_that_cannot_start_is_a_sentence_and_leaves_nothing(tmp_path, monkeypatch):
    (tmp_path / "memory").mkdir()
    monkeypatch.setattr(runner, "_MEMORY_FILES", tmp_path / "memory")
    executors.use(monkeypatch, Unwilling)
    with pytest.raises(SetupError, match=r"the worker of (alice|bob) cannot start: no server anywhere"):
        started(relay(2), tmp_path, "unwilling")
    assert left_running() == []
    assert not list((tmp_path / "memory").iterdir())


def test_an_executor_that_is_not_known_and_too_few_directories_are_usage_errors(tmp_path):
    load = relay(2)
    plan = plan_run(load.workload, load.users)
    with pytest.raises(UsageError, match="not known"):
        run(plan, load.workload, RunOptions("nfs", [tmp_path, tmp_path]))
    with pytest.raises(UsageError, match="2 users"):
        run(plan, load.workload, RunOptions("null", [tmp_path]))


def test_nothing_to_do_ends_at_once(tmp_path):
    document = finished(Load(), tmp_path, "null")
    assert document["operations"]["planned"] == 0
    assert document["reasons"] == ["no operation was carried out: there is none in the workload"]
    assert rows(tmp_path) == []


def test_a_run_whose_calls_are_all_skipped_is_not_valid(tmp_path):
    load = Load(["alice"])
    load.add(0, SetAllocation(1, 4096))
    load.add(0, SetAllocation(1, 4096))
    document = finished(load, tmp_path, "posix")
    assert document["operations"]["skipped"] == 2
    assert document["reasons"] == ["no operation was carried out: the executor skips all 2"]


def test_what_was_due_when_the_run_was_stopped_makes_it_not_valid(tmp_path, monkeypatch):
    executors.use(monkeypatch, Slow)
    load = Load(["alice"], step_ns=1_000_000)
    for turn in range(100):
        load.opens(0, turn, "x", CREATE)
    document = finished(load, tmp_path, "slow", Pace.ORIGINAL, deadline_s=0.4)
    missing = 100 - document["operations"]["executed"]
    assert missing > 0  # all were due after 0.1 s
    assert any(
        reason.startswith(f"{missing} operations were due when the run was stopped and are missing")
        for reason in document["reasons"]
    )


def test_what_was_not_due_yet_does_not(tmp_path, monkeypatch):
    load = Load(["alice"], step_ns=100_000_000_000)
    for turn in range(4):
        load.opens(0, turn, f"{turn}", CREATE)
    document = finished(load, tmp_path, "posix", Pace.ORIGINAL, deadline_s=0.3)
    assert document["operations"]["executed"] == 1
    assert not any("were due when the run was stopped" in reason for reason in document["reasons"])
    assert "the run was stopped before its end (deadline)" in document["warnings"]


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become somebody else")
def test_workers_of_root_become_the_user_that_is_asked_for(tmp_path, monkeypatch):
    executors.use(monkeypatch, Nobody)
    load = Load()
    load.reads(0, 1)
    finished(load, tmp_path, "nobody", identity=(65534, 65533))
    assert rows(tmp_path)[0]["bytes"] == 65534 * 100_000 + 65533


def test_an_unsupported_call_that_others_wait_for_does_not_stop_them(tmp_path, monkeypatch):
    executors.use(monkeypatch, Quiet)
    load = Load()
    load.opens(0, 1, "x", CREATE)
    load.opens(1, 2, "x", OPEN_IF)
    load.add(0, SetAllocation(1, 5))
    load.reads(1, 2)
    document = finished(load, tmp_path, "quiet")
    assert document["operations"]["executed"] == 3
    assert document["operations"]["skipped"] == 1
    assert document["order"]["released"] == 0


def test_workers_end_with_a_parent_that_is_killed(tmp_path):
    script = f"""
import sys
sys.path[:0] = {[str(Path(__file__).parent.parent)]!r}
from pathlib import Path
from helpers import executors
from helpers.load import Load
from smbench.executors import registry
from smbench.plan import plan_run
from smbench.runner.run import RunOptions, run
registry.BUILT_IN["slow"] = registry.BuiltIn("helpers.executors", "Slow")
load = Load()
for turn in range(2000):
    load.opens(turn % 2, turn, "x%d" % turn)
plan = plan_run(load.workload, load.users)
options = RunOptions("slow", [Path("."), Path(".")], scratch=Path({str(tmp_path)!r}))
run(plan, load.workload, options, lambda done, planned: print(done, flush=True))
"""
    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE)
    assert parent.stdout is not None
    parent.stdout.readline()
    workers = psutil.Process(parent.pid).children()
    assert len(workers) == 2
    parent.kill()
    parent.wait()
    parent.stdout.close()
    assert psutil.wait_procs(workers, timeout=5)[1] == []
