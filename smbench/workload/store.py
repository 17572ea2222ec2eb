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

Every other parameter of a call has a column of its own name, null where the call lacks it.
`namespace.parquet` holds `NamespaceEntry`s, `coverage.parquet` a row an exchange: `exchange,
disposition, rule, reason, operation` (the first operation that stands for it, -1 for none).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, fields, replace
from importlib.metadata import PackageNotFoundError, version
from itertools import accumulate, pairwise, repeat
from operator import attrgetter
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from smbench.errors import UsageError
from smbench.trace.model import TraceInfo
from smbench.trace.store import info_from_json, info_to_json
from smbench.workload.calls import CALLS, Call
from smbench.workload.model import (
    Coverage,
    Disposition,
    Kind,
    NamespaceEntry,
    Operation,
    Workload,
    WorkloadInfo,
)

SCHEMA = 1
MANIFEST = "manifest.json"
OPERATIONS = "operations.parquet"
NAMESPACE = "namespace.parquet"
COVERAGE = "coverage.parquet"
BATCH = 1 << 16
"""Rows that a writer gathers before it writes them, and a reader makes objects of at once."""

_WORD = pa.dictionary(pa.int32(), pa.string())
_PLAIN: dict[str, pa.DataType] = {
    "operation": pa.int64(),
    "user": pa.int32(),
    "lane": pa.int32(),
    "kind": _WORD,
    "path": pa.string(),
    "handle": pa.int64(),
    "offset": pa.uint64(),
    "length": pa.uint64(),
    "arrival_ns": pa.int64(),
    "service_ns": pa.int64(),
    "expected": pa.int64(),
    "received": pa.int64(),
    "exchanges": pa.list_(pa.int64()),
    "rule": _WORD,
}
_ABSENT = {"handle": -1, "offset": 0, "length": 0}
_UNSIGNED = {"size", "source_offset"}
_TYPES: dict[Any, pa.DataType] = {
    int: pa.int64(),
    bool: pa.bool_(),
    str: pa.string(),
    tuple[int, ...]: pa.list_(pa.int64()),
}


def _column_type(name: str, hint: Any) -> pa.DataType:
    present = (
        [kind for kind in get_args(hint) if kind is not type(None)]
        if type(None) in get_args(hint)
        else [hint]
    )
    return pa.uint64() if name in _UNSIGNED else _TYPES[present[0]]


_PARAMETERS: dict[str, tuple[str, ...]] = {
    kind: tuple(field.name for field in fields(call)) for kind, call in CALLS.items()
}
"""The parameters of each kind of call, in the order of its constructor."""

_FURTHER: dict[str, pa.DataType] = {
    name: _column_type(name, hint)
    for call in CALLS.values()
    for name, hint in get_type_hints(call).items()
    if name not in _PLAIN
}

OPERATIONS_SCHEMA = pa.schema([*_PLAIN.items(), *sorted(_FURTHER.items())])
NAMESPACE_SCHEMA = pa.schema(
    [
        ("path", pa.string()),
        ("kind", _WORD),
        ("present", pa.bool_()),
        ("size", pa.int64()),
        ("size_known", pa.bool_()),
        ("attributes", pa.int64()),
        ("created_ns", pa.int64()),
        ("accessed_ns", pa.int64()),
        ("written_ns", pa.int64()),
    ]
)
COVERAGE_SCHEMA = pa.schema(
    [
        ("exchange", pa.int64()),
        ("disposition", _WORD),
        ("rule", _WORD),
        ("reason", _WORD),
        ("operation", pa.int64()),
    ]
)


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
        arrays = [_array(column, field.type) for column, field in zip(columns, self._schema, strict=True)]
        self._writer.write_batch(pa.record_batch(arrays, schema=self._schema))
        self._rows = []

    def __enter__(self) -> BatchWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self._flush()
        self._writer.close()


def _array(values: Iterable[Any], kind: pa.DataType) -> pa.Array:
    try:
        return _plain_array(values, kind)
    except UnicodeEncodeError:  # a lone surrogate, which a name of NTFS may hold and UTF-8 may not
        held = [value if value is None else value.encode(errors="replace").decode() for value in values]
        return _plain_array(held, kind)


def _plain_array(values: Iterable[Any], kind: pa.DataType) -> pa.Array:
    if pa.types.is_dictionary(kind):
        return pa.array(values, pa.string()).dictionary_encode().cast(kind)
    return pa.array(values, kind)


class OperationWriter(BatchWriter):
    """Writes `Operation`s to `operations.parquet` under `directory`."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory / OPERATIONS, OPERATIONS_SCHEMA)

    def _columns(self, rows: list[Operation]) -> Sequence[Iterable[Any]]:
        count = len(rows)
        columns: dict[str, list[Any]] = {name: [None] * count for name in _FURTHER}
        for name, absent in _ABSENT.items():
            columns[name] = [absent] * count
        for at, operation in enumerate(rows):
            call = operation.call
            for name in _PARAMETERS[type(call).__name__]:
                if name != "path":
                    columns[name][at] = getattr(call, name)
        for name in ("user", "lane", "path", "arrival_ns", "service_ns", "exchanges", "rule"):
            columns[name] = list(map(attrgetter(name), rows))
        columns["operation"] = [row.index for row in rows]
        columns["kind"] = [type(row.call).__name__ for row in rows]
        columns["expected"] = [-1 if row.expected is None else row.expected for row in rows]
        columns["received"] = [-1 if row.received is None else row.received for row in rows]
        return [columns[field.name] for field in OPERATIONS_SCHEMA]


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

    def __len__(self) -> int:
        return int(pq.read_metadata(self.path).num_rows)

    def __iter__(self) -> Iterator[Operation]:
        for batch in self.batches():
            yield from _operations(batch)

    def batches(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """Record batches with the columns of this module's table, or those asked for. No thread is
        used, so that a process may still fork."""
        with pq.ParquetFile(self.path, pre_buffer=False) as file:
            yield from file.iter_batches(batch_size=BATCH, columns=columns, use_threads=False)

    def table(self, columns: Sequence[str] | None = None) -> pa.Table:
        """All of `batches()` in one table."""
        with pq.ParquetFile(self.path, pre_buffer=False) as file:
            return file.read(columns=columns, use_threads=False)


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


def _operations(batch: pa.RecordBatch) -> Iterator[Operation]:
    kinds = _values(batch.column("kind"))
    calls: list[Call | None] = [None] * batch.num_rows
    rows_of: dict[str, list[int]] = {}
    for at, kind in enumerate(kinds):
        rows_of.setdefault(kind, []).append(at)
    for kind, rows in rows_of.items():
        where = pa.array(rows, pa.int32())
        made: Iterator[Call] = map(CALLS[kind], *_parameters(batch, kind, where))
        for at, call in zip(rows, made, strict=True):
            calls[at] = call
    names = ("operation", "user", "lane", "arrival_ns", "service_ns", "expected", "exchanges", "rule", "path")
    columns = {name: _values(batch.column(name)) for name in (*names, "received")}
    columns["expected"] = [None if value < 0 else value for value in columns["expected"]]
    columns["received"] = [None if value < 0 else value for value in columns["received"]]
    return map(Operation, *(columns[name] for name in names), calls, columns["received"])


def _parameters(batch: pa.RecordBatch, kind: str, rows: pa.Array) -> Iterator[Iterable[Any]]:
    """The parameters of all calls of one kind, column by column. A column that the file lacks, because it
    is older than the parameter, gives the parameter's default."""
    for field in fields(CALLS[kind]):
        if field.name in batch.schema.names:
            yield _values(batch.column(field.name).take(rows))
        else:
            yield repeat(field.default)


def _values(column: pa.Array) -> list[Any]:
    """A column as Python values, quickly where it is plain."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        words = column.dictionary.to_pylist()
        return [words[number] for number in column.indices.to_numpy().tolist()]
    if pa.types.is_list(kind):
        flat = column.flatten().to_numpy(zero_copy_only=False).tolist()
        ends = accumulate(pc.fill_null(pc.list_value_length(column), 0).to_numpy().tolist(), initial=0)
        return [tuple(flat[start:end]) for start, end in pairwise(ends)]
    if column.null_count == 0 and (pa.types.is_integer(kind) or pa.types.is_boolean(kind)):
        plain: list[Any] = column.to_numpy(zero_copy_only=False).tolist()
        return plain
    if pa.types.is_string(kind) and column.null_count == 0:
        return _values(column.dictionary_encode())  # equal names become one object
    values: list[Any] = column.to_pylist()
    return values


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
    if document.get("schema") != SCHEMA:
        raise UsageError(
            f"{directory} has schema {document.get('schema')}, this version reads {SCHEMA}; "
            "ingest the capture again"
        )
    return document


def _tool_version() -> str:
    try:
        return version("smbench-mount")
    except PackageNotFoundError:
        return "unknown"
