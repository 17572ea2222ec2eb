"""Stories of fidelity on the wire, told inside the lab's guest as root (see test_fidelity.py)."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
from helpers.aims import at_least
from helpers.command import THREE_USERS
from helpers.fidelity import Lab, Result

from smbench.run.store import WIRE

ENOUGH = 0.98


@pytest.fixture(scope="module")
def lab() -> Lab:
    return Lab(Path(os.environ["LAB_OUT"]))


@pytest.fixture(scope="module")
def tar(lab: Lab) -> Path:
    """What a mount sends while tar extracts an archive."""
    if shutil.which("tar") is None:
        pytest.skip("tar is not here")
    return lab.application("tar", size=20)


def told(result: Result) -> str:
    """For the reader of a failure."""
    return f"missing {result.missing[:5]}, extra {result.extra[:5]}"


@pytest.mark.parametrize("executor", ["posix", "library"])
def test_an_application_comes_out_as_it_went_in(lab: Lab, tar: Path, executor: str) -> None:
    result = lab.hold(tar, lab.replay(f"tar-{executor}", tar, "--executor", executor))
    assert result.exchanges > 50
    assert result.mismatched == 0
    assert at_least(ENOUGH, result.recall), told(result)
    assert at_least(ENOUGH, result.precision), told(result)


def test_the_shipped_capture(lab: Lab) -> None:
    workload = lab.ingest(THREE_USERS, lab.out / "three.workload")
    run = lab.replay("three", workload)
    result = lab.hold(workload, run)
    assert at_least(0.9, result.recall), told(result)
    assert at_least(0.9, result.precision), told(result)
    document = json.loads((run / "run.json").read_text())
    assert (run / WIRE).stat().st_size > 10_000
    assert document["wire"]["notes"] == []
    assert document["wire"]["window_ns"][0] <= document["start_epoch_ns"]


def test_the_library_sends_what_the_captured_clients_sent(lab: Lab) -> None:
    workload = lab.ingest(THREE_USERS, lab.out / "three.workload")
    run = lab.replay("three-library", workload, "--executor", "library")
    result = lab.hold(workload, run)
    assert at_least(ENOUGH, result.recall), told(result)
    assert at_least(ENOUGH, result.precision), told(result)
    configuration = json.loads((run / "run.json").read_text())["configuration"]
    assert configuration["client_calls_replayed"]
    assert configuration["client_calls"] > 0
    users = json.loads((run / "client_stats.json").read_text())["users"]
    assert len(users) == 3
    assert not any(counted["connection"]["lost"] for counted in users.values())
    assert sum(row["count"] for counted in users.values() for row in counted["cpu"]["calls"].values()) > 50
