"""Workloads made for the proofs, their names, and what a plan comes to on a server of known service times."""

from __future__ import annotations

import json
import random
import tempfile
from collections import defaultdict
from pathlib import Path

import numpy as np

from smbench.executors.simulated import TIMETABLE, Timetable
from smbench.plan import Plan
from smbench.runner.run import RunOptions, RunResult, run
from smbench.smb2.constants import GENERIC_READ, GENERIC_WRITE, OPEN_IF, SHARE_ALL
from smbench.trace.model import TraceInfo, User
from smbench.workload.calls import Call, Close, Create, Open, Read, Write
from smbench.workload.model import Operation, Workload, WorkloadInfo

Timed = tuple[int, int, str, Call]
"""When (ns), whose, on which path, what."""
READ, WRITE = GENERIC_READ, GENERIC_WRITE


def workload_of(calls: list[Timed], users: int, service_ns: int) -> Workload:
    """From (arrival_ns, user, path, call), in any order."""
    rows = [
        Operation(number, user, 0, at, service_ns, 0, (number,), "synthetic", path, call)
        for number, (at, user, path, call) in enumerate(sorted(calls, key=lambda call: call[:2]))
    ]
    people = [User(f"user{number}", "127.0.0.1") for number in range(users)]
    return Workload(WorkloadInfo(TraceInfo(users=people), lanes=[1] * users), rows, [])


def names(workload: Workload) -> list[str]:
    return [user.name for user in workload.info.trace.users]


def many_reads(users: int, each: int, seed: int) -> Workload:
    """Every user opens a file of its own, reads and writes it at random places, and closes it."""
    dice = random.Random(seed)
    calls: list[Timed] = []
    for user in range(users):
        path = f"f{user}"
        at = dice.randrange(1_000_000)
        calls.append((at, user, path, Open(user, path, Create(READ | WRITE, SHARE_ALL, OPEN_IF, 0, 0))))
        for _ in range(each):
            at += dice.randrange(1, 20_000_000)
            kind = Write if dice.random() < 0.3 else Read
            calls.append((at, user, path, kind(user, 512 * dice.randrange(64), 512 * dice.randrange(1, 9))))
        calls.append((at + 1_000_000, user, path, Close(user)))
    return workload_of(calls, users, 1000)


def computed(
    plan: Plan, workload: Workload, times: Timetable, start_ns: int
) -> tuple[np.ndarray, np.ndarray]:
    """By place: when each operation is intended and answered, by the plan and the timetable alone."""
    calls = [operation.call for operation in workload.operations]
    lane_of = plan.lanes_at(np.arange(plan.operations))
    needs: dict[int, list[int]] = defaultdict(list)
    for place, lane, count in zip(plan.waits.place, plan.waits.lane, plan.waits.count, strict=True):
        needs[int(place)].append(int(plan.lane_start[lane]) + int(count) - 1)
    intended, answered = np.zeros(plan.operations, np.int64), np.zeros(plan.operations, np.int64)
    for place in np.argsort(plan.row).tolist():  # edges run from earlier rows to later ones
        first = place == plan.lane_start[lane_of[place]]
        ready = 0 if first else int(answered[place - 1])
        if plan.think_ns is not None:
            ready += int(plan.think_ns[place])
        ready = max([ready, *(int(answered[other]) for other in needs[place])])
        intended[place] = ready if plan.intended_ns is None else plan.intended_ns[place]
        issued = max(ready, int(intended[place]))
        takes = times.takes_ns(calls[plan.row[place]])
        answered[place] = times.answered_ns(start_ns + issued, takes) - start_ns
    return intended, answered


def simulated(plan: Plan, workload: Workload, times: dict[str, object]) -> tuple[RunResult, Timetable]:
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        (root / TIMETABLE).write_text(json.dumps(times))
        result = run(plan, workload, RunOptions("simulated", [root] * len(plan.users)))
        return result, Timetable.of(root)
