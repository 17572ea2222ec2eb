"""Thresholds: what a run must keep to, as `read.response.p99<20ms` (docs/cli.md, "replay"). Pure.

They are read before the run, so that a slip of the pen costs nobody an hour. Limits are exact: 0.7 % is
7 of 1,000, which no binary fraction says. How they are judged stands in `smbench.measure.judging`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from smbench.errors import UsageError
from smbench.quoting import quoted
from smbench.run.measures import ALL, MEASURES
from smbench.units import DECIMAL, exact_size
from smbench.workload.calls import CALLS

NS, SHARE, COUNT, RATE, BYTES = "ns", "share", "count", "operations/s", "bytes/s"
"""Units of values: nanoseconds, a fraction of 1, a number, and the two of throughput."""

_TIME_UNITS_NS = {"ns": 1, "us": 1_000, "µs": 1_000, "μs": 1_000, "ms": 1_000_000, "s": 1_000_000_000}
COUNTS = ("errors", "mismatches", "skipped")
_COUNTED = {"rate": SHARE, "count": COUNT}
THROUGHPUT: Mapping[str, tuple[str, str]] = {
    "operations_per_s": (RATE, ALL),
    "read_bytes_per_s": (BYTES, "Read"),
    "write_bytes_per_s": (BYTES, "Write"),
}
"""The unit of each, and the calls that it comes from."""
_KINDS = {name.lower(): name for name in CALLS} | {ALL: ALL}

_FORM = re.compile(r"\s*([\w.]+?)\s*(<=|>=|==|!=|<|>)\s*(\S.*?)\s*")
_PERCENTILE = re.compile(r"p(100|\d{1,2}(?:\.\d{1,20})?)")
_NUMBER = re.compile(rf"({DECIMAL})\s*([^\W\d]*|%)")
_TIMES_BASELINE = "x"

_WRITTEN = (
    "write KIND.MEASURE.STATISTIC, an operator (< <= > >= == !=) and a value, as read.response.p99<20ms: "
    f"KIND is {ALL} or a call (read, write, open, …), MEASURE one of {', '.join(MEASURES)}, STATISTIC p50, "
    f"p99.9, …, max, mean or count; or errors|mismatches|skipped.rate or .count, as errors.rate<0.1%; or "
    f"throughput.{'|'.join(THROUGHPUT)}, as throughput.operations_per_s>1000; or any of them times that of "
    "a --baseline, as read.response.p99<1.1x"
)


@dataclass(frozen=True, slots=True)
class Threshold:
    """One threshold. `subject` is (kind, measure, statistic), or (`errors`, `rate`) and its like."""

    text: str
    subject: tuple[str, ...]
    operator: str
    limit: Fraction
    """In `unit`; of a `relative` one without a baseline yet, the factor."""
    unit: str
    relative: bool = False
    """It is so many times what a baseline had."""
    baseline: Fraction | None = None
    """What that was, in `unit`, once it is known."""


class _UnreadableError(Exception):
    """Why a threshold cannot be read."""


def parse_threshold(text: str, option: str = "--threshold") -> Threshold:
    """Read one threshold. Raises UsageError, which says what can be written, and to which option."""
    try:
        return _parsed(text)
    except _UnreadableError as why:
        raise UsageError(f"{option} {quoted(text)} cannot be read: {why}; {_WRITTEN}") from None


def _parsed(text: str) -> Threshold:
    form = _FORM.fullmatch(text)
    if form is None:
        raise _UnreadableError("it has no operator or no value")
    subject = _subject(form[1])
    unit = _unit(subject)
    number = _NUMBER.fullmatch(form[3])
    relative = number is not None and number[2].lower() == _TIMES_BASELINE
    limit = Fraction(number[1]) if number is not None and relative else _limit(form[3], unit)
    return Threshold(text.strip(), subject, form[2], limit, unit, relative)


def parse_thresholds(texts: Iterable[str]) -> list[Threshold]:
    """Read all of them."""
    return [parse_threshold(text) for text in texts]


def capacity_limit(text: str) -> Threshold:
    """`--find-capacity WHAT<VALUE`: a threshold that more clones can break. UsageError where it is none."""
    threshold = parse_threshold(text, "--find-capacity")
    subject = threshold.subject
    instead = "take a time, as all.response.p99<50ms, or a share, as errors.rate<0.1%"
    if subject[0] == "throughput":
        raise UsageError(
            f"--find-capacity {quoted(text)} is no limit of what a target bears: more clones ask for more, "
            f"and each for as much as the capture has; {instead}, and read the throughput of each number "
            "of clones from the result"
        )
    if subject[0] == "skipped" or (len(subject) == 3 and subject[-1] == "count"):
        raise UsageError(
            f"--find-capacity {quoted(text)} is no limit of what a target bears: how many operations there "
            f"are follows from the clones; {instead}"
        )
    if threshold.operator in (">", ">=", "!="):
        raise UsageError(
            f"--find-capacity {quoted(text)} is no limit that more clones break: write it with < or <=, as "
            f"{'.'.join(subject).lower()}<{text.split(threshold.operator)[1].strip()}"
        )
    return threshold


def mismatch_limit(text: str) -> Threshold:
    """`--max-mismatch N` or `N%`, as the threshold that it is. UsageError where it is neither."""
    match = re.fullmatch(rf"({DECIMAL})(%?)", text)
    if match is None:
        raise UsageError(f"--max-mismatch {quoted(text)} cannot be read: give a number, or a share as 0.5%")
    return parse_threshold(f"mismatches.{'rate' if match[2] else 'count'}<={text}", "--max-mismatch")


def _subject(written: str) -> tuple[str, ...]:
    words = written.lower().split(".", 2)
    if len(words) == 2:
        first, second = words
        if (first in COUNTS and second in _COUNTED) or (first == "throughput" and second in THROUGHPUT):
            return first, second
        known = tuple(THROUGHPUT) if first == "throughput" else tuple(_COUNTED) if first in COUNTS else ()
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
    name, what = subject
    return THROUGHPUT[what][0] if name == "throughput" else _COUNTED[what]


def _limit(written: str, unit: str) -> Fraction:
    if unit == BYTES:
        try:
            return exact_size(written)
        except UsageError:
            raise _UnreadableError(f"{written} is no size, as 100M") from None
    number = _NUMBER.fullmatch(written)
    if number is None:
        raise _UnreadableError(f"{written} is no value")
    value, behind = Fraction(number[1]), number[2].lower()
    if unit == SHARE and value / (100 if behind == "%" else 1) > 1 and behind in ("", "%"):
        raise _UnreadableError(f"no share is more than 100 %, and {written} would tell nothing")
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
