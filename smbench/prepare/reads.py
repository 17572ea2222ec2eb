"""What of each prepared file a workload reads: where `auto` content has to be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from smbench.prepare.moved import Moved
from smbench.prepare.ranges import Gathered, Numbers, Ranges, clipped
from smbench.smb2.constants import ATTRIBUTE_SPARSE_FILE
from smbench.smb2.ntstatus import Status
from smbench.workload.model import Kind, NamespaceEntry
from smbench.workload.store import StoredOperations

Reads = Mapping[str, Ranges]
"""By path, as the namespace has it; a file that is not read is in none."""

_COLUMNS = (
    "kind", "path", "handle", "offset", "length", "expected", "source", "source_offset", "target",
)  # fmt: skip
_MOVING = ("Rename", "Link")
_LARGEST = (1 << 63) - 1
# What failed in the capture moved nothing; what has no answer (-1) may have been done.
_DONE = (Status.SUCCESS, Status.BUFFER_OVERFLOW, -1)


def what_is_read(operations: StoredOperations, namespace: Iterable[NamespaceEntry]) -> Reads:
    """The ranges of present files and streams that any user reads, copies from, or asks the allocated ranges
    of (unless the file is marked sparse: then what is read of it is what it holds), in blocks of 64 KiB.

    A file that was renamed on the way is read as what it was in the beginning. What the workload writes
    itself before it reads it counts as read. One pass, columns at once; memory follows the number of files.
    """
    reader = _Reader.of(namespace)
    if not reader.sizes:
        return {}
    sources = _sources(operations)
    for batch in operations.batches(_COLUMNS):
        reader.batch(batch, sources)
    return {
        reader.paths[number]: within
        for number, ranges in reader.gathered.by_file().items()
        if len(within := clipped(ranges, reader.sizes[number]))
    }


def _sources(operations: StoredOperations) -> Numbers:
    """The handles that copies read from."""
    found: set[int] = set()
    for batch in operations.batches(["kind", "source"]):
        copies = batch.filter(pc.equal(batch.column("kind"), "CopyRange"))
        found.update(copies.column("source").drop_null().to_pylist())
    return np.array(sorted(found), np.int64)


@dataclass(slots=True)
class _Reader:
    paths: list[str]
    sizes: list[int]
    sparse: list[bool]
    numbers: dict[str, int]
    gathered: Gathered = field(default_factory=Gathered)
    moved: Moved = field(default_factory=Moved)
    opened: dict[int, tuple[int, int]] = field(default_factory=dict)
    """What each source of copies is, by its handle."""

    @classmethod
    def of(cls, namespace: Iterable[NamespaceEntry]) -> _Reader:
        present = [
            entry for entry in namespace if entry.present and entry.size and entry.kind is not Kind.DIRECTORY
        ]
        return cls(
            [entry.path for entry in present],
            [entry.size for entry in present],
            [bool((entry.attributes or 0) & ATTRIBUTE_SPARSE_FILE) for entry in present],
            {_plain(entry.path): number for number, entry in enumerate(present)},
        )

    def batch(self, batch: pa.RecordBatch, sources: Numbers) -> None:
        kinds = batch.column("kind")
        words, codes = kinds.dictionary.to_pylist(), kinds.indices.to_numpy()

        def are(*wanted: str) -> NDArray[np.bool_]:
            return np.isin(codes, [at for at, word in enumerate(words) if word in wanted])

        done = np.isin(batch.column("expected").to_numpy(), _DONE)
        events = are(*_MOVING) & done
        if len(sources):
            events |= are("Open") & np.isin(_filled(batch, "handle"), sources)
        copies, asks = are("CopyRange"), are("AllocatedRanges")
        reads = np.flatnonzero((are("Read") | copies | asks) & done)
        first = 0
        # What moves a name changes what is read after it.
        for event in np.flatnonzero(events).tolist():
            upto = int(np.searchsorted(reads, event))
            self.read(batch, reads[first:upto], copies, asks)
            first = upto
            self.happened(batch, event)
        self.read(batch, reads[first:], copies, asks)

    def happened(self, batch: pa.RecordBatch, row: int) -> None:
        path, target = batch.column("path")[row].as_py(), batch.column("target")[row].as_py()
        kind = batch.column("kind")[row].as_py()
        if kind == "Open":
            self.opened[batch.column("handle")[row].as_py()] = self.found(path)
        elif target is not None:
            self.moved.move(path, target, stays=kind == "Link")

    def found(self, path: str) -> tuple[int, int]:
        """The numbers of what has the name now and of what had it first, -1 for none: one name may have been
        given to another file unseen, and then both are taken to be read."""
        origin = self.moved.origin(path)
        first = self.numbers.get(_plain(path), -1)
        return first, -1 if origin in (None, path) else self.numbers.get(_plain(origin or ""), -1)

    def read(
        self, batch: pa.RecordBatch, rows: Numbers, copying: NDArray[np.bool_], asking: NDArray[np.bool_]
    ) -> None:
        if not len(rows):
            return
        part = batch.take(pa.array(rows))
        copies, asks = copying[rows], asking[rows]
        begins = np.where(copies, _filled(part, "source_offset"), _filled(part, "offset"))
        ends = begins + np.minimum(_filled(part, "length"), _LARGEST - begins)
        paths = pc.dictionary_encode(part.column("path"))
        own, origins = (
            np.array(values, np.int64)[paths.indices.to_numpy()]
            for values in zip(*map(self.found, paths.dictionary.to_pylist()), strict=True)
        )
        if copies.any():
            known = [self.opened.get(handle, (-1, -1)) for handle in _filled(part, "source").tolist()]
            of_source = np.array(known, np.int64)
            own = np.where(copies, of_source[:, 0], own)
            origins = np.where(copies, of_source[:, 1], origins)
        for files in (own, origins):
            keep = files >= 0
            keep &= ~(asks & np.array(self.sparse)[files])
            ends_here = np.minimum(ends, np.array(self.sizes, np.int64)[files])
            self.gathered.add(files[keep], begins[keep], ends_here[keep])


def _plain(path: str) -> str:
    """A stream may be named with its type ([MS-FSCC] 2.1.5)."""
    return path[: -len(":$DATA")] if path.upper().endswith(":$DATA") else path


def _filled(batch: pa.RecordBatch, name: str) -> Numbers:
    """A column of numbers as signed ones; 0 where there is none."""
    column = batch.column(name)
    if pa.types.is_uint64(column.type):
        column = pc.min_element_wise(column, pa.scalar(_LARGEST, column.type))
    filled = pc.fill_null(column.cast(pa.int64()), 0)
    return np.asarray(filled.to_numpy(zero_copy_only=False), np.int64)
