"""What somebody outside a capture did, from its lift to the report of a replay that did it too."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from helpers.command import THREE_USERS, run
from helpers.load import CREATE, Load
from helpers.story import READ, Wire

from smbench.lift.lift import lift
from smbench.smb2.ntstatus import Status
from smbench.workload.store import write

GONE = Status.OBJECT_NAME_NOT_FOUND
PACES = ("original", "think", "fast")


@pytest.fixture
def remade(tmp_path: Path) -> Path:
    """A file that is read and removed three times, and that nobody in the capture makes again."""
    wire = Wire()
    alice = wire.client("alice")
    for turn in range(3):
        alice.opens("out.txt", size=20).reads(0, 20).closes()
        alice.unlinks("out.txt")
        if turn < 2:
            alice.opens("out.txt", GONE, access=READ)
    return stored(wire, tmp_path)


@pytest.fixture
def changing(tmp_path: Path) -> Path:
    """Several users; a log grows, a directory comes and goes, a file is cut off."""
    wire = Wire()
    alice, bob = wire.client("alice"), wire.client("bob")
    for size in (100, 200, 300):
        alice.opens("log", size=size).reads(0, 1000, size).closes()
        left = 300 - size
        cut = bob.opens("cut", size=100 + left)
        cut.reads(100, 1000, left, 0 if left else Status.END_OF_FILE).closes()
    alice.looks("d/x", Status.OBJECT_PATH_NOT_FOUND)
    bob.opens("d/x", size=5).reads(0, 5).closes()
    alice.looks("d/x")
    alice.looks("d/x", GONE)
    alice.looks("d/x", Status.OBJECT_PATH_NOT_FOUND)
    return stored(wire, tmp_path)


def stored(wire: Wire, folder: Path) -> Path:
    wire.info.duration_ns = wire.now_ns + 10**6
    lift(wire.trace(), folder / "w.workload")
    return folder / "w.workload"


def replayed(workload: Path, *options: str) -> tuple[dict[str, Any], str]:
    """The run's document, and what a person reads."""
    target, output = workload.with_name("target"), workload.with_name("a.run")
    target.mkdir(exist_ok=True)
    ran = run("replay", workload, target, "-o", output, "--force", *options)
    assert ran.status in (0, 5), ran.err  # 5: this machine is busy
    return json.loads((output / "run.json").read_text()), ran.out


@pytest.mark.parametrize("pace", PACES)
@pytest.mark.parametrize("executor", ["posix", "memory"])
def test_what_was_made_outside_is_there(remade: Path, executor: str, pace: str) -> None:
    document, shown = replayed(remade, "--executor", executor, "--pace", pace)
    done = document["operations"]
    assert (done["planned"], done["executed"], done["matched"], done["mismatched"]) == (14, 14, 14, 0)
    outside = document["outside"]
    assert outside["changes"] == {"appeared": 2}
    assert (outside["planned"], outside["executed"], outside["failed"]) == (6, 6, 0)
    assert document["order"]["violated"] == 0
    assert "2 appeared" in shown


@pytest.mark.parametrize("pace", PACES)
@pytest.mark.parametrize("executor", ["posix", "memory"])
def test_sizes_and_directories_are_as_they_were_seen(changing: Path, executor: str, pace: str) -> None:
    document, _ = replayed(changing, "--executor", executor, "--pace", pace)
    assert document["operations"]["mismatched"] == 0
    assert document["outside"]["failed"] == 0
    rows = pq.read_table(changing.with_name("a.run") / "operations.parquet").to_pylist()
    assert len(rows) == document["operations"]["planned"]
    moved = [row["bytes"] for row in rows if row["kind"] == "Read" and row["path"] == "log"]
    assert moved == [100, 200, 300]


def test_nothing_of_it_is_in_a_figure(remade: Path) -> None:
    document, _ = replayed(remade)
    assert document["configuration"]["users"] == 1
    assert "Write" not in document["latency"]
    assert document["latency"]["all"]["count"] == document["operations"]["executed"] == 14
    assert document["throughput"]["write_bytes_per_s"] == 0
    rows = pq.read_table(remade.with_name("a.run") / "operations.parquet").to_pylist()
    assert {row["user"] for row in rows} == {0}


def test_each_clone_and_each_loop_has_its_own(remade: Path) -> None:
    document, _ = replayed(remade, "--clone", "3", "--loop", "2", "--pace", "fast")
    assert document["operations"]["matched"] == 3 * 2 * 14
    assert document["outside"]["planned"] == document["outside"]["executed"] == 3 * 2 * 6
    assert document["outside"]["user"] == "outside"
    assert document["configuration"]["users"] == 3


def test_it_can_be_left(remade: Path) -> None:
    document, shown = replayed(remade, "--no-outside", "--pace", "fast")
    assert document["operations"]["mismatched"] == 8
    assert document["outside"]["replayed"] is False
    assert document["outside"]["changes"] == {"appeared": 2}
    assert "--no-outside" in shown


def test_what_cannot_be_done_is_told(remade: Path) -> None:
    target = remade.with_name("target")
    (target / "out.txt").mkdir(parents=True)
    (target / "out.txt" / "in the way").touch()
    document, shown = replayed(remade, "--no-prepare", "--pace", "fast")
    assert document["outside"]["failed"] == 6
    assert document["outside"]["failures"][0] == {"kind": "Open", "path": "out.txt", "got": "EISDIR"}
    assert any("calls that stand for changes from outside" in text for text in document["warnings"])
    assert "mismatches on such paths follow from that" in " ".join(shown.split())


def test_it_is_named_before_it_is_done(remade: Path) -> None:
    told = json.loads(run("inspect", remade, "--json").out)["outside"]
    assert told["changes"] == {"appeared": 2}
    assert [(one["what"], one["kind"], one["path"]) for one in told["first"]] == [
        ("appeared", "file", "out.txt")
    ] * 2
    assert "file appeared" in run("inspect", remade).out
    remade.with_name("target").mkdir()
    for option, done in (("--outside", True), ("--no-outside", False)):
        ran = run("replay", remade, remade.with_name("target"), "--dry-run", "--json", option)
        document = json.loads(ran.out)
        assert document["outside"]["replayed"] is done
        assert [row["user"] for row in document["users"]] == ["alice", "outside"][: 1 + done]


def test_a_workload_without_any_is_of_the_schema_before(tmp_path: Path) -> None:
    ingested = run("ingest", THREE_USERS, "-o", tmp_path / "w.workload")
    assert ingested.status == 0, ingested.err
    manifest = json.loads((tmp_path / "w.workload" / "manifest.json").read_text())
    assert manifest["schema"] == 2
    assert "outside" not in manifest


def test_a_workload_with_some_is_of_the_next(remade: Path) -> None:
    manifest = json.loads((remade / "manifest.json").read_text())
    assert manifest["schema"] == 3
    assert manifest["outside"] == {"changes": {"appeared": 2}, "operations": 6}


def test_a_workload_that_was_written_by_hand_has_none(tmp_path: Path) -> None:
    load = Load()
    load.opens(0, 1, "f", CREATE)
    load.closes(0, 1)
    write(tmp_path / "w.workload", load.workload)
    document, shown = replayed(tmp_path / "w.workload")
    assert document["outside"] is None
    assert "outside" not in shown
