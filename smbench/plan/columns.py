"""What planning reads of a workload, as columns in batches: stored ones directly, others by their objects."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from smbench.workload.model import Operation
from smbench.workload.store import StoredOperations

_BATCH = 1 << 15

PLACEMENT = ("user", "lane", "arrival_ns", "service_ns")
ORDER = (
    "kind", "path", "handle", "offset", "length", "service_ns", "expected",
    "access", "share_access", "disposition", "options", "target", "pattern", "delete", "exclusive", "wait",
    "source", "source_offset", "oplock", "lease_state",
)  # fmt: skip
"""Columns that the order follows from, besides those of the placement."""

Columns = dict[str, list[Any]]

_PLACEMENT_TYPES = ("i4", "i4", "i8", "i8")


def placement(operations: Iterable[Operation]) -> list[NDArray[Any]]:
    """The columns PLACEMENT of all operations, each as one array."""
    if isinstance(operations, StoredOperations):
        batches = list(operations.batches(list(PLACEMENT)))
        parts = [[batch.column(name).to_numpy() for batch in batches] for name in PLACEMENT]
    else:
        rows = [[getattr(operation, name) for name in PLACEMENT] for operation in operations]
        parts = [[np.array(column)] for column in zip(*rows, strict=True)]
    return [
        np.concatenate([np.zeros(0, dtype), *part]).astype(dtype, copy=False)
        for part, dtype in zip(parts or [[]] * len(PLACEMENT), _PLACEMENT_TYPES, strict=True)
    ]


def column_batches(operations: Iterable[Operation], names: tuple[str, ...]) -> Iterator[Columns]:
    """The named columns of all operations, batch by batch, in order of arrival; None where a call lacks
    one, -1 for an answer that the capture lacks."""
    if isinstance(operations, StoredOperations):
        for batch in operations.batches(list(names)):
            yield {name: _values(batch.column(name)) for name in names}
        return
    remaining = iter(operations)
    while chunk := list(islice(remaining, _BATCH)):
        yield {name: [_value(operation, name) for operation in chunk] for name in names}


def _values(column: pa.Array) -> list[Any]:
    if column.null_count == len(column):
        return [None] * len(column)
    if column.null_count == 0 and pa.types.is_integer(column.type):
        return column.to_numpy(zero_copy_only=False).tolist()  # type: ignore[no-any-return]
    if pa.types.is_string(column.type):
        # Paths repeat: one string object each is made, and hashed, once a batch.
        column = column.dictionary_encode()
    if pa.types.is_dictionary(column.type) and column.null_count == 0:
        words = column.dictionary.to_pylist()
        return [words[number] for number in column.indices.to_numpy().tolist()]
    return column.to_pylist()  # type: ignore[no-any-return]


def _value(operation: Operation, name: str) -> Any:
    if name == "kind":
        return type(operation.call).__name__
    if name == "expected":
        return -1 if operation.expected is None else operation.expected
    if name in ("user", "lane", "arrival_ns", "service_ns", "path"):
        return getattr(operation, name)
    return getattr(operation.call, name, None)
