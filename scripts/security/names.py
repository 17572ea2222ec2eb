"""Hostile names and links, by prepare, verify, replay and clean, on targets of root's and of an enemy's.

What nobody may touch lies on a mount of its own, which is watched: reads too. Its files are looked at before
and after.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

from helpers.command import TOOL
from helpers.hostile import ENEMY, exchanging, make_outside, names, namespace, plant, snapshot
from helpers.load import OPEN_IF, Load
from helpers.watched import watched

from security.row import Row
from smbench.workload.model import Workload
from smbench.workload.store import write

_NAMES = 2_600
_PLANTED = ("a", "dir", "sub", "top", "clone-0001", "~")
_EXCHANGED = (*_PLANTED, "dir/sub")
_STATUSES = (0, 2, 3, 4, 5)


def rows(short: bool) -> Iterator[Row]:
    """A row for each owner, and for links that stand there and that come and go."""
    for owner in (0, ENEMY):
        for races in (False, True):
            yield _in_mounts_of_its_own(owner, races, _NAMES // 20 if short else _NAMES)


def _in_mounts_of_its_own(owner: int, races: bool, count: int) -> Row:
    whose = "an enemy's" if owner else "root's"
    row = Row(
        f"{count:,} names on a target of {whose}, links {'exchanged in a race' if races else 'planted'}"
    )
    script = "from security.names import inside; inside()"
    path = os.pathsep.join(str(Path(__file__).resolve().parents[level] / name) for level, name in
                           ((1, ""), (2, "tests"), (2, "")))  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="prove-security-") as folder:
        done = subprocess.run(
            ["unshare", "--mount", "--propagation", "private", "--", sys.executable, "-c", script,
             folder, str(owner), str(int(races)), str(count)],
            capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": path},
        )  # fmt: skip
    told = done.stdout.splitlines()
    if done.returncode or not told:
        row.wrong.append(f"it ended with {done.returncode}: {done.stderr[-500:]}")
        return row
    row.cases = int(told[0])
    row.notes = [line.removeprefix("note ") for line in told[1:] if line.startswith("note ")]
    row.wrong = [line.removeprefix("wrong ") for line in told[1:] if line.startswith("wrong ")]
    return row


def inside() -> None:
    """Where mounts are nobody else's: the commands, one after the other, and what they touched."""
    here, owner, races, count = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3] == "1", int(sys.argv[4])
    here.chmod(0o755)
    target = here / "target"
    target.mkdir()
    os.chown(target, owner, owner)
    outside = here / "outside"
    outside.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "none", outside], check=True)
    outside = make_outside(outside)
    _write_workload(here / "w.workload", count)
    before = snapshot(outside)
    commands = (
        ("prepare", "w.workload", "target"),
        ("prepare", "w.workload", "target", "--verify"),
        ("replay", "w.workload", "target", "-o", "a.run", "--pace", "fast", "--force"),
        ("replay", "w.workload", "target", "-o", "b.run", "--pace", "fast", "--force", "--clone", "2"),
        ("prepare", "w.workload", "target", "--clean"),
    )
    wrong, statuses = [], []
    with watched(outside) as watch:
        race = exchanging(target, outside, _EXCHANGED, owner or ENEMY) if races else nullcontext()
        with race:
            for words in commands:
                if not races:
                    _plant(target, outside)
                done = subprocess.run(
                    [TOOL, *words, "-q"], cwd=here, capture_output=True, text=True, check=False
                )
                statuses.append(done.returncode)
                said = done.stdout + done.stderr
                if done.returncode not in _STATUSES or "Traceback" in said or "internal error" in said:
                    wrong.append(f"{' '.join(words)}: status {done.returncode}: {said[-300:]!r}")
        touched = watch.touched()
        (outside / "top").read_text()  # the positive control
        if not any(path.endswith("/top") for _, path in watch.touched()):
            wrong.append("the watch did not see its own control")
        wrong += [f"process {pid} touched {path}" for pid, path in sorted(touched)]
    after = snapshot(outside)
    wrong += [f"{name} is not as it was" for name in before if before[name] != after.get(name)]
    wrong += [f"{name} was made" for name in after.keys() - before.keys()]
    print(count * len(commands))
    print(f"note statuses {statuses}, outside {len(before)} files and folders")
    for why in wrong:
        print(f"wrong {why}".replace("\n", " "))


def _plant(target: Path, outside: Path) -> None:
    """Links in the place of whatever is there."""
    for name in _PLANTED:
        place = target / name
        if place.is_dir() and not place.is_symlink():
            shutil.rmtree(place)
    plant(target, outside, _PLANTED)


def _write_workload(path: Path, count: int) -> None:
    """A file or folder of each name, and an open and a close of each by one of two users."""
    paths = [name for name in names(count * 2) if _can_be_stored(name)][:count]
    load = Load()
    for number, name in enumerate(paths):
        load.opens(number % 2, number, name, OPEN_IF)
        load.closes(number % 2, number)
    entries = [entry for entry in namespace(paths) if entry.path]
    told = load.workload
    write(path, Workload(told.info, told.operations, entries, told.breaks))


def _can_be_stored(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
