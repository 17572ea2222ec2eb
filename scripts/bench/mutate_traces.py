"""Senseless traces through the trace's store and the lift: never an error, never a hang, coverage that sums.

    scripts/mutate-traces [N] [--from 0] [--jobs 2] [--deadline 60]

N times (default 2000) makes exchanges that no client and no server would send (tests/helpers/senseless.py),
writes and reads them, every third time with what the store cannot hold instead, lifts them and reads the
workload, in other processes within a time and 1 GiB of memory. Prints what failed, by its number, and
the tally. Exit status 1 where anything failed.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from helpers.senseless import senseless
from helpers.trials import Fate, Tally, Trials
from helpers.whole_way import of_exchanges


def one(bench: Trials, number: int) -> Fate:
    """One trace, in another process."""
    with tempfile.TemporaryDirectory(prefix="mutate-") as folder:
        fate = bench.tried(number, Path(folder))
    if not fate.good:
        print(f"{number}: {fate.word}", file=sys.stderr, flush=True)
    return fate


def lift_one(number: int, into: Path) -> str:
    """What becomes of a trace by its number."""
    beyond = number % 3 == 0
    return of_exchanges(*senseless(number, beyond=beyond), into, stored=not beyond)


def main() -> int:
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("count", type=int, nargs="?", default=2000)
    arguments.add_argument("--from", dest="first", type=int, default=0, help="the number of the first trace")
    arguments.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    arguments.add_argument("--deadline", type=float, default=60.0, help="seconds of CPU for one trace")
    options = arguments.parse_args()
    bench, tally = Trials(lift_one, options.deadline), Tally()
    numbers = range(options.first, options.first + options.count)
    with ThreadPoolExecutor(options.jobs) as pool:
        for fate in pool.map(lambda number: one(bench, number), numbers):
            tally.add(fate)
    print(*tally.lines(f"senseless traces from {options.first} on"), sep="\n")
    return int(tally.failed > 0)
