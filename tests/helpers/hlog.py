"""Interval logs of values that are there at once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from smbench.run.histogram import Histogram
from smbench.run.hlog import IntervalLog

Values = tuple[NDArray[np.int64], NDArray[np.int64]]
"""When each completed, and its value (ns)."""


def write_log(
    path: Path, start_epoch_ns: int, values: dict[str, Values], parts: int = 1
) -> dict[str, Histogram]:
    """Write a log of the values of each tag, counted in so many parts; the whole histograms come back."""
    log = IntervalLog(max(int(completed.max(initial=0)) for completed, _ in values.values()))
    whole = {
        tag: log.count(tag, zip(*(np.array_split(one, parts) for one in both), strict=True))
        for tag, both in values.items()
    }
    log.write(path, start_epoch_ns)
    return whole
