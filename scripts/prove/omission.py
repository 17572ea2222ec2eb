"""A server frozen for 10 s in an open-loop run: all recorded, percentiles beside the computed ones."""

from __future__ import annotations

import tempfile
from fractions import Fraction
from math import ceil
from pathlib import Path

from helpers.aims import told
from helpers.ran import written

from prove.workloads import READ, Timed, computed, names, simulated, workload_of
from smbench.measure.clock import now_ns
from smbench.plan import plan_run
from smbench.ratios import format_percent
from smbench.smb2.constants import OPEN_IF
from smbench.workload.calls import Create, Open, Read

PERCENTILES = {"p50_ns": "50", "p90_ns": "90", "p99_ns": "99", "p99_9_ns": "99.9"}


def prove() -> None:
    """Ten users, each an operation of 20 ms every 100 ms; the server freezes for 10 s of 30 s."""
    period_ns, service_ns, seconds = 100_000_000, 20_000_000, 30
    calls: list[Timed] = []
    for user in range(10):
        begin = user * period_ns // 10
        calls.append((begin, user, f"f{user}", Open(user, f"f{user}", Create(READ, 7, OPEN_IF, 0, 0))))
        calls += [
            (begin + turn * period_ns, user, f"f{user}", Read(user, 0, 4096))
            for turn in range(1, seconds * 10)
        ]
    workload = workload_of(calls, 10, service_ns)
    plan = plan_run(workload, names(workload))
    freeze_ns = now_ns() + 10_000_000_000
    times = {"other_ns": service_ns, "freezes_ns": [[freeze_ns, freeze_ns + 10_000_000_000]]}
    result, timetable = simulated(plan, workload, times)
    intended, answered = computed(plan, workload, timetable, result.ending.start_ns)
    with tempfile.TemporaryDirectory() as out:
        document = written(result, Path(out))
    recorded = document["latency"]["all"]["count"]
    told(
        "frozen 10 s: recorded beside planned", f"{recorded:,} of {plan.operations:,}", "all",
        recorded == plan.operations,
    )  # fmt: skip
    should = sorted((answered - intended).tolist())
    for name, percent in PERCENTILES.items():
        got = document["latency"]["all"]["response"][name]
        # The rank by its definition, not by the function that is proved.
        exact = should[ceil(Fraction(percent) * len(should) / 100) - 1]
        error = abs(got - exact) / exact
        told(
            f"frozen 10 s: response p{percent}, beside the computed one",
            f"{got / 1e6:.1f} ms, {exact / 1e6:.1f} ms: {format_percent(error)}", "<= 2 %", error <= 0.02,
        )  # fmt: skip
    coordinated = document["latency"]["all"]["service"]["p90_ns"] / 1e6
    print(f"  (service p90, which omits what waited: {coordinated:.1f} ms)")
