"""Workloads on disk: a directory of Parquet files and a manifest, written in batches and read lazily.

`operations.parquet` has one row an operation, in order of arrival (but what was done outside, which stands
before what saw it, though it may be done a second earlier). Its first columns are plain, so that a runner
builds its plan from them without an object a row; `-1` stands for "none" in them:

    operation   int64    its number, from 0 on
    user, lane  int32    index of `users` in the manifest, -1: somebody outside; the lane within that user
    kind        string   a name in `smbench.workload.calls.CALLS` (dictionary)
    path        string   of the file, relative to the target
    handle      int64    the open that it works on or makes
    offset, length  uint64  bytes; 0 where the call has none
    arrival_ns, service_ns  int64  since the trace's start; what the client waited, -1 unanswered
    expected    int64    NTSTATUS
    received    int64    what it moved (`smbench.workload.amounts`)
    exchanges   list of int64
    rule        string   (dictionary)
    by_client   bool     nobody asked for it: the captured client made it by itself

Every other parameter of a call has a column of its own name, null where the call lacks it.
`namespace.parquet` holds `NamespaceEntry`s, `breaks.parquet` `Break`s (older workloads have none),
`coverage.parquet` a row an exchange: `exchange, disposition, rule, reason, operation` (the first operation
that stands for it, -1 for none).
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa

from smbench.errors import UsageError
from smbench.smb2.leases import ALL
from smbench.tables import MOST, Form, TableFile, fault
from smbench.trace.store import EXCHANGES_FILE, REMEDY, REMEDY_OF_TWO, StoredExchanges
from smbench.workload.bounds import Bounds
from smbench.workload.calls import CALLS
from smbench.workload.columns import BREAKS_SCHEMA as BREAKS_SCHEMA
from smbench.workload.columns import COVERAGE_SCHEMA as COVERAGE_SCHEMA
from smbench.workload.columns import NAMESPACE_SCHEMA as NAMESPACE_SCHEMA
from smbench.workload.columns import OPERATIONS_SCHEMA as OPERATIONS_SCHEMA
from smbench.workload.columns import (
    OPTIONAL,
    PARAMETERS,
    TIMES,
    operations_of,
)
from smbench.workload.manifest import MANIFEST as MANIFEST
from smbench.workload.manifest import Manifest, read_manifest, refuse_changed
from smbench.workload.manifest import write_manifest as _write_manifest
from smbench.workload.model import (
    OUTSIDE,
    Break,
    Disposition,
    Kind,
    NamespaceEntry,
    Operation,
    Workload,
    WorkloadInfo,
)
from smbench.workload.seen import View, view
from smbench.workload.writers import BATCH as BATCH
from smbench.workload.writers import BREAKS as BREAKS
from smbench.workload.writers import COVERAGE as COVERAGE
from smbench.workload.writers import NAMESPACE as NAMESPACE
from smbench.workload.writers import OPERATIONS as OPERATIONS
from smbench.workload.writers import BatchWriter as BatchWriter
from smbench.workload.writers import BreakWriter as BreakWriter
from smbench.workload.writers import CoverageWriter as CoverageWriter
from smbench.workload.writers import NamespaceWriter as NamespaceWriter
from smbench.workload.writers import OperationWriter as OperationWriter

_BY_CLIENT = "by_client"
_STATUS = (1 << 32) - 1
_LARGEST = (1 << 63) - 1
"""A file may be said to be as large as a file can be."""

OPERATIONS_FORM = Form(
    OPERATIONS_SCHEMA,
    REMEDY,
    optional=OPTIONAL | {_BY_CLIENT},
    nullable=PARAMETERS,
    range={
        "operation": (0, MOST),
        "user": (OUTSIDE, MOST),
        "lane": (0, MOST),
        "arrival_ns": (0, MOST),
        "service_ns": (-MOST, MOST),
        "expected": (-1, _STATUS),
        "received": (-1, MOST),
    },
    lengths={"times": TIMES},
    words={"kind": frozenset(CALLS)},
)
NAMESPACE_FORM = Form(
    NAMESPACE_SCHEMA,
    REMEDY,
    optional=frozenset(("ea_names", "ea_lengths")),
    nullable=frozenset(("attributes", "created_ns", "accessed_ns", "written_ns")),
    range={"size": (0, _LARGEST)},
    words={"kind": frozenset(Kind)},
)
BREAKS_FORM = Form(
    BREAKS_SCHEMA,
    REMEDY,
    range={"handle": (0, MOST), "notified_ns": (0, MOST), "state": (0, ALL), "answered_ns": (-1, MOST)},
)


@dataclass(frozen=True, slots=True)
class StoredOperations:
    """The operations of a workload directory, read batch by batch, as often as asked."""

    path: Path
    client_calls: bool = False
    """Whether those that the clients made by themselves are among them."""
    outside: int | None = None
    """The user who stands for what somebody outside did; None: that is not among them."""
    bounds: Bounds | None = None
    """What its rows may refer to; None where it was just written."""

    def opened(self) -> TableFile:
        """The file itself, with rows that are not to be seen."""
        bounds = self.bounds
        if bounds is None:
            return TableFile(self.path, OPERATIONS_FORM)
        form = replace(OPERATIONS_FORM, remedy=REMEDY_OF_TWO)
        return TableFile(self.path, form, rows=bounds.rows, check=bounds.fault_of)

    def whole(self) -> StoredOperations:
        """Every row of the file, in the place that its number says; what was done outside by user 0."""
        return replace(self, client_calls=True, outside=0)

    def __len__(self) -> int:
        with self.opened() as file:
            if self._view(file).plain:
                return file.rows
        return sum(batch.num_rows for batch in self.batches(["operation"]))

    def _view(self, file: TableFile) -> View:
        return view(file, self.client_calls, self.outside)

    def __iter__(self) -> Iterator[Operation]:
        for batch in self.batches():
            yield from operations_of(batch)

    def batches(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """Record batches with the columns of this module's table, or those asked for. No thread is
        used, so that a process may still fork."""
        with self.opened() as file:
            seen = self._view(file)
            for batch in file.batches(seen.read(columns), BATCH):
                yield seen.seen(batch, columns)

    def table(self, columns: Sequence[str] | None = None) -> pa.Table:
        """All of `batches()` in one table."""
        with self.opened() as file:
            seen = self._view(file)
            return seen.seen(file.table(seen.read(columns)), columns)


def with_client_calls(workload: Workload) -> Workload:
    """The same workload, with the operations that its clients made by themselves."""
    operations = workload.operations
    assert isinstance(operations, StoredOperations)
    return replace(workload, operations=replace(operations, client_calls=True))


@dataclass(frozen=True, slots=True)
class StoredNamespace:
    """The namespace of a workload directory, parents before children, as often as asked."""

    path: Path

    def opened(self) -> TableFile:
        """The file itself."""
        return TableFile(self.path, NAMESPACE_FORM)

    def __len__(self) -> int:
        with self.opened() as file:
            return file.rows

    def __iter__(self) -> Iterator[NamespaceEntry]:
        with self.opened() as file:
            for batch in file.batches(size=BATCH):
                columns = {name: batch.column(name).to_pylist() for name in batch.schema.names}
                columns["kind"] = [Kind(kind) for kind in columns["kind"]]
                for name in NAMESPACE_FORM.optional.intersection(columns):
                    columns[name] = [None if of is None else tuple(of) for of in columns[name]]
                yield from map(
                    NamespaceEntry, *(columns[name] for name in NAMESPACE_SCHEMA.names if name in columns)
                )


@dataclass(frozen=True, slots=True)
class StoredBreaks:
    """The breaks of a workload directory, in no order; none where the workload is older than they are."""

    path: Path

    def opened(self) -> TableFile:
        """The file itself. FileNotFoundError where there is none."""
        return TableFile(self.path, BREAKS_FORM)

    def __iter__(self) -> Iterator[Break]:
        if not os.path.lexists(self.path):
            return
        with self.opened() as file:
            for batch in file.batches(size=BATCH):
                yield from map(Break, *(batch.column(name).to_pylist() for name in BREAKS_SCHEMA.names))


def coverage_form(exchanges: int | None, operations: int | None = None) -> Form:
    """That of coverage.parquet, of a trace with so many exchanges that became so many operations."""
    last = MOST if exchanges is None else exchanges - 1
    return Form(
        COVERAGE_SCHEMA,
        REMEDY,
        range={"exchange": (0, last), "operation": (-1, MOST if operations is None else operations - 1)},
        words={"disposition": frozenset(Disposition)},
    )


def open_coverage(directory: Path) -> TableFile:
    """coverage.parquet of a workload directory. FileNotFoundError where there is none."""
    exchanges = directory / EXCHANGES_FILE
    many = len(StoredExchanges(exchanges)) if os.path.lexists(exchanges) else None
    return TableFile(directory / COVERAGE, coverage_form(many))


def write_manifest(directory: Path, info: WorkloadInfo) -> None:
    """Write `manifest.json`: last of all, because its presence says that the directory is whole."""
    files = (OPERATIONS, NAMESPACE, BREAKS, COVERAGE, EXCHANGES_FILE)
    _write_manifest(directory, info, files, f"smbench-mount {_tool_version()}")


def write(directory: Path, workload: Workload) -> None:
    """Write a workload (without its coverage by exchange) as a directory, which is made if need be."""
    directory.mkdir(parents=True, exist_ok=True)
    with OperationWriter(directory) as operations:
        for operation in workload.operations:
            operations.add(operation)
    with NamespaceWriter(directory) as namespace:
        for entry in workload.namespace:
            namespace.add(entry)
    with BreakWriter(directory) as breaks:
        for broken in workload.breaks:
            breaks.add(broken)
    write_manifest(directory, workload.info)


def read(directory: Path) -> Workload:
    """The workload in `directory`; its files are read when it is iterated, and held against the manifest.

    Raises `UsageError` where the directory is missing, is not a workload, has a schema that this version does
    not read, or is damaged as far as its files' footers tell; what of them is damaged beyond that, when it is
    read.
    """
    manifest = read_manifest(directory)
    needed = [OPERATIONS, NAMESPACE, *([BREAKS] if BREAKS in manifest.files else [])]
    for name in needed:
        if not os.path.lexists(directory / name):
            raise UsageError(f"{directory} is not whole: {name} is missing; {REMEDY}")
    refuse_changed(directory, manifest)
    operations = StoredOperations(directory / OPERATIONS, bounds=_bounds(directory, manifest))
    operations.opened().close()
    namespace = StoredNamespace(directory / NAMESPACE)
    namespace.opened().close()
    breaks = StoredBreaks(directory / BREAKS)
    if os.path.lexists(breaks.path):
        breaks.opened().close()
    return Workload(manifest.info(), operations, namespace, breaks)


def _bounds(directory: Path, manifest: Manifest) -> Bounds:
    """What rows may refer to. Holds the exchanges and their coverage, where they were kept, against the
    manifest on the way."""
    trace = manifest.trace
    exchanges, coverage = directory / EXCHANGES_FILE, directory / COVERAGE
    many = len(StoredExchanges(exchanges)) if os.path.lexists(exchanges) else None
    if many is not None and many < trace.exchanges:
        raise fault(
            exchanges, f"it has {many:,} exchanges, and the workload is of {trace.exchanges:,}", REMEDY_OF_TWO
        )
    if os.path.lexists(coverage):
        form = replace(coverage_form(many), remedy=REMEDY_OF_TWO)
        TableFile(coverage, form, rows=trace.exchanges).close()
    return Bounds(tuple(manifest.lanes), manifest.rows, many, trace.duration_ns)


def _tool_version() -> str:
    from importlib.metadata import PackageNotFoundError, version  # slow, and not for readers

    try:
        return version("smbench-mount")
    except PackageNotFoundError:
        return "unknown"
