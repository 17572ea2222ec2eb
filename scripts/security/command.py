"""Attacks, each tried again: names, links, damaged files, senseless traces, processes, passwords.

As root, for the attackers are other users, and with the lab's kernel for the last two. `--short` is what
scripts/test does of it.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import time
from collections.abc import Iterator

from security.row import Row

SUBJECTS = ("names", "attacks", "damaged", "traces", "copies", "guest", "sealed")
"""Each is a file of scripts/security: its first line says what it tries, its function `rows` does."""


def main() -> None:
    subjects = {name: importlib.import_module(f"security.{name}") for name in SUBJECTS}
    said = "\n".join(f"{name:10}{(one.__doc__ or '').splitlines()[0]}" for name, one in subjects.items())
    parser = argparse.ArgumentParser(
        prog="scripts/prove-security", description=f"{__doc__}\n{said}",
        epilog="Exit status 1 where anything went wrong.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("subjects", nargs="*", metavar="SUBJECT", help=f"of {', '.join(SUBJECTS)}")
    parser.add_argument("--short", action="store_true", help="a twentieth of the cases")
    options = parser.parse_args()
    if unknown := set(options.subjects) - subjects.keys():
        parser.error(f"there is no subject {', '.join(unknown)}; there are {', '.join(SUBJECTS)}")
    if os.geteuid() != 0:
        parser.error("the attackers are other users, whom only root can become: call it as root")
    wrong = 0
    print(f"{'what':66} {'cases':>6} {'wrong':>6} {'s':>6}")
    for name in options.subjects or SUBJECTS:
        for row, took_s in _timed(subjects[name].rows(options.short)):
            print(f"{row.what:66} {row.cases:6} {len(row.wrong):6} {took_s:6.0f}", flush=True)
            for note in row.notes:
                print(f"    {note}", flush=True)
            for why in row.wrong:
                print(f"    WRONG: {why}", flush=True)
            wrong += bool(row.wrong) or not row.cases
    print("all as it should be" if not wrong else f"{wrong} lines are not as they should be")
    sys.exit(1 if wrong else 0)


def _timed(rows: Iterator[Row]) -> Iterator[tuple[Row, float]]:
    began = time.monotonic()
    for row in rows:
        yield row, time.monotonic() - began
        began = time.monotonic()
