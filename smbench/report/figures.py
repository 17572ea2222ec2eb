"""What a stored workload does, in figures: one pass over its columns, with no object an operation.

Bytes are those that moved: of a read or write without an answer those that were asked for, of a refused one
none. A file that was renamed counts under each of its names.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from smbench.ranks import rank
from smbench.smb2.ntstatus import FIRST_ERROR, Status
from smbench.workload.store import StoredOperations

Int64s = npt.NDArray[np.int64]

DATA = ("Read", "Write")
SHARES = (50, 90, 99)
"""Percentiles of sizes."""
_MOST_HOT = 10
_COLUMNS = ("user", "kind", "path", "offset", "length", "expected", "received", "service_ns")
_PENDING = 1 << 20
"""Ranges that are gathered before they are merged."""
_FURTHEST = np.uint64(1 << 61)


class Ranges:
    """Distinct byte ranges of numbered files; memory follows the ranges that do not touch."""

    def __init__(self) -> None:
        self._parts: list[tuple[Int64s, Int64s, Int64s]] = []
        self._pending = 0

    def add(self, files: Int64s, starts: Int64s, ends: Int64s) -> None:
        """Ranges `starts` to `ends` of `files`, in any order."""
        self._parts.append((files, starts, ends))
        self._pending += len(files)
        if self._pending > _PENDING:
            self._merge()

    def _merge(self) -> tuple[Int64s, Int64s, Int64s]:
        empty = np.zeros(0, np.int64)
        files, starts, ends = (
            np.concatenate([empty, *(part[place] for part in self._parts)]) for place in range(3)
        )
        order = np.lexsort((starts, files))
        files, starts, ends = files[order], starts[order], ends[order]
        if len(files):
            # The furthest end so far within each file: the ends' ranks, lifted by file, in one accumulation.
            count = len(files)
            lift = np.concatenate(([0], np.cumsum(files[1:] != files[:-1]))) * count
            by_end = np.argsort(ends, kind="stable")
            ranks = np.empty(count, np.int64)
            ranks[by_end] = np.arange(count)
            reach = ends[by_end][np.maximum.accumulate(ranks + lift) - lift]
            fresh = np.concatenate(([True], (files[1:] != files[:-1]) | (starts[1:] > reach[:-1])))
            first = np.flatnonzero(fresh)
            last = np.append(first[1:] - 1, len(files) - 1)
            files, starts, ends = files[first], starts[first], reach[last]
        self._parts, self._pending = [(files, starts, ends)], 0
        return files, starts, ends

    def total(self) -> tuple[int, int]:
        """(distinct bytes, files)."""
        files, starts, ends = self._merge()
        return int((ends - starts).sum()), len(np.unique(files))


class _Sizes:
    """How often each size occurs: workloads use few of them."""

    def __init__(self) -> None:
        self._counts: Counter[int] = Counter()
        self.moved = 0

    def add(self, lengths: Int64s, moved: Int64s) -> None:
        values, counts = np.unique(lengths, return_counts=True)
        for value, count in zip(values.tolist(), counts.tolist(), strict=True):
            self._counts[value] += count
        self.moved += int(moved.sum())

    def document(self) -> dict[str, Any]:
        sizes = sorted(self._counts)
        counts = np.cumsum([self._counts[size] for size in sizes], dtype=np.int64)
        total = int(counts[-1]) if sizes else 0
        classes: Counter[int] = Counter()
        for size in sizes:
            classes[1 << max(0, size - 1).bit_length() if size else 0] += self._counts[size]
        return {
            "count": total,
            "bytes": self.moved,
            **{
                f"p{share}": sizes[int(np.searchsorted(counts, rank(share, total)))] if total else 0
                for share in SHARES
            },
            "max": sizes[-1] if sizes else 0,
            "up_to": {str(size): count for size, count in sorted(classes.items())},
        }


class _Paths:
    """Numbers for paths, with what was done to each."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self._numbers: dict[str, int] = {}
        self._operations = np.zeros(1024, np.int64)
        self._bytes = np.zeros(1024, np.int64)

    def numbered(self, column: pa.Array) -> Int64s:
        """The number of each row's path."""
        encoded = column.dictionary_encode()
        numbers = np.fromiter(map(self._number, encoded.dictionary.to_pylist()), np.int64)
        chosen: Int64s = numbers[encoded.indices.to_numpy()]
        return chosen

    def add(self, numbers: Int64s, moved: Int64s) -> None:
        size = len(self.names)
        if size > len(self._operations):
            more = np.zeros(2 * size - len(self._operations), np.int64)
            self._operations = np.concatenate((self._operations, more))
            self._bytes = np.concatenate((self._bytes, more))
        self._operations[:size] += np.bincount(numbers, minlength=size)
        np.add.at(self._bytes, numbers, moved)

    def hottest(self) -> dict[str, list[dict[str, Any]]]:
        """The paths with the most operations and with the most bytes."""
        return {"operations": self._first(self._operations), "bytes": self._first(self._bytes)}

    def _first(self, by: Int64s) -> list[dict[str, Any]]:
        by = by[: len(self.names)]
        order = np.argsort(-by, kind="stable")[:_MOST_HOT].tolist()
        return [
            {"path": self.names[at], "operations": int(self._operations[at]), "bytes": int(self._bytes[at])}
            for at in order
            if by[at] > 0
        ]

    def _number(self, name: str) -> int:
        number = self._numbers.setdefault(name, len(self.names))
        if number == len(self.names):
            self.names.append(name)
        return number


def figures(operations: StoredOperations, users: int) -> dict[str, Any]:
    """`working_set`, `sizes`, `hot`, `unanswered` and, a list of one entry a user, `by_user` (bytes,
    failures)."""
    sizes = {kind: _Sizes() for kind in DATA}
    touched = {kind: Ranges() for kind in DATA}
    both, paths = Ranges(), _Paths()
    without_answer = 0
    by_user = {name: np.zeros(users, np.int64) for name in ("read_bytes", "written_bytes", "failed")}
    for batch in operations.batches(_COLUMNS):
        number = {name: _numbers(batch.column(name)) for name in _COLUMNS if name not in ("kind", "path")}
        expected, received = number["expected"], number["received"]
        failed = (expected < 0) | (expected >= FIRST_ERROR)
        unanswered = number["service_ns"] < 0
        without_answer += int(((expected < 0) | (expected == Status.PENDING)).sum())
        moved = np.where(received >= 0, received, np.where(unanswered, number["length"], 0))
        places = paths.numbered(batch.column("path"))
        data = np.zeros(batch.num_rows, bool)
        for kind, name in zip(DATA, ("read_bytes", "written_bytes"), strict=True):
            rows = _is(batch.column("kind"), kind)
            data |= rows
            sizes[kind].add(number["length"][rows], moved[rows])
            np.add.at(by_user[name], number["user"][rows], moved[rows])
            some = rows & (moved > 0)
            ranges = places[some], number["offset"][some], number["offset"][some] + moved[some]
            touched[kind].add(*ranges)
            both.add(*ranges)
        paths.add(places, np.where(data, moved, 0))
        by_user["failed"] += np.bincount(number["user"][failed & ~unanswered], minlength=users)
    total, files = both.total()
    return {
        "working_set": {
            "bytes": total,
            "files": files,
            "read_bytes": touched["Read"].total()[0],
            "written_bytes": touched["Write"].total()[0],
            "paths": len(paths.names),
        },
        "sizes": {kind: sizes[kind].document() for kind in DATA},
        "hot": paths.hottest(),
        "unanswered": without_answer,
        "by_user": [{name: int(values[user]) for name, values in by_user.items()} for user in range(users)],
    }


def _is(column: pa.Array, word: str) -> npt.NDArray[np.bool_]:
    return np.asarray(pc.equal(column.cast(pa.string()), word).to_numpy(zero_copy_only=False), bool)


def _numbers(column: pa.Array) -> Int64s:
    values: Int64s = column.to_numpy()
    # Offsets and lengths that no file can have count as far as they can.
    return np.minimum(values, _FURTHEST).astype(np.int64) if values.dtype == np.uint64 else values


def tally(words: Sequence[str], counts: Sequence[int]) -> dict[str, int]:
    """Counts by word, the most frequent first."""
    found: Counter[str] = Counter()
    for word, count in zip(words, counts, strict=True):
        found[word] += count
    return dict(found.most_common())
