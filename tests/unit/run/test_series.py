"""A run over time: every operation in one cell, the slowest found, the resources added up; and its shades."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from helpers.hlog import write_log
from helpers.stored import write_run_table
from hypothesis import given
from hypothesis import strategies as st

from smbench.errors import UsageError
from smbench.report.charts import linear_axis, log_axis
from smbench.report.density import SHADES, heat_map, shades, spread
from smbench.run.columns import RESOURCES_SCHEMA as SCHEMA
from smbench.run.model import MACHINE
from smbench.run.series import (
    SLICES,
    SLOWEST,
    latency_of_step,
    read_latencies,
    read_operations,
    read_resources,
)

MS = 1_000_000


def operations(path, rows, group=7, ended=None):
    """rows: (kind, issued_ns, completed_ns or None, bytes); `ended` has (outcome, matched) of each."""
    ended = ended or [("ok", True) if row[2] is not None else (None, None) for row in rows]
    columns = list(zip(*rows, strict=True))
    told = {
        "operation": range(len(rows)),
        "kind": columns[0],
        "issued_ns": columns[1],
        "completed_ns": columns[2],
        "outcome": [outcome for outcome, _ in ended],
        "matched": [matched for _, matched in ended],
        "bytes": columns[3],
        "intended_ns": [issued or 0 for issued in columns[1]],
    }
    write_run_table(path, told, row_group_size=group)
    return path


def test_every_executed_operation_is_in_the_cell_of_its_end_and_time(tmp_path):
    rows = [("Read", 0, 10 * MS, 100), ("Write", 0, 999 * MS, 50), ("Stat", None, None, None)]
    found = read_operations(operations(tmp_path / "o.parquet", rows), 1.0)
    assert found.grid.sum() == 2
    (first, last) = np.argwhere(found.grid).tolist()
    assert (first[0], last[0]) == (1, SLICES - 1)
    assert latency_of_step(first[1]) <= 10 * MS < latency_of_step(first[1] + 1)
    assert found.per_s.sum() * found.slice_s == pytest.approx(2)
    assert found.read_per_s.sum() * found.slice_s == pytest.approx(100)
    assert found.written_per_s.sum() * found.slice_s == pytest.approx(50)


def test_the_rate_is_of_what_succeeded_or_failed_as_in_the_capture(tmp_path):
    ended = [("ok", True), ("ok", False), ("ok", None), ("ENOENT", True), ("ENOENT", False), ("ENOENT", None)]
    rows: list[Any] = [("Read", 0, (1 + at) * 100 * MS, 10 * (at < 3)) for at in range(6)]
    rows.append(("Read", None, None, None))
    found = read_operations(operations(tmp_path / "o.parquet", rows, ended=[*ended, (None, None)]), 1.0)
    assert found.grid.sum() == 6
    assert (found.per_s * found.slice_s).round(6)[[15, 30, 45, 60]].tolist() == [1, 1, 1, 1]
    assert found.per_s.sum() * found.slice_s == pytest.approx(4)
    assert found.read_per_s.sum() * found.slice_s == pytest.approx(30)


def test_what_was_due_in_the_warm_up_is_in_nothing(tmp_path):
    rows = [("Read", 0, 700 * MS, 100), ("Write", 100 * MS, 900 * MS, 50), ("Read", 200 * MS, 210 * MS, 7)]
    path = operations(tmp_path / "o.parquet", rows)
    found = read_operations(path, 1.0, warm_up_ns=200 * MS)
    assert found.grid.sum() == 1
    assert [row["operation"] for row in found.slowest] == [2]
    assert found.per_s.sum() * found.slice_s == pytest.approx(1)
    assert found.read_per_s.sum() * found.slice_s == pytest.approx(7)
    assert found.written_per_s.sum() == 0
    assert read_operations(path, 1.0).grid.sum() == 3


@given(st.lists(st.integers(1, 10**9), min_size=1, max_size=80))
def test_the_slowest_are_found_in_whatever_row_group(tmp_path_factory, taken):
    path = tmp_path_factory.mktemp("slow") / "o.parquet"
    rows = [("Notify", 0, 10**10, 0), *(("Read", 0, one, 1) for one in taken), ("Read", None, None, None)]
    found = read_operations(operations(path, rows), 1.0).slowest
    assert [row["completed_ns"] for row in found] == sorted(taken, reverse=True)[:SLOWEST]


def test_the_intervals_over_all_kinds_add_up(tmp_path):
    completed = np.array([100, 1_500 * MS], np.int64)
    values = np.array([1000, 3000], np.int64)
    write_log(tmp_path / "l.hlog", 0, {f"{kind}.service": (completed, values) for kind in ("Read", "Stat")})
    found = read_latencies(tmp_path / "l.hlog")
    every = [(one.start_s, one.count, one.max_ns) for one in found.intervals if one.tag == "all.service"]
    assert [(start, count) for start, count, _ in every] == [(0.0, 2), (1.0, 2)]
    assert found.whole["all.service"].total == 4
    assert found.whole["Read.service"].total == 2


def test_what_others_answer_is_in_no_figure_of_all(tmp_path):
    completed, values = np.array([100], np.int64), {"Read": 1000, "Notify": 10**10}
    write_log(
        tmp_path / "l.hlog", 0,
        {f"{kind}.service": (completed, np.array([value], np.int64)) for kind, value in values.items()},
    )  # fmt: skip
    found = read_latencies(tmp_path / "l.hlog")
    assert {tag: one.total for tag, one in found.whole.items()} == {
        "Read.service": 1, "Notify.service": 1, "all.service": 1,
    }  # fmt: skip
    assert [one.count for one in found.intervals if one.tag == "all.service"] == [1]
    path = tmp_path / "o.parquet"
    rows = [("Notify", 0, 10**8, 0), ("Read", 0, 1000, 1)]
    assert read_operations(operations(path, rows), 1.0).grid.sum() == 1


def test_the_workers_are_added_up_beside_the_machine(tmp_path):
    rows = [
        {"time_ns": 10, "process": MACHINE, "cpu_percent": 50.0, "memory_bytes": 1000},
        {"time_ns": 10, "process": 0, "cpu_percent": 5.0, "memory_bytes": 10},
        {"time_ns": 10, "process": 1, "cpu_percent": 7.0, "memory_bytes": 20},
    ]
    pq.write_table(pa.Table.from_pylist(rows, SCHEMA), tmp_path / "r.parquet")
    found = read_resources(tmp_path / "r.parquet")
    assert found.machine["cpu_percent"] == [50.0]
    assert found.workers == {"time_ns": [10.0], "cpu_percent": [12.0], "memory_bytes": [30.0]}


def test_what_the_system_does_not_tell_is_no_zero(tmp_path):
    rows = [
        {"time_ns": at, "process": MACHINE, "cpu_percent": cpu, "steal_percent": None, "memory_bytes": 1}
        for at, cpu in ((10, 50.0), (20, None))
    ]
    pq.write_table(pa.Table.from_pylist(rows, SCHEMA), tmp_path / "r.parquet")
    machine = read_resources(tmp_path / "r.parquet").machine
    assert machine["cpu_percent"] == [50.0, 0.0]
    assert not {"steal_percent", "net_sent_bytes"} & machine.keys()


@pytest.mark.parametrize("read", [read_latencies, read_resources, lambda path: read_operations(path, 1.0)])
def test_what_cannot_be_read_is_said_in_a_sentence(tmp_path, read):
    for content in (None, b"", b"Tag=Read.service,0,1,1,nonsense\n"):
        path = tmp_path / "file"
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(UsageError, match=r"file is (missing|damaged).*: replay again$"):
            read(path)


@given(st.lists(st.lists(st.integers(0, 10**6), min_size=3, max_size=3), min_size=1, max_size=9))
def test_more_is_never_paler(rows):
    counts = np.array(rows, np.int64)
    shade = shades(counts)
    assert ((shade == -1) == (counts == 0)).all()
    assert shade.max() < SHADES
    order = np.argsort(counts, axis=None)
    assert (np.diff(shade.ravel()[order]) >= 0).all()


def test_a_map_has_a_cell_for_each_count_and_is_well_formed():
    counts = np.array([[0, 1], [5, 100]])
    x, y = linear_axis(2, str), log_axis(1000, 100_000)
    drawn = ET.fromstring(heat_map(counts, [0, 1, 2], [1e3, 1e4, 1e5], x, y))
    cells = sum(
        path.attrib["d"].count("M") for path in drawn.iter("path") if path.attrib["class"].startswith("h")
    )
    assert cells == 3
    dots = ET.fromstring(spread([("p50", 2000), ("max", 50_000)], y))
    assert [circle.get("class") for circle in dots.iter("circle")] == ["dot d0", "dot d1"]
