"""Many kills by chance, and a long run in which nothing may grow."""

from __future__ import annotations

import os
import random
import shutil
import time
from pathlib import Path

import numpy as np
import psutil

from faults.ground import PLANNED, Ground, case

_SEED = 15
_LOOPS = 1_000_000
"""More than a soak comes to."""
_MAY_GROW = {"MB": 20, "descriptors": 0, "threads": 0, "folders": 1, "mounts": 3}
"""From the second quarter of a soak to the last, in the median."""
_COME_AND_GO = ("folders", "mounts")
"""With each loop: of these it is the most, as a quarter of a short soak has a loop or two."""


def _kills(ground: Ground, times: int) -> None:
    """Every second one at a moment of the clock, also before the first operation and behind the last; the
    others in the middle of the run, however long it takes to begin, and half of those of the controller."""
    dice = random.Random(_SEED)
    lost = recovered = completed = result = middle = 0
    for number in range(times):
        output = ground.results / f"{number}.run"
        replay = ground.replay("--speed", 0.5, output=output)
        if number % 2 == 0:
            replay.until(dice.randint(1, PLANNED - 1))
        else:
            # Mounting takes its time.
            until = time.monotonic() + dice.uniform(0.2, 15 if ground.share else 6)
            while time.monotonic() < until and replay.process.poll() is None:
                replay.completed()
                time.sleep(0.01)
        victims = replay.all() if replay.process.poll() is None else []
        if victims:
            (victims[0] if number % 4 == 0 else dice.choice(victims)).kill()
        replay.process.communicate(timeout=60)
        recorded = replay.completed()
        middle += bool(victims) and 0 < recorded < PLANNED
        if not (output / "run.json").exists() and recorded:
            made = ground.run("recover", output)
            ground.expect(made.returncode not in (1, 2, 3), f"kill {number}: {made.stderr[-200:]}")
            recovered += 1
        executed = ground.document(output).get("operations", {}).get("executed", 0)
        lost += max(recorded - executed, 0)
        completed, result = completed + recorded, result + executed
        if ground.share:
            ground.run("umount")
        ground.run("clean", ground.results)
        shutil.rmtree(output, ignore_errors=True)
        left = ground.leftovers()
        ground.expect(not left, f"kill {number} left {left}")
    ground.seen.completed, ground.seen.result = completed, result
    ground.seen.said = f"{times} kills, {middle} in the middle of a run, {recovered} results recovered"
    ground.expect(lost == 0, f"{lost} records lost")
    ground.expect(recovered > 0, "no kill left a run without its result: nothing was shown")


@case("5 kills of a process by chance", short=True)
def five_kills(ground: Ground) -> None:
    _kills(ground, 5)


@case("60 kills of a process by chance")
def random_kills(ground: Ground) -> None:
    _kills(ground, 60)


@case("40 kills of a process by chance, with mounts", lab=True)
def random_kills_mounted(ground: Ground) -> None:
    _kills(ground, 40)


@case("a replay of many loops, with mounts that come and go (FAULTS_SOAK_S seconds, 60 without)", lab=True)
def soak(ground: Ground) -> None:
    lasts_s = float(os.environ.get("FAULTS_SOAK_S", "60"))
    replay = ground.replay("--pace", "fast", "--loop", _LOOPS)
    controller = psutil.Process(replay.process.pid)
    samples = []
    begun = time.monotonic()
    while replay.process.poll() is None and time.monotonic() < begun + lasts_s:
        try:
            folders = sum(path.is_dir() for path in Path("/dev/shm").rglob("*"))
            mounts = len([*Path("/run/smbench-mount").glob("*/user*")])
            memory_mb = controller.memory_info().rss / 1e6
            samples.append((memory_mb, controller.num_fds(), controller.num_threads(), folders, mounts))
        except (psutil.Error, OSError):
            pass
        time.sleep(0.5)
    status, _ = replay.signal("SIGINT").end(600)
    ground.expect(status == 130, f"status {status}")
    document = ground.read(replay)
    quarter = max(len(samples) // 4, 1)
    early, late = np.array(samples[quarter : 2 * quarter]), np.array(samples[-quarter:])
    told = []
    for number, (name, most) in enumerate(_MAY_GROW.items()):
        of = np.max if name in _COME_AND_GO else np.median
        first, last = of(early[:, number]), of(late[:, number])
        told.append(f"{name} {first:.0f} to {last:.0f}")
        ground.expect(last - first <= most, f"{name} grew from {first:.0f} to {last:.0f}")
    loops = document.get("operations", {}).get("executed", 0) // PLANNED
    ground.seen.said = f"{loops} loops in {lasts_s:.0f} s: {', '.join(told)}"
