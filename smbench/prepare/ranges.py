"""Ranges of bytes of files: sets of them as sorted arrays, and many gathered in bounded memory. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from smbench.prepare.content import BLOCK

Ranges = NDArray[np.int64]
"""Of one file: a row (first byte, byte after the last) a range, in order; none touches another."""
Numbers = NDArray[np.int64]

NOTHING: Ranges = np.zeros((0, 2), np.int64)
MOST = 1 << 20
"""Ranges of all files together that are kept apart; beyond, all are widened to blocks twice as large, until
there are fewer (or one a file)."""
_PENDING = 1 << 18
"""Ranges that are gathered before they are merged."""
_LARGEST_BLOCK = 1 << 46


def whole(size: int) -> Ranges:
    """All of a file."""
    return np.array([[0, size]], np.int64) if size > 0 else NOTHING


def ranges_of(pairs: Iterable[Sequence[int]]) -> Ranges:
    """Any pairs of numbers as ranges: what is empty is left out."""
    rows = np.array([pair for pair in pairs if pair[0] < pair[1]], np.int64).reshape(-1, 2)
    files, begins, ends = _merged(np.zeros(len(rows), np.int64), rows[:, 0], rows[:, 1])
    del files
    return np.column_stack((begins, ends))


def clipped(ranges: Ranges, size: int) -> Ranges:
    """What of them a file of that size has."""
    inside = ranges[ranges[:, 0] < size]
    return np.minimum(inside, size)


def length(ranges: Ranges) -> int:
    """Bytes."""
    return int((ranges[:, 1] - ranges[:, 0]).sum())


def covers(outer: Ranges, inner: Ranges) -> bool:
    """Whether every byte of `inner` is in `outer`."""
    if not len(inner):
        return True
    at = np.searchsorted(outer[:, 0], inner[:, 0], side="right") - 1
    return bool((at >= 0).all() and (outer[at, 1] >= inner[:, 1]).all())


class Gathered:
    """Ranges of numbered files, whole blocks of at least BLOCK bytes, merged as they come.

    Memory is bounded: 24 bytes for each of at most MOST ranges (or of one a file), as much again for what is
    not merged yet, and for a moment ten times of both, while they are sorted.
    """

    def __init__(self) -> None:
        self.block = BLOCK
        self._merged = _nothing()
        self._pending: list[tuple[Numbers, Numbers, Numbers]] = []
        self._waiting = 0

    def add(self, files: Numbers, begins: Numbers, ends: Numbers) -> None:
        """Ranges in bytes, each with its file's number."""
        some = begins < ends
        files, begins, ends = files[some], begins[some], ends[some]
        self._pending.append((files, begins // self.block, -(-ends // self.block)))
        self._waiting += len(files)
        if self._waiting > max(_PENDING, len(self._merged[0])):
            self._merge()

    def by_file(self) -> dict[int, Ranges]:
        """In bytes; a last block may reach beyond its file's end."""
        self._merge()
        files, begins, ends = self._merged
        rows = np.column_stack((begins, ends)) * self.block
        numbers, first = np.unique(files, return_index=True)
        return dict(zip(numbers.tolist(), np.split(rows, first[1:]), strict=True)) if len(numbers) else {}

    def _merge(self) -> None:
        parts = [self._merged, *self._pending]
        self._pending, self._waiting = [], 0
        self._merged = _merged(*(np.concatenate([part[at] for part in parts]) for at in range(3)))
        while len(self._merged[0]) > MOST and self.block < _LARGEST_BLOCK:
            files, begins, ends = self._merged
            self.block *= 2
            self._merged = _merged(files, begins // 2, -(-ends // 2))


def _nothing() -> tuple[Numbers, Numbers, Numbers]:
    return np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.int64)


def _merged(files: Numbers, begins: Numbers, ends: Numbers) -> tuple[Numbers, Numbers, Numbers]:
    """Sorted by file and begin; those that overlap or touch are one."""
    if not len(files):
        return _nothing()
    order = np.lexsort((begins, files))
    files, begins, ends = files[order], begins[order], ends[order]
    # How far what came before in the same file reaches: the greatest of the ends until here, by their ranks,
    # so that a file's own always lie above those of the files before it.
    levels, ranks = np.unique(ends, return_inverse=True)
    _, place = np.unique(files, return_inverse=True)
    reach = np.maximum.accumulate(place * len(levels) + ranks.reshape(-1))
    reached = levels[reach % len(levels)]
    first = np.ones(len(files), bool)
    first[1:] = (files[1:] != files[:-1]) | (begins[1:] > reached[:-1])
    starts = np.flatnonzero(first)
    last = np.append(starts[1:] - 1, len(files) - 1)
    return files[starts], begins[starts], reached[last]
