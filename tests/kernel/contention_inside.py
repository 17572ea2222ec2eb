"""Users with leases on the same files: stories told in the lab's guest as root (see test_contention.py)."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from helpers.fidelity import Lab, contention, many_contend


@pytest.fixture(scope="module")
def lab() -> Lab:
    return Lab(Path(os.environ["LAB_OUT"]))


def furnish(lab: Lab, *names: str) -> None:
    folder = lab.fresh("contended")
    for name in names:
        (folder / name).write_bytes(bytes(65536))
        (folder / name).chmod(0o666)


@pytest.fixture(scope="module")
def workload(lab: Lab) -> Path:
    furnish(lab, "ledger.csv")
    return lab.capture("contention", 2, contention)


def test_the_kernel_s_leases_are_broken_as_often(lab: Lab, workload: Path) -> None:
    result = lab.hold(workload, lab.replay("kernel", workload))
    assert result.breaks[0] >= 4
    assert result.breaks[1] == result.breaks[0]
    assert (result.recall, result.precision, result.mismatched) == (1, 1, 0)


def test_the_library_s_leases_are_broken_as_often_and_nobody_is_lost(lab: Lab, workload: Path) -> None:
    run = lab.replay("library", workload, "--executor", "library")
    result = lab.hold(workload, run)
    assert result.breaks[1] == result.breaks[0]
    assert (result.recall, result.precision, result.mismatched) == (1, 1, 0)
    users = json.loads((run / "client_stats.json").read_text())["users"].values()
    assert not any(counted["connection"]["lost"] for counted in users)
    told = [counted["breaks"] for counted in users]
    assert sum(breaks["lease"] for breaks in told) == result.breaks[0]
    assert all(breaks["acknowledgement_statuses"].keys() <= {"STATUS_SUCCESS"} for breaks in told)


def test_of_three_users_at_all_times_as_often_again_and_again(lab: Lab) -> None:
    furnish(lab, "ledger.csv", "other.csv")
    workload = lab.capture("three", 3, many_contend)
    runs = [lab.replay(f"three-{number}", workload, "--speed", "1") for number in range(2)]
    runs.append(lab.replay("three-library", workload, "--speed", "1", "--executor", "library"))
    results = [lab.hold(workload, run) for run in runs]
    captured = results[0].breaks[0]
    assert captured >= 8
    assert [result.breaks[1] for result in results] == [captured] * len(runs)
    assert [result.mismatched for result in results] == [0] * len(runs)
    assert [json.loads((run / "run.json").read_text())["order"]["violated"] for run in runs] == [0] * len(
        runs
    )
