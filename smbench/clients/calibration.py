"""A calibration: every trial once on a mount, its wire captured, and what each of them had there.

One after the other, and a moment of quiet behind each: what the client sends behind a call's back (a close
that it puts off, the answer to a break) belongs to that call.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from errno import errorcode
from pathlib import Path

from smbench.clients.trials import A_BYTES, TRIALS, Called, Trial
from smbench.clients.wording import BACKGROUND, worded
from smbench.identity import Identity, acting_as
from smbench.trace.model import Exchange

_QUIET_S = 0.06
Marked = Callable[[], int]
"""Marks the moment on the wire, and gives it: nanoseconds since 1970."""


@dataclass(frozen=True, slots=True)
class Tried:
    """One trial, and when it was made: nanoseconds since 1970."""

    name: str
    begun_ns: int
    ended_ns: int
    failed: str = ""
    """The error that the call ended with, by its name (EOPNOTSUPP)."""


def try_all(
    root: Path, mark: Marked, progress: Callable[[int, int], None], identity: Identity | None = None,
    trials: Mapping[str, Trial] = TRIALS,
) -> list[Tried]:  # fmt: skip
    """Make every trial in a folder of its own beneath `root`, which is empty before and after, as `identity`
    (None: as whoever this is)."""
    tried = []
    for number, (name, trial) in enumerate(trials.items(), 1):
        folder = root / f"{number:02d}"
        try:
            with acting_as(identity):
                folder.mkdir()
                (folder / "a").write_bytes(b"a" * A_BYTES)
            tried.append(_try(name, trial(folder), mark, identity))
        finally:
            with acting_as(identity):
                shutil.rmtree(folder, ignore_errors=True)
        progress(number, len(trials))
    return tried


def _try(name: str, trial: Called, mark: Marked, identity: Identity | None) -> Tried:
    with acting_as(identity):
        call = next(trial)
    time.sleep(_QUIET_S)
    begun_ns, failed = mark(), ""
    try:
        with acting_as(identity):
            call()
    except OSError as error:
        failed = errorcode.get(error.errno or 0, str(error))
    time.sleep(_QUIET_S)
    ended_ns = mark()
    with acting_as(identity):
        next(trial, None)
    return Tried(name, begun_ns, ended_ns, failed)


def calls_of(tried: Iterable[Tried], exchanges: Iterable[Exchange], start_ns: int) -> dict[str, list[str]]:
    """By trial, what it put on the wire, in words; behind it the error that the call ended with. `start_ns`:
    when the exchanges' times begin."""
    every = [one for one in exchanges if one.command not in BACKGROUND]
    calls = {}
    for one in tried:
        begun_ns, ended_ns = one.begun_ns - start_ns, one.ended_ns - start_ns
        sent = worded(each for each in every if begun_ns <= each.time_ns < ended_ns)
        calls[one.name] = [*sent, *([f"({one.failed})"] if one.failed else [])]
    return calls
