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


def closed(gaps: Gaps, to_ns: int, arrival_ns: Integers) -> Integers:
    """Arrivals with every gap shortened to `to_ns`; gaps are longer than that."""
    shorter_ns = np.cumsum([0, *(gaps.length_ns - to_ns)])
    return np.asarray(arrival_ns - shorter_ns[np.searchsorted(gaps.end_ns, arrival_ns, side="right")])
