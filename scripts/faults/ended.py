"""A replay that is ended, or that loses the place of its result."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import time
from pathlib import Path

import psutil

from faults.ground import PLANNED, Ground, Replay, case, fill


def _killed(ground: Ground, *words: object, enough: int = 30) -> None:
    replay = ground.replay(*words).until(enough).kill()
    document = ground.recover(replay)
    ground.expect(document.get("stopped") == "killed", "the result does not say that it was killed")


@case("controller: SIGKILL", short=True)
def controller_killed(ground: Ground) -> None:
    _killed(ground)


@case("controller: SIGKILL at its first operation")
def controller_killed_at_once(ground: Ground) -> None:
    _killed(ground, enough=1)


@case("controller: SIGKILL in the fourth of many loops")
def controller_killed_in_loops(ground: Ground) -> None:
    _killed(ground, "--pace", "fast", "--loop", 1000, enough=3 * PLANNED + 10)


@case("controller: SIGKILL with 20 clones")
def controller_killed_with_clones(ground: Ground) -> None:
    _killed(ground, "--clone", 20, "--users-per-process", 10, enough=500)


@case("controller: SIGKILL, and report instead of recover")
def controller_killed_then_report(ground: Ground) -> None:
    replay = ground.replay().until(30).kill()
    told = ground.run("report", replay.output)
    ground.note(told.returncode, told.stderr)
    ground.expect(told.returncode == 0, "report fails")
    ground.read(replay)


@case("controller: SIGKILL while it writes the result")
def controller_killed_while_writing(ground: Ground) -> None:
    replay = ground.replay("--pace", "fast", "--clone", 200, "--users-per-process", 100)
    draft = ground.results / ".a.run.partial/operations.parquet"
    end = time.monotonic() + 60
    while not draft.exists() and replay.process.poll() is None and time.monotonic() < end:
        replay.completed()
        time.sleep(0.001)
    replay.kill()
    if (ground.output / "run.json").exists():
        ground.read(replay)  # it was quicker than the signal
        return
    document = ground.recover(replay)
    ground.expect(document.get("stopped") is None, "a run that had ended is said to be cut off")


@case("controller: SIGKILL, and two recovers at once")
def recovered_twice(ground: Ground) -> None:
    replay = ground.replay().until(30).kill()
    recorded = replay.completed()
    both = [ground.start("recover", replay.output) for _ in range(2)]
    statuses = sorted(one.wait(60) for one in both)
    ground.expect(statuses == [2, 137], f"statuses {statuses}")
    ground.read(replay)
    ground.expect(ground.seen.result == recorded, f"recovered {ground.seen.result} of {recorded}")
    there = sorted(path.name for path in ground.results.iterdir())
    ground.expect(there == ["a.run"], f"there are {there}")


@case("controller: SIGKILL in the second run of a search for a capacity", short=True)
def search_killed(ground: Ground) -> None:
    # As fast as it goes, no run is late on a busy machine, which would end the search.
    words = (
        "--find-capacity",
        "all.response.p99<3600s",
        "--pace",
        "fast",
        "--clone",
        50,
        "--max-clones",
        400,
    )
    replay = ground.replay(*words)
    end = time.monotonic() + 60
    while replay.process.poll() is None and time.monotonic() < end:
        draft = next(ground.results.glob(".a.run.*"), None)
        if draft is not None and (draft / "001/run.json").exists():
            replay.output = draft / "002"
            if replay.completed() >= 30:
                break
        time.sleep(0.002)
    replay.kill()
    recorded = 50 * PLANNED + replay.completed()
    cleaned = ground.run("clean", ground.results)
    told = f"{50 * PLANNED:,} operations of {ground.output}: smbench-mount recover {ground.output},"
    ground.expect(told in cleaned.stderr, f"clean does not tell of them: {cleaned.stderr}")
    shown = ground.run("report", ground.output)
    ground.expect("was a search that was cut off" in shown.stderr, f"report says {shown.stderr}")
    made = ground.run("recover", ground.output)
    ground.note(made.returncode, made.stderr)
    ground.expect(made.returncode == 137, f"recover ended with {made.returncode}")
    capacity = json.loads((ground.output / "capacity.json").read_text(encoding="utf-8"))
    stopped = [one["stopped"] for one in capacity["curve"]]
    ground.expect(stopped == [None, "killed"], f"the runs were stopped by {stopped}")
    documents = [ground.document(ground.output / one["run"]) for one in capacity["curve"]]
    ground.seen.completed = recorded
    ground.seen.result = sum(document["operations"]["executed"] for document in documents)
    ground.expect(ground.seen.result == recorded, f"recovered {ground.seen.result} of {recorded}")


def _signalled(ground: Ground, name: str) -> None:
    replay = ground.replay().until(30).signal(name)
    status, _ = replay.end()
    ground.expect(status == 128 + signal.Signals[name], f"status {status}")
    document = ground.read(replay)
    ground.expect(document.get("stopped") == name, f"stopped: {document.get('stopped')}")


@case("controller: SIGINT", short=True)
def interrupted(ground: Ground) -> None:
    _signalled(ground, "SIGINT")


@case("controller: SIGTERM")
def terminated(ground: Ground) -> None:
    _signalled(ground, "SIGTERM")


@case("controller: SIGHUP, a closed ssh")
def hung_up(ground: Ground) -> None:
    _signalled(ground, "SIGHUP")


@case("controller: SIGQUIT")
def quitted(ground: Ground) -> None:
    _signalled(ground, "SIGQUIT")


@case("controller: SIGTERM behind the last operation", short=True)
def terminated_behind_the_last(ground: Ground) -> None:
    replay = ground.replay("--speed", 2).until(PLANNED).signal("SIGTERM")
    replay.end()
    document = ground.read(replay)
    ground.expect(document["operations"]["executed"] == PLANNED, "operations are missing")


@case("controller: SIGINT while it writes the result, once")
def interrupted_while_writing(ground: Ground) -> None:
    replay = _writing(ground).signal("SIGINT")
    status, said = replay.end()
    ground.expect(status in (0, 5), f"status {status}")
    ground.expect("once more within 5 s to give up" in said or "writing" not in said, "it does not say how")
    ground.read(replay)


@case("controller: SIGINT while it writes the result, twice")
def interrupted_while_writing_twice(ground: Ground) -> None:
    replay = _writing(ground).signal("SIGINT")
    time.sleep(0.05)
    if replay.process.poll() is None:
        replay.signal("SIGINT")
    replay.end()
    if (ground.output / "run.json").exists():
        ground.read(replay)
    else:
        ground.recover(replay)


def _writing(ground: Ground) -> Replay:
    """A replay that has begun to write its result."""
    replay = ground.replay("--pace", "fast", "--clone", 400, "--users-per-process", 200)
    draft = ground.results / ".a.run.partial/latency.hlog"
    end = time.monotonic() + 120
    while not draft.exists() and replay.process.poll() is None and time.monotonic() < end:
        replay.completed()
        time.sleep(0.001)
    return replay


@case("the folder of -o is removed meanwhile", short=True)
def output_folder_removed(ground: Ground) -> None:
    replay = ground.replay("--speed", 1).until(30)
    shutil.rmtree(ground.results)
    status, said = replay.end()
    ground.expect(status not in (0, 1), f"status {status}")
    ground.expect(str(replay.home) in said, "it does not say where the records are")
    assert replay.home is not None
    ground.results.mkdir()
    ground.recover(replay, replay.home, "-o", ground.results / "b.run")


@case("the disk of -o is full meanwhile", root=True)
def output_disk_full(ground: Ground) -> None:
    ground.small_disk(ground.results, "4M")
    replay = ground.replay("--speed", 1).until(30)
    fill(ground.results)
    status, said = replay.end()
    ground.expect((status, "No space left" in said) == (3, True), f"status {status}: {said[-200:]}")
    ground.recover(replay, None, "-o", ground.folder / "b.run")


@case("the disk of -o is read-only meanwhile", root=True)
def output_read_only(ground: Ground) -> None:
    ground.small_disk(ground.results, "40M")
    replay = ground.replay("--speed", 1).until(30)
    subprocess.run(["mount", "-o", "remount,ro", ground.results], check=True)
    status, said = replay.end()
    ground.expect((status, "Read-only" in said) == (3, True), f"status {status}: {said[-200:]}")
    ground.recover(replay, None, "-o", ground.folder / "b.run")


@case("the disk of -o has no room from the start", root=True)
def output_without_room(ground: Ground) -> None:
    ground.small_disk(ground.results, "64k")
    status, said = ground.replay().end()
    ground.expect((status, "no room for the result" in said) == (3, True), f"status {status}: {said[-200:]}")


@case("two replays to one -o")
def two_to_one_output(ground: Ground) -> None:
    _second_refused(ground, "--force", "--shared-target", output=ground.output)


@case("two replays in one target")
def two_in_one_target(ground: Ground) -> None:
    _second_refused(ground, output=ground.results / "b.run")


def _second_refused(ground: Ground, *words: str, output: Path) -> None:
    """A second replay is, by the first one's process, which goes on."""
    first = ground.replay().until(10)
    status, said = ground.replay(*words, output=output).end()
    ground.expect((status, f"process {first.process.pid}" in said) == (2, True), f"status {status}: {said}")
    first.signal("SIGINT").end()
    ground.read(first)


@case("-o is a link")
def output_is_a_link(ground: Ground) -> None:
    elsewhere = ground.folder / "elsewhere"
    elsewhere.mkdir()
    ground.output.symlink_to(elsewhere)
    status, said = ground.replay().end()
    ground.expect((status, "is a link" in said) == (2, True), f"status {status}: {said}")
    ground.expect(not [*elsewhere.iterdir()], "something was written behind the link")


@case("somebody else's folder appears at -o")
def output_appears(ground: Ground) -> None:
    replay = ground.replay("--speed", 2).until(10)
    ground.output.mkdir()
    (ground.output / "theirs").touch()
    replay.end()
    ground.expect((ground.output / "theirs").exists(), "it was replaced")
    ground.read(replay, ground.results / "a-2.run")


@case("a killed replay's -o is used again")
def output_of_a_killed_one(ground: Ground) -> None:
    first = ground.replay().until(20).kill()
    status, said = ground.replay().end()
    ground.expect((status, "recover" in said) == (2, True), f"status {status}: {said}")
    ground.recover(first)


@case("a worker: SIGKILL", short=True)
def worker_killed(ground: Ground) -> None:
    replay = ground.replay("--speed", 0.5).until(20)
    replay.workers()[0].kill()
    replay.end()
    document = ground.read(replay)
    ground.expect(not document["valid"] and document["workers"]["lost"] == 1, "the lost worker is not said")


@case("all workers: SIGKILL")
def workers_killed(ground: Ground) -> None:
    replay = ground.replay("--speed", 0.5).until(20)
    for worker in replay.workers():
        worker.kill()
    replay.end()
    document = ground.read(replay)
    ground.expect(not document["valid"] and document["workers"]["lost"] == 3, "lost workers are not said")


@case("clean, while another replay goes on")
def cleaned_meanwhile(ground: Ground) -> None:
    dead = ground.replay(output=ground.results / "dead.run").until(10).kill()
    live = ground.replay("--shared-target").until(10)
    told = ground.run("clean", ground.results, "--discard", "--json")
    ground.expect(str(dead.home) in told.stdout and str(live.home) not in told.stdout, told.stdout)
    live.signal("SIGINT").end()
    ground.read(live)


@case("everything: SIGKILL at once, also the workers")
def all_killed(ground: Ground) -> None:
    replay = ground.replay().until(30)
    workers = replay.workers()
    for worker in workers:
        worker.suspend()
    replay.process.kill()
    for worker in workers:
        worker.kill()
    replay.process.communicate()
    psutil.wait_procs(workers, 10)
    ground.recover(replay)
