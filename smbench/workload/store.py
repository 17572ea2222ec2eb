"""Workloads on disk: a directory of Parquet files and a manifest, written in batches and read lazily.

`operations.parquet` has one row an operation, in order of arrival. Its first columns are plain, so
that a runner builds its plan from them without an object a row; `-1` stands for "none" in them:

    operation   int64    its number, from 0 on
    user, lane  int32    index of `users` in the manifest; the lane within that user
    kind        string   a name in `smbench.workload.calls.CALLS` (dictionary)
    path        string   of the file, relative to the target
    handle      int64    the open that it works on or makes
    offset, length  uint64  bytes; 0 where the call has none
    arrival_ns, service_ns  int64  since the trace's start; what the client waited, -1 unanswered
    expected    int64    NTSTATUS
    received    int64    bytes that a read or write moved
    exchanges   list of int64
    rule        string   (dictionary)
    by_client   bool     nobody asked for it: the captured client made it by itself

Every other parameter of a call has a column of its own name, null where the call lacks it.
`namespace.parquet` holds `NamespaceEntry`s, `coverage.parquet` a row an exchange: `exchange,
disposition, rule, reason, operation` (the first operation that stands for it, -1 for none).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from smbench.errors import UsageError
from smbench.trace.model import TraceInfo
from smbench.trace.store import info_from_json, info_to_json
from smbench.workload.columns import COVERAGE_SCHEMA as COVERAGE_SCHEMA
from smbench.workload.columns import NAMESPACE_SCHEMA as NAMESPACE_SCHEMA
from smbench.workload.columns import OPERATIONS_SCHEMA as OPERATIONS_SCHEMA
from smbench.workload.columns import array_of, operation_columns, operations_of
from smbench.workload.model import (
    CaptureFile,
    Coverage,
    Disposition,
    Kind,
    NamespaceEntry,
    Operation,
    Workload,
    WorkloadInfo,
)

SCHEMA = 2
"""2: `by_client`. A version that does not know it would replay what its own client does anyway."""
READABLE = (1, 2)
MANIFEST = "manifest.json"
OPERATIONS = "operations.parquet"
NAMESPACE = "namespace.parquet"
COVERAGE = "coverage.parquet"
_BY_CLIENT = "by_client"
BATCH = 1 << 16
"""Rows that a writer gathers before it writes them, and a reader makes objects of at once."""


class BatchWriter:
    """Gathers rows and writes them to one Parquet file, `BATCH` at a time; a context manager."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self._schema = schema
        self._writer = pq.ParquetWriter(path, schema, compression="zstd")
        self._rows: list[Any] = []

    def add(self, row: Any) -> None:
        self._rows.append(row)
        if len(self._rows) >= BATCH:
            self._flush()

    def _columns(self, rows: list[Any]) -> Sequence[Iterable[Any]]:
        """The rows turned into columns, in the schema's order."""
        return list(zip(*rows, strict=True))

    def _flush(self) -> None:
        if not self._rows:
            return
        columns = self._columns(self._rows)
        arrays = [array_of(column, field.type) for column, field in zip(columns, self._schema, strict=True)]
        self._writer.write_batch(pa.record_batch(arrays, schema=self._schema))
        self._rows = []

    def __enter__(self) -> BatchWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self._flush()
        self._writer.close()


class OperationWriter(BatchWriter):
    """Writes `Operation`s to `operations.parquet` under `directory`."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory / OPERATIONS, OPERATIONS_SCHEMA)

    def _columns(self, rows: list[Operation]) -> Sequence[Iterable[Any]]:
        return operation_columns(rows)


class NamespaceWriter(BatchWriter):
    """Writes `NamespaceEntry`s to `namespace.parquet` under `directory`."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory / NAMESPACE, NAMESPACE_SCHEMA)

    def _columns(self, rows: list[NamespaceEntry]) -> Sequence[Iterable[Any]]:
        return [[getattr(row, field.name) for row in rows] for field in NAMESPACE_SCHEMA]


class CoverageWriter(BatchWriter):
    """Writes rows `(exchange, disposition, rule, reason, operation)` to `coverage.parquet`."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory / COVERAGE, COVERAGE_SCHEMA)


@dataclass(frozen=True, slots=True)
class StoredOperations:
    """The operations of a workload directory, read batch by batch, as often as asked."""

    path: Path
    client_calls: bool = False
    """Whether those that the clients made by themselves are among them."""

    def __len__(self) -> int:
        if not self._hides():
            return int(pq.read_metadata(self.path).num_rows)
        return sum(batch.num_rows for batch in self.batches(["operation"]))

    def _hides(self) -> bool:
        """Whether the file has rows that are not to be seen; the file's statistics tell it."""
        if self.client_calls:
            return False
        metadata = pq.read_metadata(self.path)
        names = metadata.schema.to_arrow_schema().names
        if _BY_CLIENT not in names:
            return False
        at = next(at for at, column in enumerate(metadata.schema) if column.path == _BY_CLIENT)
        groups = (metadata.row_group(number).column(at) for number in range(metadata.num_row_groups))
        return any(one.statistics is None or one.statistics.max is not False for one in groups)

    def __iter__(self) -> Iterator[Operation]:
        for batch in self.batches():
            yield from operations_of(batch)

    def batches(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """Record batches with the columns of this module's table, or those asked for. No thread is
        used, so that a process may still fork."""
        hides = self._hides()
        read = [*columns, _BY_CLIENT] if hides and columns is not None else columns
        with pq.ParquetFile(self.path, pre_buffer=False) as file:
            for batch in file.iter_batches(batch_size=BATCH, columns=read, use_threads=False):
                if hides:
                    batch = batch.filter(pc.invert(batch.column(_BY_CLIENT)))
                yield batch if columns is None else batch.select(columns)

    def table(self, columns: Sequence[str] | None = None) -> pa.Table:
        """All of `batches()` in one table."""
        hides = self._hides()
        read = [*columns, _BY_CLIENT] if hides and columns is not None else columns
        with pq.ParquetFile(self.path, pre_buffer=False) as file:
            table = file.read(columns=read, use_threads=False)
        if hides:
            table = table.filter(pc.invert(table.column(_BY_CLIENT)))
        return table if columns is None else table.select(columns)


def with_client_calls(workload: Workload) -> Workload:
    """The same workload, with the operations that its clients made by themselves."""
    operations = workload.operations
    assert isinstance(operations, StoredOperations)
    return replace(workload, operations=replace(operations, client_calls=True))


@dataclass(frozen=True, slots=True)
class StoredNamespace:
    """The namespace of a workload directory, parents before children, as often as asked."""

    path: Path

    def __len__(self) -> int:
        return int(pq.read_metadata(self.path).num_rows)

    def __iter__(self) -> Iterator[NamespaceEntry]:
        with pq.ParquetFile(self.path, pre_buffer=False) as file:
            for batch in file.iter_batches(batch_size=BATCH, use_threads=False):
                columns = {name: batch.column(name).to_pylist() for name in NAMESPACE_SCHEMA.names}
                columns["kind"] = [Kind(kind) for kind in columns["kind"]]
                yield from map(NamespaceEntry, *columns.values())


def write_manifest(directory: Path, info: WorkloadInfo) -> None:
    """Write `manifest.json`: last of all, because its presence says that the directory is whole."""
    document = {
        "schema": SCHEMA,
        "kind": "workload",
        "tool": f"smbench-mount {_tool_version()}",
        **asdict(replace(info, trace=TraceInfo())),
        "trace": info_to_json(info.trace),
    }
    (directory / MANIFEST).write_text(
        json.dumps(document, indent=1, ensure_ascii=True) + "\n", encoding="utf-8"
    )


def write(directory: Path, workload: Workload) -> None:
    """Write a workload (without its coverage by exchange) as a directory, which is made if need be."""
    directory.mkdir(parents=True, exist_ok=True)
    with OperationWriter(directory) as operations:
        for operation in workload.operations:
            operations.add(operation)
    with NamespaceWriter(directory) as namespace:
        for entry in workload.namespace:
            namespace.add(entry)
    write_manifest(directory, workload.info)


def read(directory: Path) -> Workload:
    """The workload in `directory`; its files are read when it is iterated.

    Raises `UsageError` where the directory is missing, is not a workload, or has a schema that this
    version does not read.
    """
    document = _manifest(directory)
    for name in (OPERATIONS, NAMESPACE):
        if not (directory / name).is_file():
            raise UsageError(f"{directory} is not whole: {name} is missing; ingest the capture again")
    try:
        info = WorkloadInfo(
            trace=info_from_json(document["trace"]),
            coverage=[
                Coverage(**{**row, "disposition": Disposition(row["disposition"])})
                for row in document["coverage"]
            ],
            operations=document["operations"],
            lanes=document["lanes"],
            operations_by_user=document["operations_by_user"],
            client_calls=document.get("client_calls", 0),
            capture_files=[CaptureFile(**row) for row in document.get("capture_files", [])],
        )
    except (KeyError, TypeError, ValueError) as error:
        raise UsageError(f"{directory / MANIFEST} is damaged ({error!r}); ingest the capture again") from None
    return Workload(info, StoredOperations(directory / OPERATIONS), StoredNamespace(directory / NAMESPACE))


def _manifest(directory: Path) -> dict[str, Any]:
    if not directory.exists():
        raise UsageError(
            f"{directory} does not exist; make it with: smbench-mount ingest CAPTURE -o {directory}"
        )
    try:
        document = json.loads((directory / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise UsageError(f"{directory} is no workload: it has no readable {MANIFEST}") from None
    if not isinstance(document, dict) or document.get("kind") != "workload":
        raise UsageError(f"{directory} is no workload: its {MANIFEST} is another tool's")
    if document.get("schema") not in READABLE:
        raise UsageError(
            f"{directory} has schema {document.get('schema')}, this version reads {SCHEMA}; "
            "ingest the capture again"
        )
    return document


def _tool_version() -> str:
    from importlib.metadata import PackageNotFoundError, version  # slow, and not for readers

    try:
        return version("smbench-mount")
    except PackageNotFoundError:
        return "unknown"
