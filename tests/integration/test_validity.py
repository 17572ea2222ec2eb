"""Runs that lack a processor or a descriptor say so; and how a run ends for those who are done first."""

from __future__ import annotations

import json
import os
import resource

import psutil
import pytest
from helpers import executors
from helpers.command import TOOL
from helpers.executors import Lasting, Spinning
from helpers.load import OPEN_IF, Load
from helpers.ran import written

from smbench.measure.scheduler import waited_ns
from smbench.plan import Pace, plan_run
from smbench.runner.run import RunOptions, run
from smbench.workload.calls import Flush
from smbench.workload.store import write

needs_schedstat = pytest.mark.skipif(
    waited_ns() is None, reason="this kernel does not tell how long a thread waited for a processor"
)


def crowd(users: int, each: int, period_ns: int) -> Load:
    """All issue at the same times."""
    load = Load([f"user{number}" for number in range(users)])
    for turn in range(each):
        for user in range(users):
            load.add(user, Flush(user), at_ns=turn * period_ns)
    return load


def carried_out(load: Load, tmp_path, executor: str, pace: Pace) -> dict:
    plan = plan_run(load.workload, load.users, pace=pace)
    result = run(plan, load.workload, RunOptions(executor, [tmp_path] * len(load.users)))
    (tmp_path / "a.run").mkdir()
    return written(result, tmp_path / "a.run")


@needs_schedstat
def test_four_workers_on_one_processor_wait_for_it_and_the_run_is_not_valid(tmp_path, monkeypatch):
    executors.use(monkeypatch, Spinning)
    mine = os.sched_getaffinity(0)
    os.sched_setaffinity(0, [min(mine)])
    try:
        document = carried_out(crowd(4, 20, 20_000_000), tmp_path, "spinning", Pace.ORIGINAL)
    finally:
        os.sched_setaffinity(0, mine)
    # Each turn 8 ms of work for one processor: of the four, 6, 4, 2 and 0 ms at least are waited for.
    assert document["waited_s"] > 20 * 0.006
    assert any("waited for a processor" in reason for reason in document["reasons"])
    assert document["valid"] is False


def test_a_process_without_descriptors_left_is_no_server_that_refuses(tmp_path):
    load = Load(["alice"])
    for number in range(150):
        load.opens(0, number, f"{number}.txt", OPEN_IF)
    write(tmp_path / "many.workload", load.workload)
    (tmp_path / "target").mkdir()
    with psutil.Popen(
        [TOOL, "replay", tmp_path / "many.workload", tmp_path / "target", "-o", tmp_path / "a.run", "-q"],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (100, 100)),
    ) as child:
        assert child.wait(60) == 5
    document = json.loads((tmp_path / "a.run/run.json").read_text())
    refused = document["operations"]["mismatched"]
    assert {cause["got"] for cause in document["causes"]} == {"EMFILE"}
    assert 50 < refused < 150
    assert f"{refused} operations found no file descriptor left" in "".join(document["reasons"])


def test_who_has_ended_keeps_what_is_open_until_all_have(tmp_path, monkeypatch):
    executors.use(monkeypatch, Lasting)
    load = Load()
    load.add(0, Flush(1), at_ns=0)
    load.add(1, Flush(2), at_ns=300_000_000)
    carried_out(load, tmp_path, "lasting", Pace.ORIGINAL)
    told = json.loads((tmp_path / "a.run/client_stats.json").read_text())["users"]
    assert abs(told["bob"]["closed_ns"] - told["alice"]["closed_ns"]) < 200_000_000
