"""The histograms of 100 processes beside one recorder's; the log in HdrHistogram's own reader."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from hdrh.histogram import HdrHistogram
from hdrh.log import HistogramLogReader
from helpers.aims import told
from helpers.ran import written

from prove.workloads import many_reads, names
from smbench.plan import plan_run
from smbench.run.histogram import DIGITS, HIGHEST_NS, LOWEST_NS
from smbench.runner.run import RunOptions, run


def prove() -> None:
    from hdrh.histogram import HdrHistogram

    workload = many_reads(100, 40, 3)
    plan = plan_run(workload, names(workload), speed=0.5)
    with tempfile.TemporaryDirectory(dir="/dev/shm") as name:
        folder = Path(name)
        (folder / "target").mkdir()
        (folder / "a.run").mkdir()
        options = RunOptions("posix", [folder / "target"] * 100)
        document = written(run(plan, workload, options), folder / "a.run")
        table = pq.read_table(folder / "a.run" / "operations.parquet").to_pydict()
        one: dict[str, HdrHistogram] = {}
        for kind, intended, issued, completed in zip(
            table["kind"], table["intended_ns"], table["issued_ns"], table["completed_ns"], strict=True
        ):
            for measure, value in (("service", completed - issued), ("response", completed - intended)):
                tag = f"{kind}.{measure}"
                one.setdefault(tag, HdrHistogram(LOWEST_NS, HIGHEST_NS, DIGITS)).record_value(value)
        reader = HistogramLogReader(
            str(folder / "a.run" / "latency.hlog"), HdrHistogram(LOWEST_NS, HIGHEST_NS, DIGITS)
        )
        read: dict[str, HdrHistogram] = {}
        while (interval := reader.get_next_interval_histogram()) is not None:
            tag = interval.get_tag()
            read.setdefault(tag, HdrHistogram(LOWEST_NS, HIGHEST_NS, DIGITS)).add(interval)
    same = sum(
        tag in read and np.array_equal(np.array(read[tag].counts), np.array(alone.counts))
        for tag, alone in one.items()
    )
    processes = document["configuration"]["processes"]
    told(
        f"{processes} processes' histograms, as one recorder's, by tag",
        f"{same} of {len(one)} count-identical", "all", same == len(one) and processes == 100,
    )  # fmt: skip
    told(
        "latency.hlog in hdrh's reader", f"{len(read)} tags", "every kind and measure", set(one) <= set(read)
    )
