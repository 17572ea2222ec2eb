"""The attacks that were once shown, each by the tests that hold it off."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from security.row import Row

ROOT = Path(__file__).resolve().parents[2]
ATTACKS: Mapping[str, tuple[str, ...]] = {
    "code planted in the folder of the call, by PYTHON variables, .pth": (
        "tests/unit/privileged/test_helper.py", "tests/integration/test_scripts.py",
    ),
    "requests to the helper: of others, of other forms, of other options": ("tests/unit/privileged",),
    "what the caller of sudo may not, the command may not": ("tests/integration/test_becoming.py",),
    "a line of sudoers for the helper: other users, other files": ("tests/integration/test_sudoers.py",),
    "folders exchanged for links, notes of strangers, own names": (
        "tests/unit/prepare", "tests/integration/test_own_names.py", "tests/unit/paths",
    ),
    "outputs through links, and in places that were taken meanwhile": (
        "tests/unit/pipeline/test_partial.py", "tests/integration/test_interrupted_load.py",
    ),
    "text that does something to a terminal, a page, a spreadsheet": (
        "tests/integration/test_hostile_text.py", "tests/unit/cli/test_terminal.py",
    ),
    "mount options that say whose, where or what may be run": ("tests/unit/privileged/test_allowed.py",),
    "tshark: more rights, network, core dumps, memory, time": ("tests/unit/test_confined.py",),
    "packed captures that unpack without end": ("tests/unit/capture/test_reading.py",),
    "passwords in memory that is another user's": ("tests/unit/test_secret.py",),
    "workers: rights, groups, capabilities": ("tests/integration/test_rights.py",),
}  # fmt: skip
"""What it was, and where it is tried."""
_LAST = re.compile(r"^(?:=+ )?((?:\d+ \w+(?:, )?)+) in ")


def rows(short: bool) -> Iterator[Row]:
    """A row an attack; the short form is the same: they are fast."""
    del short
    for what, where in ATTACKS.items():
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", *where],
            cwd=ROOT, capture_output=True, text=True, check=False,
        )  # fmt: skip
        tally = next(
            (found[1] for line in reversed(done.stdout.splitlines()) if (found := _LAST.match(line))), ""
        )
        counts = {word: int(number) for number, word in re.findall(r"(\d+) (\w+)", tally)}
        row = Row(what, counts.get("passed", 0))
        row.wrong = [line for line in done.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
        if done.returncode and not row.wrong:
            row.wrong.append(f"pytest ended with {done.returncode}: {done.stdout[-300:]}")
        if counts.get("skipped"):
            row.notes.append(f"{counts['skipped']} skipped (pytest -rs says why)")
        yield row
