"""A run's figures over time and over its distribution, read from its directory in bounded memory.

Nothing grows with the number of operations: operations.parquet is read batch by batch into a grid of
time and latency, latency.hlog line by line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import wraps
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from smbench.errors import UsageError
from smbench.run.columns import REMEDY, RESOURCES_FORM, open_operations
from smbench.run.histogram import Histogram
from smbench.run.hlog import Logged, read_hlog
from smbench.run.measures import ALL, ANSWERED_BY_OTHERS
from smbench.run.model import MACHINE
from smbench.run.warm_up import after_warm_up
from smbench.tables import TableFile, reading

SLICES = 150
"""Of the time of a run."""
STEPS_A_DECADE = 8
_LOWEST_DECADE, _DECADES = 1, 12
"""Of the grid's latencies: 10 ns to 10,000 s."""
SLOWEST = 20
WAITING = ("Notify", "Lock")
"""Calls that wait for somebody else: slow by what they are."""

Given = ParamSpec("Given")
Read = TypeVar("Read")

_BATCH = 1 << 17
Grid = NDArray[np.int64]


@dataclass(slots=True)
class Operations:
    """From operations.parquet, by slices of the run's time (when operations completed)."""

    slice_s: float
    grid: Grid
    """(slice, latency step): how many operations had that service time; none that others answer."""
    per_s: NDArray[np.float64]
    """Operations, without those whose failure the capture does not have."""
    read_per_s: NDArray[np.float64]
    """Bytes."""
    written_per_s: NDArray[np.float64]
    slowest: list[dict[str, Any]]
    """Rows by service time, but for the kinds in WAITING."""


@dataclass(slots=True)
class Interval:
    """One tag in one interval of latency.hlog."""

    tag: str
    start_s: float
    length_s: float
    count: int
    p50_ns: int
    p90_ns: int
    p99_ns: int
    max_ns: int


@dataclass(slots=True)
class Latencies:
    """From latency.hlog. `whole` by tag; `all.…` is over all kinds, in `intervals` too."""

    whole: dict[str, Histogram] = field(default_factory=dict)
    intervals: list[Interval] = field(default_factory=list)


@dataclass(slots=True)
class Resources:
    """From resources.parquet: a column a value, rows in order of time."""

    machine: dict[str, list[float]]
    """Without what the system does not tell."""
    workers: dict[str, list[float]]
    """All workers together: `time_ns`, `cpu_percent`, `memory_bytes`."""


def latency_of_step(step: int) -> float:
    """Where a step of the grid begins, in nanoseconds."""
    return float(10.0 ** (_LOWEST_DECADE + step / STEPS_A_DECADE))


def _of_a_run(read: Callable[Concatenate[Path, Given], Read]) -> Callable[Concatenate[Path, Given], Read]:
    """A reader of one of a run's files that says which file it is, where that cannot be read."""

    @wraps(read)
    def of_a_run(path: Path, /, *given: Given.args, **named: Given.kwargs) -> Read:
        try:
            with reading(path, REMEDY):
                return read(path, *given, **named)
        except FileNotFoundError:
            raise UsageError(f"{path} is missing, which every run has: {REMEDY}") from None

    return of_a_run


@_of_a_run
def read_operations(
    path: Path, elapsed_s: float, warm_up_ns: int = 0, planned: int | None = None
) -> Operations:
    """Two passes over operations.parquet: all of it by columns of numbers, then the slowest rows whole. What
    was due in the warm-up is in none of it. `planned`: how many rows the run's document tells of."""
    end_ns = max(elapsed_s * 1e9, 1.0)
    steps = STEPS_A_DECADE * _DECADES
    grid = np.zeros(SLICES * steps, np.int64)
    moved = {"Read": np.zeros(SLICES), "Write": np.zeros(SLICES)}
    slow = _Slowest()
    first = 0
    succeeded = np.zeros(SLICES)
    columns = ["kind", "outcome", "matched", "issued_ns", "completed_ns", "bytes", "intended_ns"]
    with open_operations(path, planned) as file:
        for batch in file.batches(columns, _BATCH):
            issued, completed, counted, intended = (
                batch.column(name).fill_null(0).to_numpy(zero_copy_only=False) for name in columns[3:]
            )
            done = np.asarray(batch.column("completed_ns").is_valid()) & after_warm_up(intended, warm_up_ns)
            service = completed - issued
            place = np.minimum((completed * (SLICES / end_ns)).astype(np.int64), SLICES - 1)
            step = np.log10(np.maximum(service, 1)) - _LOWEST_DECADE
            step = np.clip((step * STEPS_A_DECADE).astype(np.int64), 0, steps - 1)
            kind = batch.column("kind")
            told = done & ~_is(kind, ANSWERED_BY_OTHERS)
            grid += np.bincount((place * steps + step)[told], minlength=len(grid))
            alike = batch.column("matched").fill_null(False).to_numpy(zero_copy_only=False)
            fine = done & (alike | _is(batch.column("outcome"), ("ok",)))
            succeeded += np.bincount(place[fine], minlength=SLICES)
            for name, bins in moved.items():
                mine = done & np.asarray(_is(kind, (name,)))
                bins += np.bincount(place[mine], counted[mine], SLICES)
            slow.add(first, np.where(done & ~_is(kind, WAITING), service, -1))
            first += batch.num_rows
        rows = _rows(file, slow.rows())
    slice_s = end_ns / SLICES / 1e9
    table = grid.reshape(SLICES, steps)
    return Operations(
        slice_s,
        table,
        succeeded / slice_s,
        moved["Read"] / slice_s,
        moved["Write"] / slice_s,
        rows,
    )


class _Slowest:
    """The largest values so far, and their rows."""

    def __init__(self) -> None:
        self._rows = np.zeros(0, np.int64)
        self._values = np.zeros(0, np.int64)

    def add(self, first: int, values: NDArray[np.int64]) -> None:
        if len(values) > SLOWEST:
            chosen = np.argpartition(values, -SLOWEST)[-SLOWEST:]
        else:
            chosen = np.arange(len(values))
        chosen = chosen[values[chosen] >= 0]
        rows = np.concatenate([self._rows, first + chosen])
        found = np.concatenate([self._values, values[chosen]])
        order = np.argsort(-found, kind="stable")[:SLOWEST]
        self._rows, self._values = rows[order], found[order]

    def rows(self) -> list[int]:
        """Slowest first."""
        return [int(row) for row in self._rows]


def _rows(file: TableFile, wanted: list[int]) -> list[dict[str, Any]]:
    """Whole rows by their numbers, in that order; only the row groups that hold any are read."""
    found: dict[int, dict[str, Any]] = {}
    first = 0
    for group in range(file.groups):
        end = first + file.metadata.row_group(group).num_rows
        mine = [row for row in wanted if first <= row < end]
        if mine:
            table = file.group(group)
            chosen = table.take(pa.array([row - first for row in mine])).to_pylist()
            found.update(zip(mine, chosen, strict=True))
        first = end
    return [found[row] for row in wanted]


def _is(kind: pa.DictionaryArray, names: Iterable[str]) -> NDArray[np.bool_]:
    known = kind.dictionary.to_pylist()
    hit = np.array([word in names for word in known] or [False])
    # Null where nothing was carried out: none of the names.
    there = kind.is_valid().to_numpy(zero_copy_only=False)
    return np.asarray(hit[kind.indices.fill_null(0).to_numpy(zero_copy_only=False)] & there)


@_of_a_run
def read_latencies(path: Path) -> Latencies:
    """latency.hlog, an interval in memory at a time."""
    found = Latencies()
    now: dict[str, Histogram] = {}
    held: Logged | None = None
    for logged in read_hlog(path):
        if held is not None and logged.start_s != held.start_s:
            _end_interval(found, held, now)
        held = logged
        _note(found, logged, logged.tag, logged.histogram)
        kind, measure = logged.tag.split(".")
        for histograms, tag in ((found.whole, logged.tag), (now, f"{ALL}.{measure}")):
            if histograms is now and kind in ANSWERED_BY_OTHERS:
                continue
            histograms.setdefault(tag, Histogram()).add(logged.histogram)
    if held is not None:
        _end_interval(found, held, now)
    return found


def _end_interval(found: Latencies, logged: Logged, now: dict[str, Histogram]) -> None:
    for tag, histogram in now.items():
        _note(found, logged, tag, histogram)
        found.whole.setdefault(tag, Histogram()).add(histogram)
    now.clear()


def _note(found: Latencies, logged: Logged, tag: str, histogram: Histogram) -> None:
    p50, p90, p99 = histogram.percentiles_ns((50, 90, 99))
    found.intervals.append(
        Interval(tag, logged.start_s, logged.length_s, histogram.total, p50, p90, p99, histogram.max_ns)
    )


@_of_a_run
def read_resources(path: Path) -> Resources:
    """resources.parquet: the machine's rows, and the workers' added up."""
    told: dict[str, list[float | None]] = {}
    added: dict[int, list[float]] = {}
    with TableFile(path, RESOURCES_FORM) as file:
        for batch in file.batches(size=_BATCH):
            mine = pc.equal(batch.column("process"), MACHINE)
            for name, values in batch.filter(mine).to_pydict().items():
                told.setdefault(name, []).extend(values)
            others = batch.filter(pc.invert(mine)).select(["time_ns", "cpu_percent", "memory_bytes"])
            total = (
                pa.table(others)
                .group_by("time_ns")
                .aggregate([("cpu_percent", "sum"), ("memory_bytes", "sum")])
            )
            for row in total.to_pylist():
                sums = added.setdefault(row["time_ns"], [0.0, 0.0])
                sums[0] += row["cpu_percent_sum"] or 0
                sums[1] += row["memory_bytes_sum"] or 0
    times = sorted(added)
    return Resources(
        {
            name: [float(value or 0) for value in values]
            for name, values in told.items()
            if any(value is not None for value in values)
        },
        {
            "time_ns": [float(time) for time in times],
            "cpu_percent": [added[time][0] for time in times],
            "memory_bytes": [added[time][1] for time in times],
        },
    )
