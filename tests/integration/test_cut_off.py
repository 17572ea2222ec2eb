"""A replay that does not come to write its result: what was completed is found again, whatever ended it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import pyarrow.parquet as pq
import pytest
from helpers.command import THREE_USERS, TOOL, run

PATIENCE_S = 30
PLANNED = 127


class Place:
    """A folder with a target, and a replay in it that would take a minute."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "target").mkdir()
        self.results = folder / "results"
        self.results.mkdir()
        self.output = self.results / "a.run"
        assert run("ingest", THREE_USERS, "-o", folder / "w.workload").status == 0
        self.process: subprocess.Popen[str] | None = None

    def begin(self, *more: str, enough: int = 20) -> None:
        """Start it, and wait until so many of its operations are done."""
        words = ["replay", self.folder / "w.workload", self.folder / "target", "-o", self.output, *more]
        self.process = subprocess.Popen(
            [TOOL, *map(str, words)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        until = time.monotonic() + PATIENCE_S
        while self.completed() < enough:
            assert self.process.poll() is None, self.process.communicate()
            assert time.monotonic() < until, "it does not come on"
            time.sleep(0.01)

    @property
    def home(self) -> Path:
        return (self.results / ".a.run.partial/records").readlink()

    def completed(self) -> int:
        """By the log itself: three words a record, the last of which is when it was completed.

        A loop that is being set aside has its log until the last of its files, NAME.json, is there."""
        try:
            aside = {path.stem for path in self.home.glob("[0-9]*.json")}
            logs = [log for log in self.home.glob("*/operations.log") if log.parent.name not in aside]
            loops = [np.fromfile(log, np.int64).reshape(-1, 3) for log in logs]
            loops += [np.load(self.home / f"{name}.npy") for name in aside]
        except (OSError, ValueError):
            return 0
        return sum(int(np.count_nonzero(records[:, 2])) for records in loops)

    def kill(self) -> int:
        """SIGKILL for the controller; how many operations were completed comes back."""
        assert self.process is not None
        workers = psutil.Process(self.process.pid).children()
        self.process.kill()
        self.process.communicate(timeout=PATIENCE_S)
        assert not psutil.wait_procs(workers, PATIENCE_S)[1]
        return self.completed()

    def document(self, output: Path | None = None) -> dict:
        return json.loads(((output or self.output) / "run.json").read_text())


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    place = Place(tmp_path)
    yield place
    if place.process is not None and place.process.poll() is None:
        place.process.kill()
        place.process.communicate()


@pytest.mark.parametrize("command", ["recover", "report"])
def test_all_that_was_completed_is_in_the_result(place: Place, command: str) -> None:
    begun = time.time()
    place.begin("--speed", "0.5", "--threshold", "all.response.p99<1us")
    recorded = place.kill()
    assert 20 <= recorded < PLANNED
    home = place.home
    made = run(command, place.output)
    assert made.status == (137 if command == "recover" else 0)
    document = place.document()
    assert document["stopped"] == "killed"
    assert document["operations"]["executed"] == recorded
    assert document["operations"]["planned"] == PLANNED
    assert document["latency"]["all"]["count"] == recorded
    assert begun <= document["start_epoch_ns"] / 1e9 <= time.time()
    assert document["configuration"]["speed"] == 0.5
    assert [one["met"] for one in document["thresholds"]] == [False]
    assert len(document["mounts"]) == 3
    assert [path.name for path in place.results.iterdir()] == ["a.run"]
    assert not home.exists()
    assert f"{recorded} of 127 operations" in made.out


def test_loops_that_had_ended_are_in_it_too(place: Place) -> None:
    place.begin("--pace", "fast", "--loop", "1000000000", enough=3 * PLANNED)
    assert sum(path.is_dir() for path in place.home.iterdir()) <= 1, "folders do not grow with the loops"
    recorded = place.kill()
    assert run("recover", place.output).status == 137
    document = place.document()
    assert document["operations"]["executed"] == recorded >= 3 * PLANNED
    assert document["configuration"]["loops"] == 10**9
    assert document["operations"]["planned"] == PLANNED * 10**9
    begun = document["operations"]["planned"] - document["operations"]["not_begun"]
    assert pq.read_metadata(place.output / "operations.parquet").num_rows == begun
    assert begun in (recorded + -recorded % PLANNED, recorded + PLANNED)  # as the kill hit within or between
    shown = run("report", place.output)
    assert f"; {begun // PLANNED} of 1,000,000,000 loops began" in " ".join(shown.out.split())
    refused = run("compare", place.folder / "w.workload", place.output, "--loop", begun // PLANNED + 1)
    assert f"has {begun // PLANNED} loops that began, of 1,000,000,000" in refused.err


def test_a_result_goes_elsewhere_where_its_place_is_gone(place: Place) -> None:
    place.begin("--speed", "2")
    home = place.home
    shutil.rmtree(place.results)
    assert place.process is not None
    _, err = place.process.communicate(timeout=PATIENCE_S)
    assert place.process.returncode not in (0, 1)
    assert "internal error" not in err
    assert f"127 operations were measured, and are kept in {home}" in err
    elsewhere = place.folder / "b.run"
    assert f"smbench-mount recover {home} -o ELSEWHERE" in err
    assert run("recover", home, "-o", elsewhere).status in (0, 5)  # as valid as a busy machine lets it be
    document = place.document(elsewhere)
    assert (document["operations"]["executed"], document["stopped"]) == (PLANNED, None)
    assert not home.exists()


def test_a_place_is_one_replay_s(place: Place) -> None:
    place.begin("--speed", "0.5")
    assert place.process is not None
    words = ("replay", place.folder / "w.workload", place.folder / "target", "-o", place.output)
    second = run(*words, "--force")
    assert second.status == 2
    assert f"is being written by another replay (process {place.process.pid})" in second.sentence
    assert run("recover", place.output).sentence.endswith(f"goes on (process {place.process.pid})")
    place.kill()
    third = run(*words)
    assert (third.status, place.completed() > 0) == (2, True)
    assert f"make its result by smbench-mount recover {place.output}" in third.sentence
    home = place.home
    assert run(*words, "--pace", "fast", "--force").status == 0
    assert place.document()["operations"]["executed"] == PLANNED
    assert not home.exists()


def test_what_appeared_meanwhile_is_not_replaced(place: Place) -> None:
    place.begin("--speed", "4", "--force")
    place.output.mkdir()
    (place.output / "mine").write_text("x")
    assert place.process is not None
    _, err = place.process.communicate(timeout=PATIENCE_S)
    assert (place.output / "mine").read_text() == "x"
    assert f"the result is {place.results / 'a-2.run'}" in err
    assert place.document(place.results / "a-2.run")["operations"]["executed"] == PLANNED


def test_a_target_is_one_replay_s(place: Place) -> None:
    place.begin("--speed", "0.5")
    assert place.process is not None
    other = ("replay", place.folder / "w.workload", place.folder / "target", "-o", place.results / "b.run")
    second = run(*other)
    assert second.status == 2
    assert f"target is in use by another replay (process {place.process.pid})" in second.sentence
    third = run("prepare", place.folder / "w.workload", place.folder / "target", "--clean")
    assert (third.status, third.sentence.partition(" (")[0]) == (2, second.sentence.partition(" (")[0])
    assert "is in use" not in run(*other, "--pace", "fast", "--shared-target").err
    place.kill()
    assert run(*other, "--pace", "fast", "--force").status in (0, 5)


def test_a_link_is_no_place(place: Place) -> None:
    place.output.symlink_to(place.folder / "nowhere")
    ended = run("replay", place.folder / "w.workload", place.folder / "target", "-o", place.output)
    assert (ended.status, ended.sentence) == (
        2, f"smbench-mount: {place.output} is a link: name the place itself with -o"
    )  # fmt: skip


def test_a_result_goes_beside_what_was_left_whatever_that_says(place: Place) -> None:
    """What was left may come from anywhere: it does not say which run is replaced."""
    place.begin("--speed", "0.5")
    recorded = place.kill()
    other = place.folder / "other.run"
    shutil.copytree(place.folder / "w.workload", other)
    document = json.loads((place.home / "partial.json").read_text())
    (place.home / "partial.json").write_text(json.dumps({**document, "output": str(other)}))
    place.results.rename(place.folder / "moved")
    moved = place.folder / "moved" / "a.run"
    assert run("recover", moved, "--force").status == 137
    assert place.document(moved)["operations"]["executed"] == recorded
    assert (other / "manifest.json").is_file()


def test_a_report_of_what_was_sent_makes_nothing(place: Place) -> None:
    """A folder with what a replay left, as somebody may send one, is none of a result that was to be here."""
    place.begin("--speed", "0.5")
    place.kill()
    sent = place.folder / "sent.run"
    shutil.copytree(place.home, sent)
    refused = run("report", sent)
    assert refused.status == 2
    assert "sent.run is what a replay left that was cut off: smbench-mount recover" in refused.sentence
    assert not place.output.exists()
    assert sent.exists()
    assert "give its result a place with -o" in run("recover", sent).sentence
    assert run("recover", sent, "-o", place.folder / "b.run").status == 137


@pytest.mark.skipif(os.name == "nt" or os.geteuid() != 0, reason="only root gives folders away")
def test_what_another_user_left_is_that_users(place: Place) -> None:
    """Root makes nothing of it, and removes nothing: it may say what it likes."""
    place.begin("--speed", "0.5")
    place.kill()
    partial = place.results / ".a.run.partial"
    for folder in (partial, place.home):
        subprocess.run(["chown", "-R", "--no-dereference", "1234", folder], check=True)
    for command in ("recover", "report"):
        assert "is another user's, who can make its result" in run(command, place.output).sentence
    assert run("clean", place.results, "--discard").status == 0
    assert partial.exists()
    assert place.home.exists()
    shutil.rmtree(place.home)


def test_clean_removes_what_nobody_can_use_and_nothing_else(place: Place) -> None:
    place.begin("--speed", "0.5")
    assert "is no folder" in run("clean", place.folder / "nowhere").sentence
    live = run("clean", place.results)
    assert str(place.home) not in live.out + live.err
    recorded = place.kill()
    home = place.home
    listed = json.loads(run("clean", place.results, "--json").out)
    (mine,) = [one for one in listed["recoverable"] if one["path"] == str(home)]
    assert (mine["output"], mine["operations"]) == (str(place.output), recorded)
    assert home.exists()
    removed = json.loads(run("clean", place.results, "--discard", "--json").out)["removed"]
    assert str(home) in removed
    assert not home.exists()
    assert not [*place.results.iterdir()]


@pytest.mark.skipif(os.name == "nt" or os.geteuid() != 0, reason="a full disk needs root: mount(8)")
def test_a_full_disk_costs_nothing_that_was_measured(place: Place) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4M", "tmpfs", place.results], check=True)
    try:
        place.begin("--speed", "2")
        free = os.statvfs(place.results)
        (place.results / "full").write_bytes(bytes(free.f_bavail * free.f_frsize))
        home = place.home
        assert place.process is not None
        _, err = place.process.communicate(timeout=PATIENCE_S)
        assert place.process.returncode == 3
        assert f"127 operations were measured, and are kept in {home}" in err
        assert "No space left on device" in err
        assert run("recover", place.output, "-o", place.folder / "b.run").status in (0, 5)
        assert place.document(place.folder / "b.run")["operations"]["executed"] == PLANNED
        assert [path.name for path in place.results.iterdir()] == ["full"]
    finally:
        subprocess.run(["umount", "-l", place.results], check=True)


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_signal_behind_the_last_operation_costs_nothing(place: Place, name: str) -> None:
    place.begin("--speed", "4", "--quiet", enough=PLANNED)
    assert place.process is not None
    place.process.send_signal(signal.Signals[name])
    place.process.communicate(timeout=PATIENCE_S)
    assert place.document()["operations"]["executed"] == PLANNED
    assert [path.name for path in place.results.iterdir()] == ["a.run"]
