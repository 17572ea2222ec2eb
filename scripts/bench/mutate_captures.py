"""Damaged captures through the whole of ingest: never a traceback, never a hang, coverage that sums.

    scripts/mutate-captures [--count 500] [--seed 1] [--jobs 2] [--deadline 60] [--keep FOLDER] [CAPTURE…]

Takes the shipped capture and those of the folder beside the project (or the ones named), damages each copy in
up to 20 places (tests/helpers/mutate.py), decodes, lifts and inspects it, and prints the tally. What fails is
kept in FOLDER with its number, so that it can be looked at. Exit status 1 where anything failed.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import random
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from helpers.mutate import mutated

from smbench.capture.decode import decode
from smbench.errors import SmbenchError
from smbench.lift.lift import lift
from smbench.report.inspection import inspection
from smbench.workload.store import read

ROOT = Path(__file__).resolve().parents[2]


def ingested(capture: Path, into: Path) -> str:
    """What became of one capture, in a word."""
    try:
        lift(decode([capture], into), into)
        document = inspection(read(into))
    except SmbenchError as error:
        return "refused in more than one line" if "\n" in str(error) else "refused in one sentence"
    stored = read(into).info
    sums = (
        sum(document["coverage"].values()),
        sum(document["commands"].values()),
        sum(row.count for row in stored.coverage),
    )
    return "ingested" if set(sums) == {document["exchanges"]} else f"coverage does not sum: {sums}"


def child(capture: str, into: str, said: multiprocessing.connection.Connection) -> None:
    try:
        said.send(ingested(Path(capture), Path(into)))
    except BaseException:
        said.send(traceback.format_exc())


def one(sources: Sequence[Path], seed: int, number: int, deadline_s: float, keep: Path | None) -> str:
    """Damage one capture, ingest it in a process of its own, and say what became of it."""
    chance = random.Random(f"{seed} {number}")
    source = sources[number % len(sources)]
    with tempfile.TemporaryDirectory(prefix="mutate-") as folder:
        capture = Path(folder) / f"{number}-{source.name}"
        capture.write_bytes(mutated(source.read_bytes(), chance))
        (Path(folder) / "w").mkdir()
        ours, theirs = FORK.Pipe(duplex=False)
        process = FORK.Process(target=child, args=(str(capture), f"{folder}/w", theirs))
        process.start()
        theirs.close()
        try:
            fate = ours.recv() if ours.poll(deadline_s) else f"hangs for more than {deadline_s:g} s"
        except EOFError:
            fate = "died"
        if process.is_alive() and fate.startswith("hangs"):
            process.terminate()
        process.join()
        if fate not in GOOD:
            print(f"{number} {source.name}: {fate}", file=sys.stderr, flush=True)
            if keep is not None:
                keep.mkdir(parents=True, exist_ok=True)
                capture.rename(keep / capture.name)
        return fate


GOOD = ("ingested", "refused in one sentence")
FORK = multiprocessing.get_context("forkserver")


def main() -> int:
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("captures", type=Path, nargs="*")
    arguments.add_argument("--count", type=int, default=500)
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    arguments.add_argument("--deadline", type=float, default=60.0, help="seconds for one capture")
    arguments.add_argument("--keep", type=Path)
    options = arguments.parse_args()
    shared = ROOT.parent / "shared" / "captures"
    sources = options.captures or [
        *sorted((ROOT / "tests" / "captures").glob("*.pcap*")), *sorted(shared.glob("*.pcap*"))
    ]  # fmt: skip
    began, tally = time.monotonic(), Counter[str]()
    FORK.set_forkserver_preload(["helpers.mutate", "smbench.capture.decode", "smbench.lift.lift", __name__])
    with ThreadPoolExecutor(options.jobs) as pool:
        for fate in pool.map(
            lambda number: one(sources, options.seed, number, options.deadline, options.keep),
            range(options.count),
        ):
            tally[fate.strip().splitlines()[-1]] += 1
    seconds = time.monotonic() - began
    print(f"{options.count} damaged captures of {len(sources)}, seed {options.seed}, {seconds:.0f} s")
    for fate, count in tally.most_common():
        print(f"{count:6}  {fate}")
    return int(any(fate not in GOOD for fate in tally))
