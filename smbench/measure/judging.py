"""Thresholds judged by what a run measured. Pure.

What was not measured keeps to nothing: no outcome that was never compared, no percentile of no times. Who
asks for it is told before the run where that is known by then, and after it, with the reason, otherwise.
Values and limits are held against each other as the exact numbers that they are.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction

from smbench.errors import UsageError
from smbench.measure.thresholds import BYTES, COUNT, NS, RATE, SHARE, THROUGHPUT, Threshold
from smbench.quoting import quoted
from smbench.run.histogram import Histogram
from smbench.run.measures import ALL, Judged
from smbench.units import format_ns, format_size

Number = Fraction | float
"""Of each the exact value counts."""

_OPERATORS: Mapping[str, Callable[[Number, Number], bool]] = {
    "<=": operator.le, ">=": operator.ge, "==": operator.eq, "!=": operator.ne, "<": operator.lt,
    ">": operator.gt,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Extent:
    """How much there is to judge by: of a run what it measured, before it the most that it can measure."""

    times: Mapping[str, int]
    """How many there are, by tag: `Read.response`, `all.service`."""
    planned: int = 0
    executed: int = 0
    compared: int = 0
    """Of the executed: those that the capture has an answer for."""
    measured: int = 0
    """Of the executed: those after the warm-up."""
    executor: str = ""
    compares: bool = True
    """Whether outcomes of the executor, and the bytes that they count, mean anything."""
    skipped: Mapping[str, str] = field(default_factory=dict)
    """Why the executor carries calls of a kind out not at all, by kind."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What thresholds are judged by."""

    extent: Extent
    histograms: Mapping[str, Histogram] = field(default_factory=dict)
    """By tag, `Read.response`, `all.service`: what was not measured has none."""
    errors: int = 0
    """Calls that failed here and did not in the capture."""
    mismatches: int = 0
    skipped: int = 0
    throughput: Mapping[str, Number | None] = field(default_factory=dict)
    """As run.json has it."""


def lack(subject: tuple[str, ...], extent: Extent) -> str | None:
    """Why there is nothing to judge a threshold by; None where there is. A number of operations is one
    also where it is 0, but a number of mismatches among no comparisons is none."""
    what = subject[-1]
    if len(subject) == 3:
        return None if what == "count" else _lack_of(*subject[:2], extent)
    name = subject[0]
    if name == "throughput":
        unit, kind = THROUGHPUT[what]
        if unit == BYTES and not extent.compares:
            return f"the executor {extent.executor} moves no bytes"
        if kind == ALL:
            return None if extent.measured else _NO_OPERATION
        return _lack_of(kind, "service", extent)
    if name == "skipped":
        return None if extent.planned else "no operation is planned"
    if not extent.compares:
        return f"the executor {extent.executor} has no outcomes to compare"
    if not extent.executed:
        return "no operation is carried out"
    return None if extent.compared else "the capture has no answer to any operation that is carried out"


_NO_OPERATION = "no operation is measured"


def _lack_of(kind: str, measure: str, extent: Extent) -> str | None:
    if extent.times.get(f"{kind}.{measure}", 0):
        return None
    if kind in extent.skipped:
        return f"the executor {extent.executor} carries no {kind} out ({extent.skipped[kind]})"
    what = "operation" if kind == ALL else kind
    if any(count for tag, count in extent.times.items() if tag.startswith(f"{kind}.")):
        return f"no {what} has a time that is called {measure}"
    return f"no {what} is measured"


def refuse_unmeasurable(threshold: Threshold, extent: Extent, option: str = "--threshold") -> None:
    """UsageError where a run cannot measure what a threshold asks for; `extent` is the most that it can."""
    if why := lack(threshold.subject, extent):
        asks = option if option == "--max-mismatch" else f"{option} {quoted(threshold.text)}"
        raise UsageError(f"{asks} asks for what this run does not measure: {why}")


def against(threshold: Threshold, baseline: Figures | None, name: str = "") -> Threshold:
    """The threshold with its limit in figures where it is relative to a baseline, the run `name`.

    UsageError where there is none, or none that has measured it.
    """
    if not threshold.relative:
        return threshold
    if baseline is None:
        raise UsageError(
            f"{quoted(threshold.text)} is a multiple of a baseline: name its run with --baseline"
        )
    value = _value(threshold.subject, baseline)
    if value is None:
        why = lack(threshold.subject, baseline.extent) or _NO_OPERATION
        raise UsageError(f"{quoted(threshold.text)} asks for what the baseline {name} did not measure: {why}")
    then = Fraction(value)
    if threshold.unit == SHARE and threshold.limit * then > 1:
        raise UsageError(
            f"{quoted(threshold.text)} is {format_value(float(threshold.limit * then), SHARE)} of all, as "
            f"the baseline {name} had {format_value(float(then), SHARE)}: no share is more than 100 %, and "
            "it would tell nothing"
        )
    return replace(threshold, limit=threshold.limit * then, baseline=then)


def judge_thresholds(thresholds: Sequence[Threshold], figures: Figures) -> list[Judged]:
    """Each threshold with its value and whether it was met, in the order given."""
    return [_judged(threshold, figures) for threshold in thresholds]


def _judged(threshold: Threshold, figures: Figures) -> Judged:
    value = _value(threshold.subject, figures)
    return Judged(
        text=threshold.text,
        value=_plain(value),
        unit=threshold.unit,
        met=value is not None and _OPERATORS[threshold.operator](value, threshold.limit),
        reason=None if value is not None else lack(threshold.subject, figures.extent) or _NO_OPERATION,
        limit=float(threshold.limit),
        baseline=_plain(threshold.baseline),
    )


def _plain(value: Number | None) -> float | None:
    """The nearest number that JSON has."""
    return float(value) if isinstance(value, Fraction) else value


def _value(subject: tuple[str, ...], figures: Figures) -> Number | None:
    if lack(subject, figures.extent) is not None:
        return None
    if len(subject) == 3:
        kind, measure, statistic = subject
        return _statistic(figures.histograms.get(f"{kind}.{measure}"), statistic)
    name, what = subject
    if name == "throughput":
        return figures.throughput[what]
    count: int = getattr(figures, name)
    if what == "count":
        return count
    return Fraction(count, figures.extent.planned if name == "skipped" else figures.extent.compared)


def _statistic(histogram: Histogram | None, statistic: str) -> Number | None:
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


def judged_value(judged: Judged) -> str:
    """What was measured for a threshold, for people."""
    value, unit, limit = judged.value, judged.unit, judged.limit
    said = format_value(value, unit)
    if value is None:
        return said
    if limit is not None and value != limit and said == format_value(limit, unit):
        # Three digits do not tell them apart, and it is told on which side it lies.
        said = _exactly(value, unit)
    then = judged.baseline
    if then is None:
        return said
    return f"{said} ({f'{_times(value / then)}x of' if then else 'baseline'} {format_value(then, unit)})"


def _times(factor: float) -> str:
    return f"{factor:.4g}" if factor < 9_999.5 else f"{factor:,.0f}"


def _exactly(value: float, unit: str) -> str:
    return f"{100 * value:.12g} %" if unit == SHARE else f"{value:,.12g}" + (f" {unit}" * (unit != COUNT))
