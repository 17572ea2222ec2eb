"""The total time of a replay on a server of known service times, beside the computed one."""

from __future__ import annotations

import random
import statistics

from helpers.aims import told

from prove.workloads import READ, WRITE, Timed, computed, names, simulated, workload_of
from smbench.plan import Pace, plan_run
from smbench.ratios import format_percent
from smbench.smb2.constants import OPEN_IF
from smbench.workload.calls import Create, Open, Read, Write
from smbench.workload.model import Workload

ASKED = Create(READ | WRITE, disposition=OPEN_IF)


def prove() -> None:
    workload = relay(random.Random(1), 10, 4)
    times = {"service_ns": {"Open": 3_000_000, "Write": 6_000_000}, "other_ns": 4_000_000, "byte_ns": 60}
    errors = []
    for pace in (Pace.ORIGINAL, Pace.THINK):
        for speed in (0.5, 1.0, 2.0):
            plan = plan_run(workload, names(workload), pace=pace, speed=speed)
            result, timetable = simulated(plan, workload, times)
            took_s = result.lasted_s
            should_s = int(computed(plan, workload, timetable, 0)[1].max()) / 1e9
            result.close()
            errors.append(abs(took_s - should_s) / should_s)
            print(
                f"  {pace.value} x{speed:g}: took {took_s:.3f} s, computed {should_s:.3f} s, "
                f"error {format_percent(errors[-1])}  ({len(plan.waits)} waits)"
            )
    mean, worst = statistics.mean(errors), max(errors)
    told("makespan, mean error over paces and speeds", format_percent(mean), "<= 5 %", mean <= 0.05)
    told("makespan, worst error", format_percent(worst), "<= 10 %", worst <= 0.10)


def relay(dice: random.Random, users: int, seconds: float) -> Workload:
    """Users who work on files of their own and, now and then, write or read what another one did."""
    calls: list[Timed] = []
    for user in range(users):
        at = dice.randrange(10_000_000)
        calls += [(at, user, f"own{user}", Open(2 * user, f"own{user}", ASKED))]
        calls += [
            (
                at + 9_000_000,
                user,
                "shared",
                Open(2 * user + 1, "shared", ASKED),
            )
        ]
        at += 18_000_000
        while at < seconds * 1e9:
            shared = dice.random() < 0.3
            path, handle = ("shared", 2 * user + 1) if shared else (f"own{user}", 2 * user)
            kind = Write if dice.random() < 0.4 else Read
            length = 4096 * dice.choice([1, 1, 4, 16])
            calls.append((at, user, path, kind(handle, 65536 * dice.randrange(4), length)))
            at += int(dice.expovariate(1 / 25_000_000)) + 8_000_000
    return workload_of(calls, users, 5_000_000)
