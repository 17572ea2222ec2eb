"""Two distributions of latencies, compared with each other.

`distance` is Kolmogorov and Smirnov's: the largest difference of the two cumulative distributions, 0 for
the same, 1 for ones that do not touch. `factor` is 10 to the first Wasserstein distance of the logarithms
of the latencies: by what factor, on average over the quantiles, they lie apart. Percentiles are those of
`smbench.ranks`, as everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from smbench.ranks import percentile

Nanoseconds = NDArray[np.int64]

PERCENTILES = {"p50": 50.0, "p90": 90.0, "p99": 99.0, "p99_9": 99.9, "max": 100.0}


@dataclass(frozen=True, slots=True)
class LatencyDifference:
    """One command's latencies of both sides; ratios are candidate/reference. None where a side has none."""

    reference: int
    candidate: int
    percentiles_ns: dict[str, tuple[int | None, int | None]]
    ratios: dict[str, float | None] = field(default_factory=dict)
    distance: float | None = None
    factor: float | None = None


def difference(reference: Nanoseconds, candidate: Nanoseconds) -> LatencyDifference:
    """Compare two samples, in any order."""
    sorted_ns = np.sort(reference), np.sort(candidate)
    percentiles = {
        name: (_at(sorted_ns[0], percent), _at(sorted_ns[1], percent))
        for name, percent in PERCENTILES.items()
    }
    both = len(reference) > 0 and len(candidate) > 0
    return LatencyDifference(
        len(reference),
        len(candidate),
        percentiles,
        {name: _ratio(*values) for name, values in percentiles.items()},
        kolmogorov_smirnov(reference, candidate) if both else None,
        wasserstein_factor(reference, candidate) if both else None,
    )


def _at(ascending: Nanoseconds, percent: float) -> int | None:
    return int(percentile(ascending, percent)) if len(ascending) else None


def _ratio(reference: int | None, candidate: int | None) -> float | None:
    return candidate / reference if reference and candidate is not None else None


def kolmogorov_smirnov(one: Nanoseconds, other: Nanoseconds) -> float:
    """The two-sample statistic, 0 to 1; neither sample may be empty."""
    one, other = np.sort(one), np.sort(other)
    every = np.concatenate((one, other))
    shares = [np.searchsorted(sample, every, "right") / len(sample) for sample in (one, other)]
    return float(np.abs(shares[0] - shares[1]).max())


def wasserstein_factor(one: Nanoseconds, other: Nanoseconds) -> float:
    """10 to the first Wasserstein distance of log10(latency); neither sample may be empty."""
    logs = [np.sort(np.log10(np.maximum(sample, 1))) for sample in (one, other)]
    every = np.sort(np.concatenate(logs))
    steps = np.diff(every)
    shares = [np.searchsorted(sample, every[:-1], "right") / len(sample) for sample in logs]
    return float(10 ** np.sum(np.abs(shares[0] - shares[1]) * steps))
