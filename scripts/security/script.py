"""Another script of this folder as a line of the table."""

from __future__ import annotations

import subprocess
from pathlib import Path

from security.row import Row

_SCRIPTS = Path(__file__).resolve().parents[1]
_LINES = 12


def carried_out(what: str, cases: int, script: str, *arguments: str) -> Row:
    """It says on stderr what failed, and on stdout the tally; its status is 1 where anything did."""
    done = subprocess.run([_SCRIPTS / script, *arguments], capture_output=True, text=True, check=False)
    row = Row(what, cases, notes=done.stdout.splitlines()[:_LINES])
    if done.returncode:
        row.wrong = done.stderr.splitlines()[:_LINES] or [f"it ended with {done.returncode}"]
    return row
