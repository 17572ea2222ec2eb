"""Which files of a workload need their sizes to the byte: others may be as large as their class."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from smbench.tables import TableFile

_PAGE = 4096
"""A write that ends in the last page of a file, or behind it, may have the client read that page first, by
where the file ends."""
_BY_SIZE = pa.array(
    ["Truncate", "SetAllocation", "CopyRange", "PunchHole", "ShiftRange", "AllocatedRanges", "Control"]
)
"""Kinds of calls that ask where a file ends, or may."""
_MOVING = pa.array(["Read", "Write"])
_TWO_NAMES = pa.array(["Rename", "Link"])
_COLUMNS = ("kind", "path", "target", "offset", "length", "expected", "received", "size", "append")
_SETS_END = pa.array(["Write", "Truncate"])


@dataclass(slots=True)
class Needs:
    """What the operations tell of each path's size, whatever the namespace says. Paths are in lower case:
    servers take names that differ by case for one."""

    exact: set[str] = field(default_factory=set)
    """Whose size makes an outcome, to the byte."""
    ends: dict[str, int] = field(default_factory=dict)
    """The furthest end of writes and of sizes that were set: it stands in the operations."""


def needs_of(operations: TableFile, sizes: Mapping[str, int]) -> Needs:
    """What the operations need of files that have these sizes before them (by paths in lower case). In
    memory are paths alone."""
    needs = Needs()
    copied = _copied(operations)
    named = _Named()
    columns = [name for name in _COLUMNS if name in operations.columns]
    for batch in operations.batches([*columns, "handle"]):
        needs.exact.update(_asking(batch, sizes))
        if len(copied):
            opened = pc.and_(pc.equal(batch.column("kind"), "Open"), pc.is_in(batch.column("handle"), copied))
            needs.exact.update(_paths(batch, opened))
        for path, end in _ends(batch):
            path = path.lower()
            needs.ends[path] = max(end, needs.ends.get(path, 0))
        for path, target in _named_anew(batch):
            named.join(path, target)
    needs.exact = named.all_of(needs.exact)
    return needs


class _Named:
    """Names that one file or directory had, one after the other or beside each other: disjoint sets."""

    def __init__(self) -> None:
        self._above: dict[str, str] = {}

    def join(self, one: str, other: str) -> None:
        self._above[self._first(one)] = self._first(other)

    def all_of(self, some: Iterable[str]) -> set[str]:
        """These paths, and all that their files had, by names of their own and of the directories above."""
        together: dict[str, list[str]] = defaultdict(list)
        for name in [*self._above]:
            together[self._first(name)].append(name)
        found = {*some}
        waiting = [*found] if together else []
        while waiting:
            path = waiting.pop()
            end = len(path)
            while end > 0:
                above, below = path[:end], path[end:]
                others = together[self._first(above)] if above in self._above else ()
                fresh = {other + below for other in others} - found
                found |= fresh
                waiting += fresh
                end = max(path.rfind("/", 0, end), path.rfind(":", 0, end))
        return found

    def _first(self, name: str) -> str:
        above = self._above.setdefault(name, name)
        while above != name:
            further = self._above[name] = self._above[above]
            name, above = above, further
        return name


def _copied(operations: TableFile) -> pa.Array:
    """The opens that something is copied from."""
    if "source" not in operations.columns:
        return pa.array([], pa.int64())
    found = [pc.unique(batch.column("source")).drop_null() for batch in operations.batches(["source"])]
    return pc.unique(pa.chunked_array(found, pa.int64()).combine_chunks())


def _asking(batch: pa.RecordBatch, sizes: Mapping[str, int]) -> Iterator[str]:
    """The paths of calls whose outcome is another where the file ends elsewhere, or that tell where."""
    yield from _paths(batch, pc.is_in(batch.column("kind"), _BY_SIZE))
    rows = batch.filter(pc.is_in(batch.column("kind"), _MOVING))
    if not rows.num_rows:
        return
    paths = rows.column("path").dictionary_encode()
    size = np.array([sizes.get(path.lower(), 0) for path in paths.dictionary.to_pylist()], np.uint64)
    size = size[paths.indices.to_numpy()]
    offset, length = _number(rows, "offset"), _number(rows, "length")
    end, received = offset + length, rows.column("received").to_numpy()
    # What was not told is -1, and with that no length.
    whole = (
        (rows.column("expected").to_numpy() == 0) & (received >= 0) & (received.astype(np.uint64) == length)
    )
    read = ~whole | (end >= size)
    written = end > size - size % np.uint64(_PAGE)
    if "append" in rows.schema.names:
        written |= pc.fill_null(rows.column("append"), False).to_numpy(zero_copy_only=False)
    is_read = pc.equal(rows.column("kind"), "Read").to_numpy(zero_copy_only=False)
    # One that wraps (an offset of 2^64-2 is the file's pointer) is behind the end too.
    yield from _paths(rows, pa.array(np.where(is_read, read, written) | (end < offset)))


def _ends(batch: pa.RecordBatch) -> Iterator[tuple[str, int]]:
    rows = batch.filter(pc.is_in(batch.column("kind"), _SETS_END))
    if "append" in rows.schema.names:
        rows = rows.filter(pc.invert(pc.fill_null(rows.column("append"), False)))
    if not rows.num_rows:
        return
    end = _number(rows, "offset") + _number(rows, "length")
    if "size" in rows.schema.names:
        end = np.maximum(end, _number(rows, "size"))
    table = pa.table({"path": rows.column("path"), "end": pa.array(end)})
    grouped = table.group_by("path").aggregate([("end", "max")])
    yield from zip(grouped.column("path").to_pylist(), grouped.column("end_max").to_pylist(), strict=True)


def _named_anew(batch: pa.RecordBatch) -> Iterator[tuple[str, str]]:
    if "target" not in batch.schema.names:
        return
    rows = batch.filter(pc.is_in(batch.column("kind"), _TWO_NAMES))
    for path, target in zip(rows.column("path").to_pylist(), rows.column("target").to_pylist(), strict=True):
        if target is not None:
            yield path.lower(), target.lower()


def _paths(batch: pa.RecordBatch, where: pa.Array) -> list[str]:
    return [path.lower() for path in pc.unique(batch.column("path").filter(where)).to_pylist()]


def _number(batch: pa.RecordBatch, name: str) -> np.ndarray[tuple[int], np.dtype[np.uint64]]:
    values: np.ndarray[tuple[int], np.dtype[np.uint64]] = (
        pc.fill_null(batch.column(name), 0).to_numpy(zero_copy_only=False).astype(np.uint64)
    )
    return values
