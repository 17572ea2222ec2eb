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
from typing import Generic, TypeVar

from smbench.clients.trials import A_BYTES, TRIALS, Called, Trial
from smbench.clients.wording import BACKGROUND, worded
from smbench.identity import Identity, acting_as
from smbench.trace.model import Exchange

_QUIET_S = 0.06
Moment = TypeVar("Moment")
"""What tells what was sent between two: a time on the wire, or what the client has counted until then."""


@dataclass(frozen=True, slots=True)
class Tried(Generic[Moment]):
    """One trial, between two moments."""

    name: str
    begun: Moment
    ended: Moment
    failed: str = ""
    """The error that the call ended with, by its name (EOPNOTSUPP)."""


def try_all(
    root: Path, mark: Callable[[], Moment], progress: Callable[[int, int], None],
    identity: Identity | None = None, trials: Mapping[str, Trial] = TRIALS, quiet_s: float = _QUIET_S,
) -> list[Tried[Moment]]:  # fmt: skip
    """Make every trial in a folder of its own beneath `root`, which is empty before and after, as `identity`
    (None: as whoever this is). `mark` gives the moment; `quiet_s`: how long it is quiet before each and
    behind it."""
    tried = []
    for number, (name, trial) in enumerate(trials.items(), 1):
        folder = root / f"{number:02d}"
        try:
            with acting_as(identity):
                folder.mkdir()
                (folder / "a").write_bytes(b"a" * A_BYTES)
            tried.append(_try(name, trial(folder), mark, identity, quiet_s))
        finally:
            with acting_as(identity):
                shutil.rmtree(folder, ignore_errors=True)
        progress(number, len(trials))
    return tried


def _try(
    name: str, trial: Called, mark: Callable[[], Moment], identity: Identity | None, quiet_s: float
) -> Tried[Moment]:
    with acting_as(identity):
        call = next(trial)
    time.sleep(quiet_s)
    begun, failed = mark(), ""
    try:
        with acting_as(identity):
            call()
    except OSError as error:
        failed = errorcode.get(error.errno or 0, str(error))
    time.sleep(quiet_s)
    ended = mark()
    with acting_as(identity):
        next(trial, None)
    return Tried(name, begun, ended, failed)


def calls_of(
    tried: Iterable[Tried[int]], exchanges: Iterable[Exchange], start_ns: int
) -> dict[str, list[str]]:
    """By trial, what it put on the wire, in words; behind it the error that the call ended with. Moments are
    nanoseconds since 1970; `start_ns`: when the exchanges' times begin."""
    every = [one for one in exchanges if one.command not in BACKGROUND]
    calls = {}
    for one in tried:
        begun_ns, ended_ns = one.begun - start_ns, one.ended - start_ns
        sent = worded(each for each in every if begun_ns <= each.time_ns < ended_ns)
        calls[one.name] = [*sent, *([f"({one.failed})"] if one.failed else [])]
    return calls
