"""Which files of a workload need their sizes to the byte: others may be as large as their class."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
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
_TWO_NAMES = pa.array(["Rename", "Link"])
_COLUMNS = ("kind", "path", "target", "offset", "length", "expected", "received", "size", "append")
_SETS_END = pa.array(["Write", "Truncate"])
_WITHIN = re.compile(r"[/:]")
"""What stands between a folder and what is in it, and between a file and its streams."""


@dataclass(slots=True)
class Needs:
    """What the operations tell of each path's size, whatever the namespace says."""

    exact: set[str] = field(default_factory=set)
    """Whose size makes an outcome, to the byte."""
    ends: dict[str, int] = field(default_factory=dict)
    """The furthest end of writes and of sizes that were set: it stands in the operations."""


def needs_of(operations: TableFile, sizes: Mapping[str, int]) -> Needs:
    """What the operations need of files that have these sizes before them. In memory are paths alone."""
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
            needs.ends[path] = max(end, needs.ends.get(path, 0))
        for path, target in _named_anew(batch):
            named.join(path, target)
    needs.exact.update(named.all_of(needs.exact, sizes))
    return needs


class _Named:
    """Names that one file had, one after the other or beside each other: disjoint sets of them. What is in a
    folder, and a file's streams, get other paths with it."""

    def __init__(self) -> None:
        self._above: dict[str, str] = {}

    def join(self, one: str, other: str) -> None:
        self._above[self._first(one)] = self._first(other)

    def all_of(self, some: Collection[str], others: Iterable[str]) -> set[str]:
        """These names, and all that their files had; and of the `others` those below a name that changed
        which end as one of these does that is below such a name. More may be among them, and none lacks."""
        found, known = set(some), 0
        if not self._above:
            return found
        moved = {path for path in (*others, *self._above, *found) if self._is_below_any(path)}
        while len(found) > known:
            known = len(found)
            firsts = {self._first(name) for name in found}
            found.update(name for name in [*self._above] if self._first(name) in firsts)
            ends = {_end(path) for path in found & moved}
            found.update(path for path in moved if _end(path) in ends)
        return found

    def _is_below_any(self, path: str) -> bool:
        return any(path[: match.start()] in self._above for match in _WITHIN.finditer(path))

    def _first(self, name: str) -> str:
        above = self._above.setdefault(name, name)
        while above != name:
            further = self._above[name] = self._above[above]
            name, above = above, further
        return name


def _end(path: str) -> str:
    return _WITHIN.split(path)[-1]


def _copied(operations: TableFile) -> pa.Array:
    """The opens that something is copied from."""
    if "source" not in operations.columns:
        return pa.array([], pa.int64())
    found = [pc.unique(batch.column("source")).drop_null() for batch in operations.batches(["source"])]
    return pc.unique(pa.chunked_array(found, pa.int64()).combine_chunks())


def _asking(batch: pa.RecordBatch, sizes: Mapping[str, int]) -> Iterator[str]:
    """The paths of calls whose outcome is another where the file ends elsewhere."""
    kind = batch.column("kind")
    short = pc.and_(
        pc.equal(kind, "Read"),
        pc.or_(
            pc.not_equal(batch.column("expected"), 0),
            # Of locks a length may be beyond all signed numbers; -1, "not told", is then no length of a read.
            pc.not_equal(batch.column("received").cast(pa.uint64(), safe=False), batch.column("length")),
        ),
    )
    yield from _paths(batch, pc.or_(short, pc.is_in(kind, _BY_SIZE)))
    writes = batch.filter(pc.equal(kind, "Write"))
    if not writes.num_rows:
        return
    paths = writes.column("path").dictionary_encode()
    size = np.array([sizes.get(path, 0) for path in paths.dictionary.to_pylist()], np.uint64)
    size = size[paths.indices.to_numpy()]
    end = _number(writes, "offset") + _number(writes, "length")
    last = end > size - size % np.uint64(_PAGE)
    if "append" in writes.schema.names:
        last |= pc.fill_null(writes.column("append"), False).to_numpy(zero_copy_only=False)
    yield from _paths(writes, pa.array(last))


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
            yield path, target


def _paths(batch: pa.RecordBatch, where: pa.Array) -> list[str]:
    found: list[str] = pc.unique(batch.column("path").filter(where)).to_pylist()
    return found


def _number(batch: pa.RecordBatch, name: str) -> np.ndarray[tuple[int], np.dtype[np.uint64]]:
    values: np.ndarray[tuple[int], np.dtype[np.uint64]] = (
        pc.fill_null(batch.column(name), 0).to_numpy(zero_copy_only=False).astype(np.uint64)
    )
    return values
