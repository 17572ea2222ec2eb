"""What an executor could not keep of the calls' parameters, counted by reason, once for each shape of call.

The shape of a call is all of its parameters but those that only say where: handle, name, offset,
length, times, lease key. Of these it keeps what an executor may stumble over: an empty range, one
beyond 2^63, a stream, a wildcard, whether there is a time or a key at all.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from smbench.executors.base import OLD_HABITS, Executor, Habits
from smbench.runner.call_file import KINDS, calls_of
from smbench.workload.calls import Call
from smbench.workload.parameters import PARAMETERS

_WHERE = {
    "handle", "path", "target", "offset", "length", "size", "source", "source_offset",
    "created_ns", "accessed_ns", "written_ns", "changed_ns", "pattern",
    "ea_name",
}  # fmt: skip
_TEXTS = {"path", "pattern", "lease_key", "parent_lease_key"}
_PRESENT = {"created_ns", "accessed_ns", "written_ns", "changed_ns", "times"}
_LARGEST_OFFSET = (1 << 63) - 1


class Losses:
    """Counts (kind, reason) over batches of calls as `runner.spread` has them."""

    def __init__(self, executor: type[Executor], habits: Habits = OLD_HABITS) -> None:
        self._executor = executor
        self._habits = habits
        self._answers: dict[tuple[Any, ...], str | None] = {}
        self.counts: Counter[tuple[str, str]] = Counter()

    def add(self, batch: pa.RecordBatch) -> None:
        """Count the losses of all calls of a batch (all must be executed ones)."""
        kinds = batch.column("kind").to_numpy()
        for number in np.flatnonzero(np.bincount(kinds, minlength=len(KINDS))):
            kind = KINDS[number]
            mine = batch.filter(pa.array(kinds == number))
            shapes, rows = _shapes(kind, mine)
            for shape, (row, count) in zip(shapes, rows, strict=True):
                key = (number, *shape)
                if key not in self._answers:
                    self._answers[key] = self._executor.loss(calls_of(mine.slice(row, 1))[0], self._habits)
                if (reason := self._answers[key]) is not None:
                    self.counts[kind.__name__, reason] += count


def _shapes(kind: type[Call], batch: pa.RecordBatch) -> tuple[list[tuple[Any, ...]], list[tuple[int, int]]]:
    """The distinct shapes, and for each its first row and its number of rows."""
    names = {*PARAMETERS[kind]} & {*batch.schema.names}
    columns: dict[str, pa.Array] = {}
    for name in sorted(names):
        column = batch.column(name)
        if name in _PRESENT:
            columns[name] = column.is_valid()
        elif name in _TEXTS:
            columns[name] = pc.match_substring_regex(column, r":|[*?<>\"]|^$")
        elif name not in _WHERE:
            columns[name] = column.cast(pa.string()) if not pa.types.is_list(column.type) else _text(column)
    if {"offset", "length"} <= names:
        length = batch.column("length").to_numpy(zero_copy_only=False)
        end = batch.column("offset").to_numpy(zero_copy_only=False).astype(np.float64) + length
        columns["_range"] = pa.array((length == 0).astype(np.int8) + 2 * (end > _LARGEST_OFFSET))
    if not columns:
        return [()], [(0, batch.num_rows)]
    table = pa.table({**columns, "_row": pa.array(np.arange(batch.num_rows))})
    grouped = table.group_by(list(columns), use_threads=False).aggregate([("_row", "min"), ("_row", "count")])
    found = [grouped.column(name).to_pylist() for name in columns]
    rows = zip(grouped.column("_row_min").to_pylist(), grouped.column("_row_count").to_pylist(), strict=True)
    return list(zip(*found, strict=True)), list(rows)


def _text(column: pa.Array) -> pa.Array:
    return pa.array([str(value) for value in column.to_pylist()], pa.string())
