"""Notifications in whole runs: answered by another user's change, or ended when nobody is left to answer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from helpers.load import Load
from helpers.ran import written
from wine.conftest import Users

from smbench.plan import Pace, plan_run
from smbench.runner.run import RunOptions, run
from smbench.smb2.ntstatus import Status
from smbench.workload.calls import Close, Create, MakeDirectory, Notify, Open

NAMES = 0x3
DEADLINE_S = 60.0


def opens_root(handle: int) -> Open:
    return Open(handle, "", Create(0x00100081, 7, 1, 1, 0), directory=True)


def carry_out(load: Load, root: Path, directory: Path, pace: Pace) -> dict[str, Any]:
    workload = load.workload
    users = [user.name for user in workload.info.trace.users]
    options = RunOptions(executor="win32", roots=[root] * len(users), deadline_s=DEADLINE_S)
    directory.mkdir()
    return written(run(plan_run(workload, users, pace=pace), workload, options), directory)


@pytest.mark.parametrize("pace", [Pace.FAST, Pace.ORIGINAL])
def test_a_notification_without_an_end_does_not_keep_the_run(
    users: Users, tmp_path: Path, pace: Pace
) -> None:
    load = Load(step_ns=10_000_000)
    load.add(0, opens_root(1))
    load.add(0, Notify(1, NAMES, False), lane=1, takes_ns=-1, expected=None)
    document = carry_out(load, users.root, tmp_path / "x.run", pace)
    assert document["stopped"] is None, "it ended by itself"
    counted = {
        name: document["operations"][name] for name in ("planned", "executed", "matched", "unanswered")
    }
    # What the capture has no answer for is carried out and compared with nothing.
    assert counted == {"planned": 2, "executed": 2, "matched": 1, "unanswered": 1}


def test_a_notification_is_answered_by_another_user(users: Users, tmp_path: Path) -> None:
    load = Load(step_ns=10_000_000)
    load.add(0, opens_root(1))
    waits_ns = 50 * load.step_ns
    load.add(0, Notify(1, NAMES, False), lane=1, takes_ns=waits_ns, expected=0)
    load.now_ns += 20 * load.step_ns
    load.add(1, MakeDirectory("new"))
    load.now_ns += waits_ns
    load.add(0, Close(1))
    document = carry_out(load, users.root, tmp_path / "x.run", Pace.ORIGINAL)
    assert document["mismatches"] == []
    assert document["operations"]["matched"] == 4


@pytest.mark.parametrize("pace", [Pace.FAST, Pace.ORIGINAL])
def test_what_comes_between_two_notifications_answers_the_second(
    users: Users, tmp_path: Path, pace: Pace
) -> None:
    load = Load(step_ns=50_000_000)
    load.add(0, opens_root(1))
    load.add(0, Notify(1, NAMES, False), lane=1, takes_ns=3 * load.step_ns // 2)
    load.add(1, MakeDirectory("first"))
    load.add(1, MakeDirectory("second"))
    load.add(0, Notify(1, NAMES, False), lane=1)
    load.add(0, Close(1))
    document = carry_out(load, users.root, tmp_path / "x.run", pace)
    assert document["mismatches"] == []
    assert document["operations"]["matched"] == 6


def test_a_notification_ends_with_the_close_that_ended_it(users: Users, tmp_path: Path) -> None:
    load = Load(step_ns=10_000_000)
    load.add(0, opens_root(1))
    load.add(
        0, Notify(1, NAMES, False), lane=1, takes_ns=50 * load.step_ns, expected=int(Status.NOTIFY_CLEANUP)
    )
    load.now_ns += 20 * load.step_ns
    load.add(0, Close(1))
    document = carry_out(load, users.root, tmp_path / "x.run", Pace.ORIGINAL)
    assert document["mismatches"] == []
    assert document["operations"]["matched"] == 3
