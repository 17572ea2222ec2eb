"""Damaged captures through the whole of ingest: never a traceback, never a hang, coverage that sums.

    scripts/mutate-captures [--count 500] [--seed 1] [--jobs 2] [--deadline 60] [--keep FOLDER] [CAPTURE…]

Takes the shipped capture and those of the folder beside the project (or the ones named), mostly some packets
in a row of one, damages each copy in up to 20 places (tests/helpers/mutate.py), decodes, lifts and inspects
it, in other processes within a time and 1 GiB of memory, and prints the tally. What fails is kept in
FOLDER with its number, so that it can be looked at. Exit status 1 where anything failed.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from helpers.mutate import excerpt, mutated
from helpers.trials import Fate, Tally, Trials
from helpers.whole_way import of_capture

ROOT = Path(__file__).resolve().parents[2]


def one(bench: Trials, sources: Sequence[Path], seed: int, number: int, keep: Path | None) -> Fate:
    """Damage one capture, ingest it in another process, and say what became of it."""
    chance = random.Random(f"{seed} {number}")
    source = sources[number % len(sources)]
    with tempfile.TemporaryDirectory(prefix="mutate-") as folder:
        capture = Path(folder) / f"{number}-{source.name}"
        data = source.read_bytes()
        capture.write_bytes(mutated(excerpt(data, chance) if chance.random() < _IN_PART else data, chance))
        (Path(folder) / "w").mkdir()
        fate = bench.tried(capture, Path(folder, "w"))
        if not fate.good:
            print(f"{number} {source.name}: {fate.word}", file=sys.stderr, flush=True)
            if keep is not None:
                keep.mkdir(parents=True, exist_ok=True)
                capture.rename(keep / capture.name)
        return fate


_IN_PART = 0.9


def main() -> int:
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("captures", type=Path, nargs="*")
    arguments.add_argument("--count", type=int, default=500)
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    arguments.add_argument("--deadline", type=float, default=60.0, help="seconds of CPU for one capture")
    arguments.add_argument("--keep", type=Path)
    options = arguments.parse_args()
    shared = ROOT.parent / "shared" / "captures"
    sources = options.captures or [
        *sorted((ROOT / "tests" / "captures").glob("*.pcap*")), *sorted(shared.glob("*.pcap*"))
    ]  # fmt: skip
    bench, tally = Trials(of_capture, options.deadline), Tally()
    with ThreadPoolExecutor(options.jobs) as pool:
        for fate in pool.map(
            lambda number: one(bench, sources, options.seed, number, options.keep),
            range(options.count),
        ):
            tally.add(fate)
    print(*tally.lines(f"damaged captures of {len(sources)}, seed {options.seed}"), sep="\n")
    return int(tally.failed > 0)
