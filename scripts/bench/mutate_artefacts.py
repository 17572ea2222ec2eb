"""Damaged artefacts through the commands that read them: no traceback, no hang, always the file's name.

    scripts/mutate-artefacts [N] [--seed 1] [--jobs 2] [--deadline 60] [--within SECONDS] [--from NUMBER]

Makes a workload, a run, a prepared folder and the other files that commands read, and N times (default 2000)
damages one of them (tests/helpers/damage.py) and reads it by a command in a process of its own, as
tests/integration/test_damaged.py does for 300; prints what failed, the tally by what became of it, and how
much memory commands had at most. Exit status 1 where anything failed, or took too much memory.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from helpers.damaged import GOOD, MOST_RESIDENT, Bench, Case


def main() -> int:
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("count", type=int, nargs="?", default=2000)
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    arguments.add_argument("--deadline", type=float, default=60.0, help="seconds for one command")
    arguments.add_argument("--within", type=float, help="seconds after which none is begun any more")
    arguments.add_argument("--from", dest="first", type=int, default=0, help="the number of the first case")
    options = arguments.parse_args()
    began, fates, by_file = time.monotonic(), Counter[str](), Counter[tuple[str, str]]()
    by_damage, largest = Counter[str](), dict[str, int]()
    with tempfile.TemporaryDirectory(prefix="mutate-") as folder:
        bench = Bench(Path(folder) / "whole", options.deadline)

        def one(number: int) -> Case | None:
            late = options.within is not None and time.monotonic() - began > options.within
            return None if late else bench.one(options.seed, number)

        with ThreadPoolExecutor(options.jobs) as pool:
            for case in filter(None, pool.map(one, range(options.first, options.first + options.count))):
                fates[case.fate] += 1
                by_file[Path(case.subject.path).name, case.fate] += 1
                by_damage[case.damage] += 1
                largest[case.damage] = max(largest.get(case.damage, 0), case.ended.resident)
                if case.fate not in GOOD:
                    print(case, file=sys.stderr, flush=True)
    print(f"{fates.total()} damaged artefacts, seed {options.seed}, {time.monotonic() - began:.0f} s")
    for fate, count in fates.most_common():
        print(f"{count:6}  {fate}")
    for (name, fate), count in sorted(by_file.items()):
        print(f"{count:12}  {name}: {fate}")
    print(f"in memory at most, MiB, by damage ({MOST_RESIDENT >> 20} may be; nothing: what whole ones take)")
    largest["nothing"], by_damage["nothing"] = max(bench.resident.values(), default=0), len(bench.resident)
    for damage, resident in sorted(largest.items(), key=lambda item: -item[1]):
        print(f"{resident >> 20:6}  {damage} ({by_damage[damage]} times)")
    return int(any(fate not in GOOD for fate in fates))
