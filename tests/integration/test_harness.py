"""The instrument watches itself: processes that stand still, calls that never come back, runs that measured
nothing, and servers that are dead; with real processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import psutil
import pytest
from helpers import executors
from helpers.command import TOOL
from helpers.command import run as command
from helpers.executors import Hanging, Slow, Unreachable
from helpers.load import CREATE, Load
from helpers.processes import left_running
from helpers.ran import written

from smbench.measure.thresholds import parse_thresholds
from smbench.plan import Pace, plan_run
from smbench.report.page import page
from smbench.run.store import read
from smbench.runner import pool
from smbench.runner.run import Progress, RunOptions, Watch, run
from smbench.runner.watch import RunView
from smbench.workload.calls import Flush, Notify
from smbench.workload.store import write

STOPPED_S = 2.5
MS = 1_000_000


def carried_out(
    load: Load, tmp_path: Path, executor: str, pace: Pace = Pace.FAST, watch: Watch | None = None,
    thresholds: tuple[str, ...] = (), progress: Progress | None = None, **options: Any,
) -> dict[str, Any]:  # fmt: skip
    plan = plan_run(load.workload, load.users, pace=pace)
    result = run(
        plan, load.workload, RunOptions(executor, [tmp_path] * len(load.users), **options), progress, watch
    )
    (tmp_path / "a.run").mkdir()
    document = written(result, tmp_path / "a.run", parse_thresholds(thresholds))
    assert left_running() == []
    return document


def ticking(users: int, seconds: float, every_ms: int = 50) -> Load:
    """Every user does something all the time."""
    load = Load([f"user{number}" for number in range(users)])
    for turn in range(int(seconds * 1000 / every_ms)):
        for user in range(users):
            load.add(user, Flush(user), at_ns=turn * every_ms * MS, takes_ns=MS)
    return load


@pytest.fixture
def workload(tmp_path: Path) -> Path:
    """Two users, six seconds, on a directory."""
    load = Load(users=["alice", "bob"])
    for turn in range(120):
        load.opens(turn % 2, turn, f"f{turn}", CREATE)
        load.closes(turn % 2, turn)
        load.now_ns += 50 * MS
    write(tmp_path / "told.workload", load.workload)
    (tmp_path / "target").mkdir()
    return tmp_path / "told.workload"


# The harness stood still


def begun(workload: Path, *options: str) -> tuple[subprocess.Popen[str], list[psutil.Process]]:
    """A replay under way, with its controller and its workers."""
    folder = workload.parent
    replay = subprocess.Popen(
        [TOOL, "replay", workload, "target", "-o", "a.run", "--json", *options],
        cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    controller = psutil.Process(replay.pid)
    while replay.poll() is None and not (folder / "target" / "f5").exists():
        time.sleep(0.02)
    assert replay.poll() is None, replay.communicate()
    return replay, [controller, *controller.children(recursive=True)]


def test_a_harness_that_was_stopped_as_a_whole_says_who_when_and_how_long(workload: Path) -> None:
    replay, processes = begun(workload)
    for process in processes:
        process.send_signal(signal.SIGSTOP)
    time.sleep(STOPPED_S)
    for process in processes:
        process.send_signal(signal.SIGCONT)
    out, err = replay.communicate()
    assert replay.returncode == 5, err
    document = json.loads(out)
    assert not document["valid"]
    still = document["stood_still"]
    assert still["seconds"] >= STOPPED_S - 0.5
    (period,) = still["periods"]
    assert period["controller"]
    assert period["workers"] == [0, 1]
    assert period["who"] == "the controller and all 2 workers"
    assert 0 < period["at_s"] < document["elapsed_s"]
    assert 0 < still["operations"] < 240
    # Apart: nothing that was due meanwhile is in a time, and the rest was on time.
    counted = document["latency"]["all"]["count"]
    assert counted + still["operations"] == document["operations"]["executed"] == 240
    assert any(reason.startswith("the harness stood still for ") for reason in document["reasons"])
    text = command("report", "a.run", cwd=workload.parent)
    assert "not valid: the harness stood still for " in text.out
    assert read(workload.parent / "a.run").stood_still.operations == still["operations"]


def resumed_after(pid: int, seconds: float) -> None:
    """By a process that is no child of this one, which counts its children."""
    later = f"(sleep {seconds}; kill -CONT {pid}) </dev/null >/dev/null 2>&1 &"
    subprocess.run(["sh", "-c", later], check=True)


def first_worker() -> psutil.Process:
    """Worker 0, the first that was forked; what else this process may have started has another command."""
    own = psutil.Process()
    forked = [child for child in own.children() if child.cmdline() == own.cmdline()]
    return min(forked, key=lambda child: (child.create_time(), child.pid))


def test_one_worker_that_was_stopped_is_named_and_only_its_operations_are_apart(tmp_path: Path) -> None:
    stopped: list[int] = []
    shown: list[RunView] = []

    def stop_one(view: RunView) -> None:
        shown.append(view)
        if not stopped:
            worker = first_worker()
            stopped.append(worker.pid)
            resumed_after(worker.pid, STOPPED_S)
            worker.send_signal(signal.SIGSTOP)

    document = carried_out(ticking(2, 6), tmp_path, "null", Pace.ORIGINAL, watch=stop_one)
    (period,) = document["stood_still"]["periods"]
    assert (period["controller"], period["workers"]) == (False, [0])
    assert period["who"] == "worker 0 (user0)"
    assert period["lasted_s"] >= STOPPED_S - 0.5
    assert 0 < period["operations"] < 120
    assert not document["valid"]
    assert "worker 0 (user0)" in document["reasons"][0]
    assert ("user0",) in [tuple(view.standing_still) for view in shown]


def test_a_worker_that_never_goes_on_is_told_when_it_is_killed(tmp_path: Path) -> None:
    def stop_one(_view: RunView) -> None:
        first_worker().send_signal(signal.SIGSTOP)

    document = carried_out(
        ticking(2, 60), tmp_path, "null", Pace.ORIGINAL, watch=stop_one, deadline_s=3.5, grace_s=0.2
    )
    (period,) = document["stood_still"]["periods"]
    assert period["workers"] == [0]
    assert document["workers"]["killed"] == 1
    # It slept when it was stopped: no call of it hangs.
    assert not any("hangs" in reason for reason in document["reasons"])
    assert "1 workers did not end in time and were killed" in document["reasons"]


def test_a_run_that_nothing_held_up_says_nothing(tmp_path: Path) -> None:
    document = carried_out(ticking(2, 1.5), tmp_path, "null", Pace.ORIGINAL)
    assert document["stood_still"] == {"seconds": 0, "operations": 0, "periods": []}
    assert document["clock_sets"] == []
    assert document["status"] == "complete"


# Calls that never came back


def hanging() -> Load:
    load = Load()
    load.opens(0, 1, "x")
    load.opens(1, 2, "y")
    load.add(0, Notify(1, 1, False))
    load.closes(0, 1)
    return load


def test_a_call_that_hangs_at_the_deadline_is_named_and_counts_with_its_age(tmp_path, monkeypatch):
    executors.use(monkeypatch, Hanging)
    document = carried_out(
        hanging(), tmp_path, "hanging", deadline_s=1.2, grace_s=0.3,
        thresholds=("errors.count==0", "Notify.response.max>1s", "errors.rate<1%"),
    )  # fmt: skip
    (one,) = document["unfinished"]
    assert (one["user"], one["kind"], one["path"], one["operation"]) == ("alice", "Notify", "x", 2)
    assert one["issued_s"] < 1
    assert one["lasted_s"] > 1
    assert document["operations"]["unfinished"] == 1
    assert document["operations"]["executed"] == 2
    assert any(
        reason.startswith("a call hangs: Notify of alice on 'x' (operation 2), in flight since ")
        for reason in document["reasons"]
    )
    # The other worker's calls came back.
    assert not any("did not end in time" in reason for reason in document["reasons"])
    assert document["thresholds"][0]["value"] == 1
    assert [judged["met"] for judged in document["thresholds"]] == [False, True, False]
    assert document["latency"]["Notify"]["response"]["max_ns"] >= 1e9
    assert document["latency"]["Notify"]["count"] == 0
    assert "Never came back" in page(read(tmp_path / "a.run"), None)


def test_the_live_view_shows_the_call_that_is_out_for_longest(tmp_path, monkeypatch):
    executors.use(monkeypatch, Hanging)
    monkeypatch.setattr("smbench.runner.watch.WAITING", ())  # this Notify hangs, and waits for nobody
    shown: list[RunView] = []
    carried_out(hanging(), tmp_path, "hanging", deadline_s=2.5, grace_s=0.3, watch=shown.append)
    longest = shown[-1].longest
    assert longest is not None
    assert (longest.kind, longest.user) == ("Notify", "alice")
    assert longest.age_s > 1


# Nothing measured is nothing valid


def test_a_deadline_that_leaves_nothing_to_measure_is_not_valid(workload):
    ran = command(
        "replay", workload, "target", "-o", "a.run", "--json", "--deadline", "0.001", cwd=workload.parent
    )
    document = json.loads(ran.out)
    assert (ran.status, document["valid"], document["status"]) == (5, False, "cut-off")
    assert document["configuration"]["give_up_s"] == 60
    assert document["operations"]["executed"] < 240


def test_a_deadline_that_cut_off_a_run_that_was_good_is_said(workload):
    ran = command("replay", workload, "target", "-o", "a.run", "--deadline", "2", cwd=workload.parent)
    assert "cut off by its deadline" in ran.out
    document = json.loads((workload.parent / "a.run" / "run.json").read_text())
    assert (document["status"], document["stopped"]) == ("cut-off", "deadline")
    # On a machine that is busy with other tests it may have been late.
    assert ran.status == (0 if document["valid"] else 5)


@pytest.mark.parametrize("pace", ["think", "fast"])
def test_a_warm_up_longer_than_the_workload_is_not_valid(workload, pace):
    ran = command(
        "replay", workload, "target", "-o", "a.run", "--json", "--warm-up", "100", "--pace", pace,
        "--executor", "null", cwd=workload.parent,
    )  # fmt: skip
    document = json.loads(ran.out)
    assert (ran.status, document["valid"]) == (5, False)
    assert document["latency"]["all"]["count"] == 0
    assert any(reason.startswith("nothing was measured") for reason in document["reasons"])


def test_a_warm_up_that_fills_the_deadline_is_refused(workload):
    ran = command(
        "replay", workload, "target", "-o", "a.run", "--warm-up", "3", "--deadline", "2", cwd=workload.parent
    )
    assert ran.status == 2
    assert "--warm-up of 3 s leaves nothing to measure before the --deadline of 2 s" in ran.sentence


def test_ctrl_c_before_the_first_operation_is_not_valid(tmp_path, monkeypatch):
    monkeypatch.setattr(pool, "_START_MARGIN_NS", 60_000 * MS)

    def interrupt(_done: int, _planned: int) -> None:
        os.kill(os.getpid(), signal.SIGINT)

    load = Load(["alice"])
    load.opens(0, 1, "x", CREATE)
    document = carried_out(load, tmp_path, "null", Pace.ORIGINAL, progress=interrupt)
    assert (document["valid"], document["status"], document["stopped"]) == (False, "interrupted", "SIGINT")
    assert "no operation was carried out: none of 1 was" in document["reasons"]


# A dead server


def test_a_server_whose_connection_is_gone_is_given_up(tmp_path, monkeypatch):
    executors.use(monkeypatch, Unreachable)
    load = Load()
    for user in range(2):
        load.opens(user, user, f"f{user}")
    for _ in range(4000):
        for user in range(2):
            load.add(user, Flush(user))
    document = carried_out(load, tmp_path, "unreachable", give_up_s=1.0)
    assert (document["stopped"], document["status"], document["valid"]) == ("give-up", "given-up", False)
    assert document["operations"]["executed"] < 8000
    (said,) = [reason for reason in document["reasons"] if reason.startswith("the server was given up")]
    assert "every call failed with a connection error, the last with EHOSTDOWN" in said
    assert document["configuration"]["give_up_s"] == 1.0


def test_a_server_that_answers_nobody_is_given_up_and_no_time_is_left(tmp_path, monkeypatch):
    monkeypatch.setattr("smbench.runner.giving_up._WAITING", [False] * 100)  # this Notify waits for nobody
    executors.use(monkeypatch, Hanging)
    shown: list[RunView] = []
    document = carried_out(
        hanging(), tmp_path, "hanging", Pace.ORIGINAL, give_up_s=1.5, grace_s=0.3, watch=shown.append
    )
    assert (document["stopped"], document["valid"]) == ("give-up", False)
    assert any(
        reason.startswith("the server was given up: no call was answered for ")
        for reason in document["reasons"]
    )
    assert [one["kind"] for one in document["unfinished"]] == ["Notify"]
    # All of it is overdue: nobody knows how long it takes.
    assert shown[-1].left_s is None


def test_a_slow_server_is_not_given_up(tmp_path, monkeypatch):
    executors.use(monkeypatch, Slow)
    load = Load(["alice"])
    for turn in range(80):
        load.opens(0, turn, "x", CREATE)
    document = carried_out(load, tmp_path, "slow", give_up_s=0.5)
    assert document["status"] == "complete"
    assert document["operations"]["executed"] == 80


def test_a_user_with_nothing_to_do_is_no_dead_server(tmp_path, monkeypatch):
    executors.use(monkeypatch, Slow)
    load = Load(["alice"])
    load.opens(0, 1, "x", CREATE)
    load.now_ns = 2500 * MS
    load.closes(0, 1)
    document = carried_out(load, tmp_path, "slow", Pace.ORIGINAL, give_up_s=0.5)
    assert document["status"] == "complete"
