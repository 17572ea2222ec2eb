"""The writers of a workload's Parquet files, and the names of those; their rows are told of in `store.py`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from smbench.tables import table_writer
from smbench.workload.columns import (
    BREAKS_SCHEMA,
    COVERAGE_SCHEMA,
    NAMESPACE_SCHEMA,
    OPERATIONS_SCHEMA,
    array_of,
    operation_columns,
)
from smbench.workload.model import Break, NamespaceEntry, Operation

OPERATIONS = "operations.parquet"
NAMESPACE = "namespace.parquet"
BREAKS = "breaks.parquet"
COVERAGE = "coverage.parquet"
BATCH = 1 << 16
"""Rows that a writer gathers before it writes them, and a reader makes objects of at once."""


class BatchWriter:
    """Gathers rows and writes them to one Parquet file, `BATCH` at a time; a context manager."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self._schema = schema
        self._writer = table_writer(path, schema)
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


class BreakWriter(BatchWriter):
    """Writes `Break`s to `breaks.parquet` under `directory`."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory / BREAKS, BREAKS_SCHEMA)

    def _columns(self, rows: list[Break]) -> Sequence[Iterable[Any]]:
        return [[getattr(row, field.name) for row in rows] for field in BREAKS_SCHEMA]
