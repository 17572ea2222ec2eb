"""The command by sudo on real mounts, in the lab: processes and their rights, passwords, kills."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from helpers.guest import Guest, stories_of

from security.row import Row

INSIDE = Path(__file__).resolve().parents[2] / "tests/kernel/privileged_inside.py"
_KILLS = 20
_GUEST_S = 3_000


def rows(short: bool) -> Iterator[Row]:
    """A row a story; the table of a replay's processes as notes."""
    os.environ["SECURITY_KILLS"] = str(_KILLS // 10 if short else _KILLS)
    with tempfile.TemporaryDirectory(prefix="prove-security-") as out:
        guest = Guest(INSIDE, Path(out), deadline_s=_GUEST_S)
        for story in stories_of(INSIDE):
            row = Row(story.removeprefix("test_").replace("_", " "), 1)
            try:
                guest.tell(story)
            except AssertionError as error:
                row.wrong.append(str(error)[-600:])
            table = Path(out, "processes.txt")
            if "helper" in story and table.exists():
                row.notes = table.read_text(encoding="utf-8").splitlines()
            yield row
