"""scripts/lab as a process of a measuring script: it writes where the script does, and ends with it."""

from __future__ import annotations

import ctypes
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import IO

LAB = Path(__file__).resolve().parents[2] / "scripts" / "lab"
_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_DONE = (0, 1)
"""What a script in the guest ends with that has measured: all aims met, or not."""


def boot(out: Path, *arguments: object, told: IO[str] | None = None) -> int:
    """Run `scripts/lab --out OUT ARGUMENTS…`; the exit status, 128 + N where signal N came. What it says goes
    to `told`, if that is given.

    A signal is passed on, and waited for until the lab has cleaned up. What a run that was ended, or that
    failed, has put into `out` goes, and `out` itself where it was not there before.
    """
    there = set(out.iterdir()) if out.is_dir() else None
    came: list[int] = []
    lab: list[subprocess.Popen[bytes]] = []

    def pass_on(number: int, _frame: object) -> None:
        came.append(number)
        for process in lab:
            process.send_signal(number)

    before = {number: signal.signal(number, pass_on) for number in _ENDING}
    try:
        process = subprocess.Popen(
            [LAB, "--out", out, *map(str, arguments)],
            stdout=told,
            stderr=told,
            # Ctrl-C reaches it once, from here; and it does not outlive this process (PR_SET_PDEATHSIG).
            start_new_session=True,
            preexec_fn=lambda: ctypes.CDLL(None).prctl(1, signal.SIGTERM, 0, 0, 0),
        )
        lab.append(process)
        if came:
            process.send_signal(came[0])
        status = process.wait()
        if came or status not in _DONE:
            _forget(out, there)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return 128 + came[0] if came else status


def boot_quietly(out: Path, *arguments: object) -> tuple[int, str]:
    """The same for a script that goes on with the status and what was said; not after a signal."""
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as told:
        status = boot(out, *arguments, told=told)
        if status > 128:
            sys.exit(status)
        told.seek(0)
        return status, told.read().strip()


def _forget(out: Path, there: AbstractSet[Path] | None) -> None:
    if there is None:
        shutil.rmtree(out, ignore_errors=True)
        return
    for path in set(out.iterdir()) - there:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
