"""This program where every user may read it, wherever it is installed: as a package of a system would be."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import smbench

LIBRARY = Path(os.__file__).parent


def reachable(scratch: Path, closed: bool = False) -> list[str]:
    """What stands before a command in whose mounts that is so; `scratch` is an empty folder. Takes root.
    `closed`: the standard library is then root's alone."""
    lines = _mounts(scratch, {**dict.fromkeys(_closed(), 0o755), **({LIBRARY: 0o700} if closed else {})})
    script = " && ".join([*lines, 'exec "$@"'])
    return ["unshare", "--mount", "--propagation", "private", "--", "sh", "-c", script, "sh"]


def make_reachable(scratch: Path) -> None:
    """On this machine, for good: the lab's guest."""
    subprocess.run(["sh", "-c", " && ".join(_mounts(scratch, dict.fromkeys(_closed(), 0o755)))], check=True)


def can_be_reachable(scratch: Path) -> bool:
    done = subprocess.run([*reachable(scratch, closed=True), "true"], capture_output=True, check=False)
    return done.returncode == 0


def _closed() -> list[Path]:
    """The folders above this program that others may not pass."""
    found = []
    for program in (Path(sys.executable), Path(sys.executable).resolve(), LIBRARY, Path(smbench.__file__)):
        shut = (folder for folder in reversed(program.parents) if folder.stat().st_mode & 0o005 != 0o005)
        found += [folder for folder, _ in zip(shut, range(1), strict=False)]
    return list(dict.fromkeys(found))


def _mounts(scratch: Path, modes: Mapping[Path, int]) -> list[str]:
    """Commands that give folders other modes, each beneath an overlay: nothing of the machine is changed."""
    lines = [f"mount -t tmpfs none '{scratch}'"]
    for number, (folder, mode) in enumerate(modes.items()):
        upper, work = scratch / f"upper-{number}", scratch / f"work-{number}"
        lines += [
            f"mkdir '{upper}' '{work}'",
            f"chmod {mode:o} '{upper}'",
            f"mount -t overlay none -o 'lowerdir={folder},upperdir={upper},workdir={work}' '{folder}'",
        ]
    return lines
