"""Stories of two users with leases on one file, told in the lab's guest as root (see test_contention.py)."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from helpers.fidelity import Lab, contention


@pytest.fixture(scope="module")
def lab() -> Lab:
    return Lab(Path(os.environ["LAB_OUT"]))


@pytest.fixture(scope="module")
def workload(lab: Lab) -> Path:
    folder = lab.fresh("contended")
    (folder / "ledger.csv").write_bytes(bytes(65536))
    (folder / "ledger.csv").chmod(0o666)
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
