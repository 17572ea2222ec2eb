"""What a user's client is told before the clock starts."""

from __future__ import annotations

from pathlib import Path

from helpers.load import READ, WRITE, Load

from smbench.executors.base import KeptBreak
from smbench.plan import Pace, clone, plan_run
from smbench.runner.warming import kept_breaks_by_user
from smbench.workload.model import Break
from smbench.workload.store import StoredOperations, read, write

S = 10**9


def test_breaks_that_a_close_answered(tmp_path: Path) -> None:
    load = Load()
    for user, handle in ((0, 1), (1, 2), (1, 3)):
        load.opens(user, handle, "a", READ | WRITE)
    closed_ns = 5 * S
    for user, handle in ((0, 1), (1, 2), (1, 3)):
        load.closes(user, handle, at_ns=closed_ns + handle * 1000)
    load.breaks += [
        Break(1, 4 * S, 0, closed_ns + 1000),
        Break(1, 3 * S, 3, 3 * S + 5),
        Break(2, 4 * S, 3, 4 * S + 5),
        Break(3, 4 * S, 3, -1),
    ]
    write(tmp_path / "w", load.workload)
    stored = read(tmp_path / "w")
    assert isinstance(stored.operations, StoredOperations)
    plan = plan_run(stored, load.users, pace=Pace.ORIGINAL, speed=2.0)
    kept = kept_breaks_by_user(stored.operations, stored.breaks, clone(plan, 2))
    assert kept == [{1: KeptBreak(1, S // 2 + 500 + 250_000_000)}, {}] * 2
