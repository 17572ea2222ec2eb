"""Calls that never came back: their names, and what is said of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from helpers.load import Load

from smbench.measure.oplog import COMPLETED
from smbench.plan import plan_run
from smbench.plan.amplify import clone
from smbench.runner.call_file import stored
from smbench.runner.heartbeat import InFlight
from smbench.runner.unfinished import named, sentences, unfinished_calls
from smbench.workload.calls import Stat

S = 1_000_000_000
START = 100 * S


def test_each_is_named_with_its_user_and_since_when(tmp_path: Path) -> None:
    load = Load()
    for number in range(4):
        load.add(number % 2, Stat(f"folder/{number}"), lane=0)
    plan = clone(plan_run(load.workload, load.users), 2, stagger_ns=0, users_per_process=1)
    records = np.zeros((plan.operations, 3), np.int64)
    records[0, COMPLETED] = START + 1
    found = [
        InFlight(3, 7, START + 2 * S, START + 9 * S),
        InFlight(1, 2, START + 1 * S, START + 9 * S),
        InFlight(0, 0, START, START + 9 * S),  # which came back
    ]
    calls = unfinished_calls(plan, found, records, START)
    assert calls.places.tolist() == [2, 7]
    assert (calls.until_ns - calls.issued_ns).tolist() == [8 * S, 7 * S]
    told = named(calls, plan, stored(load.workload, tmp_path))
    assert [(one.user, one.path, one.operation, one.issued_s, one.lasted_s) for one in told] == [
        ("bob@1", "folder/1", 1, 1.0, 8.0), ("bob@2", "folder/3", 3, 2.0, 7.0),
    ]  # fmt: skip
    assert sentences(told)[0] == (
        "a call hangs: Stat of bob@1 on 'folder/1' (operation 1), in flight since 1 s after the start, "
        "for 8 s"
    )
    assert sentences(told * 10)[-1] == "10 more calls hang"


def test_none_is_nothing(tmp_path: Path) -> None:
    load = Load()
    load.add(0, Stat(""))
    plan = plan_run(load.workload, load.users)
    calls = unfinished_calls(plan, [], np.zeros((1, 3), np.int64), START)
    assert (len(calls), named(calls, plan, stored(load.workload, tmp_path)), sentences(())) == (0, (), [])
