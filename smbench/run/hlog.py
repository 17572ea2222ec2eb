"""latency.hlog: HdrHistogram's interval log, format 1.3, a tag a kind and measure (`Read.service`).

Written line by line here because the library's writer drops tags and its start time line fails.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from smbench.run.histogram import Histogram

INTERVALS_WANTED = 300
"""Runs longer than this many seconds get longer intervals."""
_SECOND_NS = 1_000_000_000
_MAX_UNIT_NS = 1_000_000
"""The log tells each interval's maximum in milliseconds."""


Part = tuple[NDArray[np.int64], NDArray[np.int64]]
"""When operations completed, since the start of the run, and their values (ns)."""


class IntervalLog:
    """Counts tag by tag, each part by part; `write` writes what was counted.

    `end_ns` is the last completion. Memory depends on the number of intervals, not on that of values.
    """

    def __init__(self, end_ns: int) -> None:
        self._interval_s = max(1, -(-end_ns // (_SECOND_NS * INTERVALS_WANTED)))
        self._lines: list[tuple[int, str, str]] = []

    def count(self, tag: str, parts: Iterable[Part]) -> Histogram:
        """Count all values of a tag; its whole histogram comes back."""
        histograms: dict[int, Histogram] = {}
        for completed_ns, values_ns in parts:
            interval = completed_ns // (self._interval_s * _SECOND_NS)
            order = np.argsort(interval, kind="stable")
            present, starts = np.unique(interval[order], return_index=True)
            for number, start, end in zip(present.tolist(), starts, [*starts[1:], len(order)], strict=True):
                histograms.setdefault(number, Histogram()).record(values_ns[order[start:end]])
        whole = Histogram()
        for number in sorted(histograms):
            histogram = histograms.pop(number)
            whole.add(histogram)
            self._lines.append((number, tag, _line(tag, number, self._interval_s, histogram)))
        return whole

    def write(self, path: Path, start_epoch_ns: int) -> None:
        """Write the log."""
        started = datetime.fromtimestamp(start_epoch_ns / _SECOND_NS, UTC)
        with path.open("w", encoding="ascii") as log:
            log.write("#[Histogram log format version 1.3]\n")
            log.write(
                f"#[StartTime: {start_epoch_ns / _SECOND_NS:.3f} (seconds since epoch), {started:%c} UTC]\n"
            )
            log.write(f"#[BaseTime: {start_epoch_ns / _SECOND_NS:.3f} (seconds since epoch)]\n")
            log.write('"StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram"\n')
            log.writelines(line for _, _, line in sorted(self._lines))


class Logged(NamedTuple):
    """One line of a log: a tag's values of an interval, which is `start_s` after the run's start."""

    tag: str
    start_s: float
    length_s: float
    histogram: Histogram


def read_hlog(path: Path) -> Iterator[Logged]:
    """The lines of a log in order of time, one histogram in memory. ValueError where it is damaged."""
    with path.open(encoding="ascii") as log:
        for line in log:
            if line.startswith("Tag="):
                tag, start_s, length_s, _, encoded = line.rstrip("\n").split(",")
                yield Logged(tag[4:], float(start_s), float(length_s), Histogram.decode(encoded))


def _line(tag: str, interval: int, interval_s: int, histogram: Histogram) -> str:
    start_s = interval * interval_s
    longest = histogram.max_ns / _MAX_UNIT_NS
    return f"Tag={tag},{start_s:.3f},{interval_s:.3f},{longest:.3f},{histogram.encode()}\n"
