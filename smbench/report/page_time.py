"""The page's charts over time: latency as a heat map, and what happened under it, on one time axis."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from smbench.report import charts
from smbench.report.charts import Axis, Point, Series
from smbench.report.density import heat_map, shade_key
from smbench.report.html import escape
from smbench.run.series import (
    SLICES,
    Interval,
    Operations,
    Resources,
    latency_of_step,
)
from smbench.units import format_ns, format_size

_WIDTH = 1180
_LATE_FLOOR_NS = 1_000


def time_section(
    operations: Operations, intervals: Sequence[Interval], resources: Resources, elapsed_s: float,
    warm_up_s: float = 0.0,
) -> str:  # fmt: skip
    """Everything that has the run's time as its axis; the warm-up is set apart."""
    x = _time_axis(elapsed_s or 1e-3, warm_up_s)
    return "<h2>Over time</h2>" + "".join(
        [
            _heat(operations, x),
            _throughput(operations, x),
            _lateness(intervals, elapsed_s, x),
            *_resources(resources, x, elapsed_s),
        ]
    )


def _time_axis(end_s: float, warm_up_s: float) -> Axis:
    """To the end of the run and no further."""
    rounded = charts.linear_axis(end_s, _seconds, ticks=10)
    ticks = [tick for tick in rounded.ticks if tick[0] <= end_s]
    apart = (0.0, min(warm_up_s, end_s), "the warm-up") if warm_up_s else None
    return Axis(lambda value: value / end_s, ticks, apart=apart)


def _heat(operations: Operations, x: Axis) -> str:
    rows = np.flatnonzero(operations.grid.sum(axis=0))
    if not len(rows):
        return ""
    low, high = int(rows[0]), int(rows[-1]) + 1
    grid = operations.grid[:, low:high]
    y = charts.log_axis(latency_of_step(low), latency_of_step(high))
    edges_x = [operations.slice_s * at for at in range(SLICES + 1)]
    edges_y = [latency_of_step(at) for at in range(low, high + 1)]
    return _figure(
        f"service time of calls, failed or not, by their end (cells of {_seconds(operations.slice_s)})",
        heat_map(grid, edges_x, edges_y, x, y),
        shade_key(int(grid.max())),
    )


def _throughput(operations: Operations, x: Axis) -> str:
    starts = [operations.slice_s * at for at in range(SLICES)]
    rates = list(zip(starts, operations.per_s.tolist(), strict=True))
    moved = [
        Series("read", 1, list(zip(starts, operations.read_per_s.tolist(), strict=True))),
        Series("written", 4, list(zip(starts, operations.written_per_s.tolist(), strict=True))),
    ]
    figures = [
        _chart("operations a second", [Series("operations/s", 1, rates)], x, lambda value: f"{value:,.0f}")
    ]
    if any(value for one in moved for _, value in one.points):
        figures.append(_chart("bytes a second", moved, x, format_size, binary=True))
    return "".join(figures)


def _lateness(intervals: Sequence[Interval], elapsed_s: float, x: Axis) -> str:
    late = [one for one in intervals if one.tag == "all.lateness"]
    answered = [one for one in intervals if one.tag == "all.response"]
    if not late:
        return ""
    series = [
        Series("lateness p50", 1, _held([(one.start_s, one.p50_ns) for one in late], elapsed_s)),
        Series("lateness p99", 4, _held([(one.start_s, one.p99_ns) for one in late], elapsed_s)),
        Series("lateness, largest", 2, _held([(one.start_s, one.max_ns) for one in late], elapsed_s)),
        Series("response p99", 0, _held([(one.start_s, one.p99_ns) for one in answered], elapsed_s)),
    ]
    values = [value for one in series for _, value in one.points]
    y = charts.log_axis(_LATE_FLOOR_NS, max([*values, _LATE_FLOOR_NS * 10]))
    return _figure(
        "lateness: what the harness itself was late by, beside the response time",
        charts.line_chart(series, x, y, width=_WIDTH, height=170, stepped=True),
        legend(series),
    )


def _resources(resources: Resources, x: Axis, end_s: float) -> list[str]:
    """Each sample holds for the time since the one before; the last ones may lie behind the run's end."""
    machine, workers = resources.machine, resources.workers
    if not machine:
        return []
    times = [time / 1e9 for time in machine["time_ns"]]
    worker_times = [time / 1e9 for time in workers["time_ns"]]
    shares = (
        ("all processors, busy", 1, "cpu_percent"),
        ("the busiest", 0, "busiest_core_percent"),
        ("stolen by the host", 2, "steal_percent"),
    )
    cores = [
        Series(name, number, _since(times, machine[column], end_s))
        for name, number, column in shares
        if column in machine
    ]
    memory = [
        Series("in use on the machine", 0, _since(times, machine["memory_bytes"], end_s)),
        Series("the workers', resident", 1, _since(worker_times, workers["memory_bytes"], end_s)),
    ]
    lengths = np.diff([0.0, *times]).clip(1e-3)
    moved = (("received", 1, "net_received_bytes"), ("sent", 4, "net_sent_bytes"))
    net = [
        Series(name, number, _since(times, (np.array(machine[column]) / lengths).tolist(), end_s))
        for name, number, column in moved
        if column in machine
    ]
    return [
        _chart("processors", cores, x, lambda value: f"{value:.0f} %", largest=100.0),
        _chart("memory", memory, x, format_size, binary=True),
        _chart("network of the machine, a second", net, x, format_size, binary=True),
    ]


def _chart(
    title: str, series: Sequence[Series], x: Axis, label: Callable[[float], str],
    *, largest: float = 0.0, binary: bool = False,
) -> str:  # fmt: skip
    most = max([largest, *(value for one in series for _, value in one.points)])
    if not most:
        return ""
    y = charts.linear_axis(most, label, ticks=3)
    if binary:
        y = _binary_axis(most)
    chart = charts.line_chart(series, x, y, width=_WIDTH, height=130, stepped=True)
    return _figure(title, chart, legend(series) if len(series) > 1 else "")


def _binary_axis(most: float) -> Axis:
    """Round in powers of two, as sizes are told."""
    step = 1.0
    while step * 4 < most:
        step *= 2
    end = max(1, int(-(-most // step))) * step
    marks = [step * at for at in range(round(end / step) + 1)]
    return Axis(lambda value: value / end, [(mark, format_size(mark)) for mark in marks])


def legend(series: Sequence[Series]) -> str:
    """The colours of lines and what they stand for."""
    keys = "".join(f'<span><i class="key s{one.number}"></i>{escape(one.name)}</span>' for one in series)
    return f'<span class="legend dim">{keys}</span>'


def _figure(title: str, chart: str, key: str) -> str:
    return f"<figure><figcaption>{escape(title)}{key}</figcaption>{chart}</figure>"


def _held(points: Sequence[Point], until_s: float) -> list[Point]:
    """The points of a stepped line, the last one drawn out to the end of the run."""
    return [*points, (max(until_s, points[-1][0]), points[-1][1])] if points else []


def _since(times: Sequence[float], values: Sequence[float], end_s: float) -> list[Point]:
    begins = [0.0, *times][: len(values)]
    points = [(begin, value) for begin, value in zip(begins, values, strict=True) if begin < end_s]
    return [*points, (min(times[-1], end_s), points[-1][1])] if points else []


def _seconds(length_s: float) -> str:
    return format_ns(length_s * 1e9) if length_s else "0"
