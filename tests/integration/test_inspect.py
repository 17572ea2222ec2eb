"""`inspect` over the shipped capture: what it says is a golden file, and it adds up."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
from helpers.command import THREE_USERS, run
from helpers.golden import assert_golden

from smbench.fidelity.tally import Tally
from smbench.trace.store import EXCHANGES_FILE, read_exchanges


@pytest.fixture(scope="module")
def workload(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("inspect") / "three-users.workload"
    assert run("ingest", THREE_USERS, "-o", path).status == 0
    return path


def test_what_a_person_reads(workload: Path) -> None:
    lines = [line.rstrip() for line in run("inspect", workload).out.splitlines()]
    assert_golden("three-users.inspect.txt", "\n".join(lines) + "\n")


def test_what_a_program_reads(workload: Path) -> None:
    document = json.loads(run("inspect", workload, "--json").out)
    assert_golden("three-users.inspect.json", json.dumps(document, indent=1, ensure_ascii=False) + "\n")
    assert sum(document["coverage"].values()) == document["exchanges"] == sum(document["commands"].values())
    counts: Counter[str] = Counter()
    for row in document["reasons"]:
        counts[row["disposition"]] += row["count"]
    assert {fate: count for fate, count in document["coverage"].items() if count} == counts
    assert sum(user["operations"] for user in document["users"]) == sum(document["operations"].values())


def test_leases_and_breaks_are_those_of_a_plain_count(workload: Path) -> None:
    caching = json.loads(run("inspect", workload, "--json").out)["caching"]
    tally = Tally()
    for exchange in read_exchanges(workload / EXCHANGES_FILE):
        tally.add(exchange, answerable=True)
    assert caching["requested"] == dict(tally.requested)
    assert caching["granted"] == dict(tally.granted)
    assert caching["breaks"]["notified"] == sum(tally.breaks.values()) > 0
    assert caching["breaks"]["acknowledged"] == tally.acknowledged


def test_without_its_exchanges_a_workload_still_tells(workload: Path, tmp_path: Path) -> None:
    for file in workload.iterdir():
        if file.name != EXCHANGES_FILE:
            (tmp_path / file.name).write_bytes(file.read_bytes())
    document = json.loads(run("inspect", tmp_path, "--json").out)
    assert document["caching"] is None
    assert document["working_set"]["bytes"] > 0
    assert "requested" not in run("inspect", tmp_path).out


def test_operations_name_the_frames_of_their_requests(workload: Path) -> None:
    rows = json.loads(run("inspect", workload, "--operations", "--json").out)["operations"]
    write = next(row for row in rows if row["kind"] == "Write")
    assert len(write["frames"]) == len(write["exchanges"]) == 1
    shown = run("inspect", workload, "--frame", str(write["frames"][0]), "--capture", THREE_USERS)
    assert "Write Request (0x09)" in shown.out
    assert f"Write Length: {write['length']}" in shown.out
