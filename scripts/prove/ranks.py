"""Percentiles by one rule everywhere, by its definition; shares exactly at a limit."""

from __future__ import annotations

import tempfile
from fractions import Fraction
from math import ceil
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from helpers.aims import told
from helpers.ran import written

from prove.workloads import many_reads, names
from smbench.fidelity.latency import difference
from smbench.measure.judging import Extent, Figures, judge_thresholds
from smbench.measure.thresholds import parse_threshold
from smbench.plan import Pace, plan_run
from smbench.run.histogram import Histogram
from smbench.runner.run import RunOptions, run

PERCENTILES = {"p50_ns": "50", "p90_ns": "90", "p99_ns": "99", "p99_9_ns": "99.9", "max_ns": "100"}
BUCKET = 1.001
"""A histogram of three digits shows the largest value that it does not tell from the right one."""


def prove() -> None:
    of_a_run()
    of_samples()
    at_limits()


def exact(values: list[int], percent: str) -> int:
    """The value whose rank is the ceiling, by the definition and not by the function that is proved."""
    return sorted(values)[max(1, ceil(Fraction(percent) * len(values) / 100)) - 1]


def of_a_run() -> None:
    """Every percentile of run.json beside the one of operations.parquet."""
    workload = many_reads(20, 37, 1)
    plan = plan_run(workload, names(workload), pace=Pace.FAST)
    with tempfile.TemporaryDirectory(dir="/dev/shm") as name:
        folder = Path(name)
        (folder / "target").mkdir()
        (folder / "a.run").mkdir()
        result = run(plan, workload, RunOptions("posix", [folder / "target"] * 20))
        document = written(result, folder / "a.run")
        rows = pq.read_table(folder / "a.run/operations.parquet").to_pylist()
    right = count = 0
    for kind, measures in document["latency"].items():
        mine = [row for row in rows if kind in ("all", row["kind"])]
        times = {
            "service": [row["completed_ns"] - row["issued_ns"] for row in mine],
            "response": [row["completed_ns"] - row["intended_ns"] for row in mine],
        }
        for measure, values in times.items():
            for key, percent in PERCENTILES.items():
                should, got = exact(values, percent), measures[measure][key]
                count += 1
                right += should <= got <= max(should * BUCKET, should + 1)
    told("percentiles of run.json, by operations.parquet", f"{right} of {count}", "all", right == count)


def of_samples() -> None:
    """run.json's histograms and compare's samples, of 1 to 1,200 values: the same ranks."""
    chance = np.random.default_rng(7)
    right = count = 0
    for size in range(1, 1201):
        values = chance.integers(1, 2000, size)
        histogram = Histogram()
        histogram.record(values)
        compared = difference(values, values).percentiles_ns
        for key, percent in PERCENTILES.items():
            should = exact(values.tolist(), percent)
            name = key.removesuffix("_ns")
            count += 1
            right += compared[name][0] == should == histogram.percentile_ns(float(percent))
    told(
        "percentiles of run.json and of compare, by definition",
        f"{right:,} of {count:,}",
        "all",
        right == count,
    )


def at_limits() -> None:
    """k of 1,000 for every k, and k of 10,000, each at its own limit: kept to by <=, missed by <."""
    wrong = 0
    cases = [(k, 1000, f"{k // 10}.{k % 10}%") for k in range(1, 1000)]
    cases += [(k, 10_000, f"{k // 100}.{k % 100:02}%") for k in range(1, 1002)]
    for errors, of, limit in cases:
        extent = Extent(times={}, planned=of, executed=of, compared=of, measured=of)
        figures = Figures(
            extent=extent, histograms={}, errors=errors, mismatches=errors, skipped=0, throughput={}
        )
        for operator, met in (("<=", True), ("<", False), ("==", True)):
            (one,) = judge_thresholds([parse_threshold(f"errors.rate{operator}{limit}")], figures)
            wrong += one.met is not met
    told("shares exactly at a limit, judged wrong", f"{wrong} of {3 * len(cases):,}", "0", not wrong)
