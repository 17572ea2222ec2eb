"""Thresholds: what a run must keep to, as `read.response.p99<20ms` (CLI.md, "replay"). Pure.

They are read before the run, so that a slip of the pen costs nobody an hour, and judged by its
histograms and counts. What was not measured at all keeps to nothing: a threshold on the reads of a run
without reads is missed, unless it is on their count.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from smbench.errors import UsageError
from smbench.measure.latency import Histogram
from smbench.units import format_ns, format_size, parse_size
from smbench.workload.calls import CALLS

ALL = "all"
"""Stands for all kinds of calls together."""
MEASURES = ("service", "response", "lateness", "held", "failed")
"""`failed`: the service time of calls that failed as the capture's did not."""

NS, SHARE, COUNT, RATE, BYTES = "ns", "share", "count", "operations/s", "bytes/s"
"""Units of values: nanoseconds, a fraction of 1, a number, and the two of throughput."""

_OPERATORS: Mapping[str, Callable[[float, float], bool]] = {
    "<=": operator.le, ">=": operator.ge, "==": operator.eq, "!=": operator.ne, "<": operator.lt,
    ">": operator.gt,
}  # fmt: skip
_TIME_UNITS_NS = {"ns": 1, "us": 1_000, "µs": 1_000, "μs": 1_000, "ms": 1_000_000, "s": 1_000_000_000}
_COUNTS = ("errors", "mismatches", "skipped")
_COUNTED = {"rate": SHARE, "count": COUNT}
_THROUGHPUT = {"operations_per_s": RATE, "read_bytes_per_s": BYTES, "write_bytes_per_s": BYTES}
_KINDS = {name.lower(): name for name in CALLS} | {ALL: ALL}

_FORM = re.compile(r"\s*([\w.]+?)\s*(<=|>=|==|!=|<|>)\s*(\S.*?)\s*")
_PERCENTILE = re.compile(r"p(100|\d{1,2}(?:\.\d+)?)")
_NUMBER = re.compile(r"(\d+(?:\.\d+)?)\s*([^\W\d]*|%)")

_WRITTEN = (
    "write KIND.MEASURE.STATISTIC, an operator (< <= > >= == !=) and a value, as read.response.p99<20ms: "
    f"KIND is {ALL} or a call (read, write, open, …), MEASURE one of {', '.join(MEASURES)}, STATISTIC p50, "
    f"p99.9, …, max, mean or count; or errors|mismatches|skipped.rate or .count, as errors.rate<0.1%; or "
    f"throughput.{'|'.join(_THROUGHPUT)}, as throughput.operations_per_s>1000"
)


@dataclass(frozen=True, slots=True)
class Threshold:
    """One threshold. `subject` is (kind, measure, statistic), or (`errors`, `rate`) and its like."""

    text: str
    subject: tuple[str, ...]
    operator: str
    limit: float
    """In `unit`."""
    unit: str


@dataclass(frozen=True, slots=True)
class Figures:
    """What thresholds are judged by."""

    histograms: Mapping[str, Histogram]
    """By tag, `Read.response`, `all.service`: what was not measured has none."""
    executed: int = 0
    planned: int = 0
    errors: int = 0
    """Calls that failed here and did not in the capture."""
    mismatches: int = 0
    skipped: int = 0
    throughput: Mapping[str, float] | None = None
    """As run.json has it."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A threshold beside what was measured (None: nothing was), as run.json lists it."""

    text: str
    value: float | None
    unit: str
    met: bool


class _UnreadableError(Exception):
    """Why a threshold cannot be read."""


def parse_threshold(text: str, option: str = "--threshold") -> Threshold:
    """Read one threshold. Raises UsageError, which says what can be written, and to which option."""
    try:
        return _parsed(text)
    except _UnreadableError as why:
        raise UsageError(f"{option} {text!r} cannot be read: {why}; {_WRITTEN}") from None


def _parsed(text: str) -> Threshold:
    form = _FORM.fullmatch(text)
    if form is None:
        raise _UnreadableError("it has no operator or no value")
    subject = _subject(form[1])
    unit = _unit(subject)
    return Threshold(text.strip(), subject, form[2], _limit(form[3], unit), unit)


def parse_thresholds(texts: Iterable[str]) -> list[Threshold]:
    """Read all of them."""
    return [parse_threshold(text) for text in texts]


def judge_thresholds(thresholds: Sequence[Threshold], figures: Figures) -> list[dict[str, Any]]:
    """Each threshold with its value and whether it was met, in the order given, for run.json."""
    return [asdict(_judged(threshold, figures)) for threshold in thresholds]


def format_value(value: float | None, unit: str) -> str:
    """A judged value for people."""
    if value is None:
        return "not measured"
    if unit == NS:
        return format_ns(value)
    if unit == SHARE:
        return f"{100 * value:.3g} %"
    if unit == BYTES:
        return f"{format_size(value)}/s"
    return f"{value:,.0f}" + (f" {RATE}" if unit == RATE else "")


def _subject(written: str) -> tuple[str, ...]:
    words = written.lower().split(".", 2)
    if len(words) == 2:
        first, second = words
        if (first in _COUNTS and second in _COUNTED) or (first == "throughput" and second in _THROUGHPUT):
            return first, second
        known = _THROUGHPUT if first == "throughput" else _COUNTED if first in _COUNTS else ()
        raise _UnreadableError(f"{first} has {', '.join(known)}" if known else f"{written} is not measured")
    if len(words) != 3:
        raise _UnreadableError(f"{written} is not measured")
    kind, measure, statistic = words
    if kind not in _KINDS:
        raise _UnreadableError(f"{kind} is no call; there are {', '.join(sorted(_KINDS))}")
    if measure not in MEASURES:
        raise _UnreadableError(f"{measure} is not measured")
    if statistic not in ("max", "mean", "count") and not _PERCENTILE.fullmatch(statistic):
        raise _UnreadableError(f"{statistic} is no statistic")
    return _KINDS[kind], measure, statistic


def _unit(subject: tuple[str, ...]) -> str:
    if len(subject) == 3:
        return COUNT if subject[2] == "count" else NS
    return _THROUGHPUT.get(subject[1]) or _COUNTED[subject[1]]


def _limit(written: str, unit: str) -> float:
    if unit == BYTES:
        try:
            return parse_size(written)
        except UsageError:
            raise _UnreadableError(f"{written} is no size, as 100M") from None
    number = _NUMBER.fullmatch(written)
    if number is None:
        raise _UnreadableError(f"{written} is no value")
    value, behind = float(number[1]), number[2].lower()
    if unit == NS:
        if behind not in _TIME_UNITS_NS:
            raise _UnreadableError("a time needs its unit, ns, us, µs, ms or s")
        return value * _TIME_UNITS_NS[behind]
    if behind == "%" and unit == SHARE:
        return value / 100
    if behind:
        allowed = "a share is a fraction or has %" if unit == SHARE else "a number has no unit"
        raise _UnreadableError(f"{allowed}, not {behind}")
    return value


def _judged(threshold: Threshold, figures: Figures) -> Judged:
    value = _value(threshold.subject, figures)
    met = value is not None and _OPERATORS[threshold.operator](value, threshold.limit)
    return Judged(threshold.text, value, threshold.unit, met)


def _value(subject: tuple[str, ...], figures: Figures) -> float | None:
    if len(subject) == 3:
        kind, measure, statistic = subject
        histogram = figures.histograms.get(f"{kind}.{measure}")
        return _statistic(histogram, statistic)
    name, what = subject
    if name == "throughput":
        return None if figures.throughput is None else figures.throughput[what]
    count: int = getattr(figures, name)
    if what == "count":
        return count
    of = figures.planned if name == "skipped" else figures.executed
    return count / of if of else None


def _statistic(histogram: Histogram | None, statistic: str) -> float | None:
    total = 0 if histogram is None else histogram.total
    if statistic == "count":
        return total
    if histogram is None or not total:
        return None
    if statistic == "max":
        return histogram.max_ns
    if statistic == "mean":
        return histogram.mean_ns
    return histogram.percentile_ns(float(statistic[1:]))
