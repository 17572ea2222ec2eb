"""latency.hlog: HdrHistogram's interval log, format 1.3, a tag a kind and measure (`Read.service`).

Written line by line here because the library's writer drops tags and its start time line fails.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from smbench.run.columns import REMEDY
from smbench.run.histogram import Histogram
from smbench.run.measures import MEASURES
from smbench.stored import open_stored, refuse_unreadable
from smbench.tables import fault
from smbench.workload.calls import CALLS

INTERVALS_WANTED = 300
"""Runs longer than this many seconds get longer intervals."""
_SECOND_NS = 1_000_000_000
_MAX_UNIT_NS = 1_000_000
"""The log tells each interval's maximum in milliseconds."""
_ROUNDED_NS = 1000
"""It is rounded to thousandths of them."""
_OF_A_BUCKET = 500
"""A histogram tells its largest value to a thousandth, up or down."""
_HEADER = ("#[Histogram log format version 1.3]", "#[StartTime: ", "#[BaseTime: ", '"StartTimestamp"')
"""What the first lines begin with."""
_FURTHER_COLUMNS = ',"Interval_Length","Interval_Max","Interval_Compressed_Histogram"'
_LONGEST = 1 << 20
"""Bytes of a line: more than a histogram takes that has a value in every bucket."""
_LINE = re.compile(
    rf"Tag=(?P<tag>(?:{'|'.join(CALLS)})\.(?:{'|'.join(MEASURES)}))"
    r",(?P<start>\d{1,12}\.\d{3}),(?P<length>\d{1,12}\.\d{3}),(?P<longest>\d{1,12}\.\d{3})"
    r",(?P<histogram>[A-Za-z0-9+/=]+)"
)


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
            since = f"{start_epoch_ns / _SECOND_NS:.3f} (seconds since epoch)"
            ends = ("", f"{since}, {started:%c} UTC]", f"{since}]", _FURTHER_COLUMNS)
            log.writelines(f"{begin}{end}\n" for begin, end in zip(_HEADER, ends, strict=True))
            log.writelines(line for _, _, line in sorted(self._lines))


class Logged(NamedTuple):
    """One line of a log: a tag's values of an interval, which is `start_s` after the run's start."""

    tag: str
    start_s: float
    length_s: float
    histogram: Histogram


def read_hlog(path: Path) -> Iterator[Logged]:
    """The lines of a log in order of time, one histogram in memory. FileNotFoundError where there is none,
    UsageError where it is damaged: every line is one that `IntervalLog` writes, in its order."""
    before: tuple[float, str] = (-1.0, "")
    try:
        with open_stored(path, REMEDY) as log:
            for number, line in enumerate(_lines(log), 1):
                if number <= len(_HEADER):
                    if not line.startswith(_HEADER[number - 1]):
                        raise ValueError(f"line {number} is no header of an interval log")
                    continue
                logged = _logged(line, number)
                if (now := (logged.start_s, logged.tag)) <= before:
                    raise ValueError(f"line {number} is out of order")
                before = now
                yield logged
    except OSError as error:
        refuse_unreadable(path, error)
    except (ValueError, OverflowError) as error:
        raise fault(path, str(error), REMEDY) from None


def _lines(log: BinaryIO) -> Iterator[str]:
    """Whole lines, none longer than any that is written."""
    number = 0
    while line := log.readline(_LONGEST):
        number += 1
        if not line.endswith(b"\n"):
            raise ValueError(
                f"line {number} is cut off" if len(line) < _LONGEST else f"line {number} is endless"
            )
        try:
            yield line[:-1].decode("ascii")
        except UnicodeDecodeError:
            raise ValueError(f"line {number} is not text") from None
    if number < len(_HEADER):
        raise ValueError("it has no header")


def _logged(line: str, number: int) -> Logged:
    found = _LINE.fullmatch(line)
    if found is None:
        raise ValueError(f"line {number} is no line of an interval log")
    tag, encoded = found["tag"], found["histogram"]
    start_s, length_s, longest_ms = (float(found[name]) for name in ("start", "length", "longest"))
    try:
        histogram = Histogram.decode(encoded)
    except ValueError as error:
        raise ValueError(f"line {number}: {error}") from None
    if length_s < 1 or start_s % length_s:
        raise ValueError(f"line {number} is of no interval")
    if abs(longest_ms * _MAX_UNIT_NS - histogram.max_ns) > _ROUNDED_NS + histogram.max_ns / _OF_A_BUCKET:
        raise ValueError(f"line {number} has another largest value than its histogram")
    return Logged(tag, start_s, length_s, histogram)


def _line(tag: str, interval: int, interval_s: int, histogram: Histogram) -> str:
    start_s = interval * interval_s
    longest = histogram.max_ns / _MAX_UNIT_NS
    return f"Tag={tag},{start_s:.3f},{interval_s:.3f},{longest:.3f},{histogram.encode()}\n"
