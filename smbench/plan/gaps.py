"""Stretches of a workload in which nothing happens, as between captures that lie hours apart. Pure.

A gap begins when all operations before it were answered, and ends with the next arrival. A change
notification is not waited for: it is what clients have pending while nothing happens.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from smbench.plan.columns import spans
from smbench.plan.model import Integers
from smbench.units import format_ns
from smbench.workload.model import Operation

LONG_NS = 60_000_000_000
"""From so much on a gap is told: a replay that does nothing for that long is rarely what was wanted."""
CLOSED_NS = 10_000_000_000
"""What a gap is shortened to where nobody says it: longer than clients put off things, as to close a file."""


@dataclass(frozen=True, slots=True)
class Gaps:
    """In ascending order; both in nanoseconds since the trace's start."""

    begin_ns: NDArray[np.int64]
    end_ns: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.begin_ns)

    @property
    def length_ns(self) -> NDArray[np.int64]:
        return np.asarray(self.end_ns - self.begin_ns)


NO_GAPS = Gaps(np.zeros(0, np.int64), np.zeros(0, np.int64))


def find_gaps(operations: Iterable[Operation], longer_than_ns: int = LONG_NS) -> Gaps:
    """The gaps of a workload that are longer than that."""
    begins, ends = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    latest_ns: int | None = None
    for arrival_ns, ended_ns in spans(operations):
        if not len(arrival_ns):
            continue
        before_ns = np.concatenate([[arrival_ns[0] if latest_ns is None else latest_ns], ended_ns])
        quiet_since_ns = np.maximum.accumulate(before_ns)
        found = arrival_ns - quiet_since_ns[:-1] > longer_than_ns
        begins.append(quiet_since_ns[:-1][found])
        ends.append(arrival_ns[found])
        latest_ns = int(quiet_since_ns[-1])
    return Gaps(np.concatenate(begins), np.concatenate(ends))


def gaps_warning(gaps: Gaps) -> str | None:
    """What is worth a warning, with the option that mends it; None where there is nothing."""
    if not len(gaps):
        return None
    several = len(gaps) > 1
    longest = int(np.argmax(gaps.length_ns))
    lasts, begin_s = _lasts(int(gaps.length_ns[longest])), int(gaps.begin_ns[longest]) / 1e9
    said = f"no operation for {lasts}, from {begin_s:,.3f} s of the capture on"
    if several:
        more = len(gaps) - 1
        said += f" (and {more:,} more such gap{'s' * (more > 1)}, {_lasts(int(gaps.length_ns.sum()))} in all)"
    which = "them" if several else "it"
    return f"{said}: a replay waits through {which}, and --close-gaps SECONDS shortens {which}"


def _lasts(lasts_ns: int) -> str:
    seconds = lasts_ns / 1e9
    if seconds < 3600:
        return format_ns(lasts_ns)
    hours = seconds / 3600
    return f"{hours:.3g} h" if hours < 999.5 else f"{hours:,.0f} h"


def closed(gaps: Gaps, to_ns: int, arrival_ns: Integers) -> Integers:
    """Arrivals with every gap shortened to `to_ns`; gaps are longer than that. What arrives in one (somebody
    outside the capture did it) keeps its distance from the end, as far as there is room."""
    if not len(gaps):
        return arrival_ns
    shorter_ns = gaps.length_ns - to_ns
    over = np.searchsorted(gaps.end_ns, arrival_ns, side="right")
    passed_ns = np.concatenate([[0], np.cumsum(shorter_ns)])[over]
    next_gap = np.minimum(over, len(gaps) - 1)
    inside_ns = np.where(over < len(gaps), np.maximum(arrival_ns - gaps.begin_ns[next_gap], 0), 0)
    return np.asarray(arrival_ns - passed_ns - np.minimum(inside_ns, shorter_ns[next_gap]))
