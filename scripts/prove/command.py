"""What the instrument measures beside what is so: each line a figure, its aim, and whether it is met."""

from __future__ import annotations

import argparse
import importlib
import sys

from helpers.aims import MISSED, warn_if_busy

SUBJECTS = (
    "makespan",
    "omission",
    "merging",
    "working-set",
    "planted",
    "damage",
    "ranks",
    "repeatability",
)
"""Each is a file of scripts/prove: its first line says what it proves, its function `prove` does."""
ASKED_FOR = ("repeatability",)
"""Those that boot the lab, so that they are carried out only where they are named."""


def main() -> None:
    subjects = {name: importlib.import_module(f"prove.{name.replace('-', '_')}") for name in SUBJECTS}
    said = "\n".join(f"{name:14}{(one.__doc__ or '').splitlines()[0]}" for name, one in subjects.items())
    parser = argparse.ArgumentParser(
        description=f"{__doc__}\n\n{said}\n\nWithout a name: all but {', '.join(ASKED_FOR)}.",
        epilog="Exit status 1 where an aim is missed.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("subjects", nargs="*", metavar="SUBJECT", help=f"of {', '.join(SUBJECTS)}")
    options = parser.parse_args()
    if unknown := set(options.subjects) - subjects.keys():
        parser.error(f"there is no subject {', '.join(unknown)}; there are {', '.join(SUBJECTS)}")
    warn_if_busy()
    for name in options.subjects or [name for name in SUBJECTS if name not in ASKED_FOR]:
        subjects[name].prove()
    sys.exit(1 if MISSED else 0)
