"""The classes of sizes and of times that stand in the place of exact ones."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

LEAST_SIZE = 4096
"""Bytes of the smallest class of sizes but that of empty files, which are told from others anyway."""
LARGEST_SIZE = 1 << 40
"""Of a class: larger files are like no other by that alone, and file systems have limits above it."""
EPOCH_NS = 946_684_800_000_000_000
"""2000-01-01, when every capture begins whose own times are not kept."""
HOUR_NS = 3_600_000_000_000
_FARTHEST_HOURS = 1 << 20
"""About 120 years: what is further away is as far."""

Integers = NDArray[np.integer[Any]]


def size_class(sizes: Integers) -> Integers:
    """Each size rounded up to a power of two, 4 KiB at least and 1 TiB at most; 0 and larger ones stay."""
    powers = np.array([1 << bit for bit in range(LEAST_SIZE.bit_length() - 1, LARGEST_SIZE.bit_length())])
    at = np.minimum(np.searchsorted(powers, sizes), len(powers) - 1)
    return np.where((sizes == 0) | (sizes > LARGEST_SIZE), sizes, powers[at])


def time_class(times_ns: NDArray[np.int64], start_ns: int) -> NDArray[np.int64]:
    """Each time as its distance from the capture's start, rounded up to hours times a power of two, of a
    capture that began at `EPOCH_NS`. What came later comes later."""
    hours = np.abs(times_ns.astype(np.float64) - start_ns) / HOUR_NS
    rounded = np.exp2(np.ceil(np.log2(np.clip(hours, 1, _FARTHEST_HOURS)))).astype(np.int64) * HOUR_NS
    return EPOCH_NS + np.where(times_ns < start_ns, -rounded, rounded)
