"""Order: how many pairs of matched exchanges stand the other way round in the candidate."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_SMALL = 64


def inversions(positions: NDArray[np.int64]) -> int:
    """Pairs i < j with positions[i] > positions[j] (merge sort, O(n log² n) in numpy's hands)."""
    return _sorted(np.asarray(positions, np.int64))[1]


def _sorted(values: NDArray[np.int64]) -> tuple[NDArray[np.int64], int]:
    if len(values) <= _SMALL:
        inverted = int(np.count_nonzero(np.triu(values[:, None] > values[None, :], 1)))
        return np.sort(values), inverted
    half = len(values) // 2
    left, inside_left = _sorted(values[:half])
    right, inside_right = _sorted(values[half:])
    larger = len(left) - np.searchsorted(left, right, "right")
    return np.sort(np.concatenate((left, right)), kind="stable"), inside_left + inside_right + int(
        larger.sum()
    )
