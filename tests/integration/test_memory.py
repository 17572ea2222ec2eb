"""The memory executor on the command line: its users meet in one process, on files made of the namespace."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from helpers.command import THREE_USERS, run
from helpers.load import OPEN_IF, Load
from helpers.ran import written

from smbench.errors import UsageError
from smbench.plan import Pace, plan_run
from smbench.runner.run import RunOptions
from smbench.runner.run import run as run_plan
from smbench.smb2.ntstatus import Status
from smbench.workload.calls import Lock


@pytest.fixture(scope="module")
def workload(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("three")
    (folder / "target").mkdir()
    assert run("ingest", THREE_USERS, "-o", folder / "w.workload", "-q").status == 0
    return folder / "w.workload"


def replayed(workload: Path, *options: str, executor: str = "memory") -> dict[str, Any]:
    ran = run(
        "replay", workload, "target", "-o", "m.run", "--force", "--json", "--executor", executor, *options,
        cwd=workload.parent,
    )  # fmt: skip
    assert ran.status in (0, 5), ran.err  # 5: a busy machine, of which outcomes know nothing
    document: dict[str, Any] = json.loads(ran.out)
    return document


@pytest.mark.parametrize(
    ("options", "times"),
    [
        (["--pace", "fast"], 1),
        (["--pace", "original", "--speed", "5"], 1),
        (["--pace", "fast", "--loop", "3"], 3),
        (["--pace", "fast", "--clone", "4"], 4),
    ],
)
def test_every_outcome_is_the_captured_one(workload: Path, options: list[str], times: int) -> None:
    document = replayed(workload, *options)
    outcomes = document["operations"]
    assert (outcomes["planned"], outcomes["matched"]) == (127 * times, 127 * times), document["mismatches"]
    assert document["configuration"]["processes"] == 1
    assert document["configuration"]["prepared"] is True
    assert document["configuration"]["content"] is None
    assert list((workload.parent / "target").iterdir()) == []


def test_clones_that_share_their_files_meet_as_they_would_on_a_server(workload: Path) -> None:
    outcomes = replayed(workload, "--pace", "fast", "--clone", "2", "--namespace", "shared")["operations"]
    assert outcomes["mismatched"] > 0


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (
            ["--users-per-process", "2"],
            "--users-per-process has no effect with --executor memory, whose users",
        ),
        (["--no-prepare"], "--no-prepare has no effect with --executor memory, which makes its files itself"),
        (["--prepare"], "has no effect with --executor memory, which makes its files itself"),
        (
            ["--loop", "2", "--loop-namespace", "same"],
            "--loop-namespace has no effect with --executor memory",
        ),
    ],
)
def test_what_it_decides_itself_is_not_for_an_option(workload: Path, options: list[str], says: str) -> None:
    ran = run(
        "replay", workload, "target", "-o", "n.run", "--executor", "memory", *options, cwd=workload.parent
    )
    assert ran.status == 2
    assert says in ran.sentence


def test_users_in_processes_of_their_own_would_not_meet_and_are_refused(tmp_path: Path) -> None:
    load = Load(["alice", "bob"])
    load.opens(0, 1, "x")
    load.opens(1, 1, "x")
    plan = plan_run(load.workload, load.users)
    with pytest.raises(UsageError, match="'memory' meet only within a process, and the plan has 2 processes"):
        run_plan(plan, load.workload, RunOptions("memory", [tmp_path, tmp_path]))


def test_a_lock_that_nobody_grants_ends_as_cancelled_and_the_run_with_it(tmp_path: Path) -> None:
    load = Load(["alice", "bob"])
    load.opens(0, 1, "x", OPEN_IF)
    load.add(0, Lock(1, 0, 10, exclusive=True, wait=False))
    load.opens(1, 1, "x")
    load.add(1, Lock(1, 5, 1, exclusive=True, wait=True), expected=Status.CANCELLED)
    plan = plan_run(load.workload, load.users, pace=Pace.FAST, users_per_process=2)
    document = written(run_plan(plan, load.workload, RunOptions("memory", [tmp_path] * 2)), tmp_path)
    assert (document["operations"]["matched"], document["stopped"]) == (4, None)
