"""All stands still for a while, or a worker does; nothing is measured; the clock is set."""

from __future__ import annotations

import subprocess
import time

import psutil

from faults.ground import PLANNED, Ground, Replay, case


def _suspended(processes: list[psutil.Process], seconds: float) -> None:
    for one in processes:
        one.suspend()
    time.sleep(seconds)
    for one in processes:
        one.resume()


def _told(ground: Ground, replay: Replay, who: str) -> None:
    replay.end()
    document = ground.read(replay)
    periods = document.get("stood_still", {}).get("periods", [])
    ground.expect(not document.get("valid", True), "it is called valid")
    ground.expect(any(who in period["who"] for period in periods), f"who stood still: {periods}")
    ground.expect(any(period["lasted_s"] > 3 for period in periods), f"how long: {periods}")


@case("controller and workers: SIGSTOP for 4 s", short=True)
def all_stopped(ground: Ground) -> None:
    replay = ground.replay("--speed", 1).until(20)
    _suspended(replay.all(), 4)
    _told(ground, replay, "controller")


@case("a worker: SIGSTOP for 4 s")
def worker_stopped(ground: Ground) -> None:
    replay = ground.replay("--speed", 1).until(20)
    _suspended(replay.workers()[:1], 4)
    _told(ground, replay, "worker")


@case("the controller: SIGSTOP for 4 s")
def controller_stopped(ground: Ground) -> None:
    replay = ground.replay("--speed", 1).until(20)
    _suspended([psutil.Process(replay.process.pid)], 4)
    _told(ground, replay, "controller")


@case("a worker: SIGSTOP for good, and Ctrl-C")
def worker_stopped_for_good(ground: Ground) -> None:
    replay = ground.replay("--speed", 1).until(20)
    replay.workers()[0].suspend()
    time.sleep(3)
    replay.signal("SIGINT").end()
    document = ground.read(replay)
    ground.expect(not document.get("valid", True), "it is called valid")


def _clock_set(ground: Ground, hours: int) -> None:
    ground.undo.append(
        lambda: subprocess.run(["date", "-s", f"{-hours} hour"], capture_output=True, check=False)
    )
    replay = ground.replay("--speed", 0.5).until(20)
    subprocess.run(["date", "-s", f"{hours} hour"], capture_output=True, check=True)
    replay.end()
    document = ground.read(replay)
    sets = [one["by_s"] for one in document.get("clock_sets", [])]
    ground.expect(any(abs(one - 3600 * hours) < 60 for one in sets), f"clock_sets: {sets}")
    ground.expect(not document.get("valid", True), "it is called valid")


@case("the clock is set forward by an hour", lab=True)
def clock_forward(ground: Ground) -> None:
    _clock_set(ground, 1)


@case("the clock is set back by an hour", lab=True)
def clock_back(ground: Ground) -> None:
    _clock_set(ground, -1)


@case("--deadline of a millisecond")
def deadline_at_once(ground: Ground) -> None:
    replay = ground.replay("--speed", 1, "--deadline", "0.001")
    status, _ = replay.end()
    document = ground.read(replay)
    ground.expect(
        (status, document.get("valid")) == (5, False), f"status {status}, valid {document.get('valid')}"
    )


@case("--warm-up longer than the workload")
def warm_up_too_long(ground: Ground) -> None:
    status, _ = ground.replay("--speed", 1, "--warm-up", "1h").end()
    ground.expect(status == 2, f"status {status}")


@case("--deadline in the middle")
def deadline_in_the_middle(ground: Ground) -> None:
    replay = ground.replay("--speed", 1, "--deadline", "3")
    replay.end()
    document = ground.read(replay)
    ground.expect(document.get("status") == "cut-off", f"status in run.json: {document.get('status')}")
    ground.expect(0 < (ground.seen.result or 0) < PLANNED, f"{ground.seen.result} operations")
