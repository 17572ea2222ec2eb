"""What a run measured: latency by kind and measure, throughput, thresholds; the types of their numbers."""

from __future__ import annotations

from msgspec import Struct

from smbench.run.numbers import Nanoseconds, Rate
from smbench.stored import Count

ALL = "all"
"""The kind that stands for all kinds of calls, but those ANSWERED_BY_OTHERS, in `Run.latency` and in tags as
latency.hlog has them."""
ANSWERED_BY_OTHERS = ("Notify",)
"""Kinds of calls that are answered when somebody else does something: their times say nothing of who answers,
and are in none that stand for all kinds."""
SERVICE, RESPONSE, LATENESS, HELD, FAILED = "service", "response", "lateness", "held", "failed"
MEASURES = (SERVICE, RESPONSE, LATENESS, HELD, FAILED)
"""Service and response are of the calls that succeeded, or failed as the capture's did; `failed` is the
service time of the others, whose failure the capture does not have; lateness and held are of all."""
OF_ALL = (LATENESS, HELD)
"""The measures that count every call that was carried out."""


class Percentiles(Struct, frozen=True, kw_only=True):
    """Of a histogram; None where nothing was counted."""

    p50_ns: Nanoseconds | None
    p90_ns: Nanoseconds | None
    p99_ns: Nanoseconds | None
    p99_9_ns: Nanoseconds | None
    max_ns: Nanoseconds | None


class Failures(Struct, frozen=True, kw_only=True):
    """The service times of calls that failed, and whose failure the capture does not have."""

    count: Count
    p50_ns: Nanoseconds | None
    p90_ns: Nanoseconds | None
    p99_ns: Nanoseconds | None
    p99_9_ns: Nanoseconds | None
    max_ns: Nanoseconds | None


class Latency(Struct, frozen=True, kw_only=True):
    """Of one kind of call, by measure (`MEASURES`); `count` is of service and response."""

    count: Count
    service: Percentiles
    response: Percentiles
    lateness: Percentiles | None = None
    held: Percentiles | None = None
    failed: Failures | None = None


class Throughput(Struct, frozen=True, kw_only=True):
    """What succeeded a second, after the warm-up; None where nothing was measured."""

    operations_per_s: Rate | None
    read_bytes_per_s: Rate | None
    write_bytes_per_s: Rate | None


class Judged(Struct, frozen=True, kw_only=True):
    """A threshold beside what was measured. `value` is None where nothing was, and `reason` then says why."""

    text: str
    value: int | float | None
    """Counts and times are integers."""
    unit: str
    met: bool
    reason: str | None = None
    limit: float | None = None
    """What it was held against."""
    baseline: float | None = None
    """What a relative one had before."""
