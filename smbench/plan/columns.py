"""What planning reads of a workload, as columns in batches: stored ones directly, others by their objects."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from itertools import islice
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from smbench.plan.breaks import OpenedBy
from smbench.workload.calls import Call, Notify, Open
from smbench.workload.model import Operation
from smbench.workload.parameters import parameter
from smbench.workload.store import StoredOperations

_BATCH = 1 << 15

PLACEMENT = ("user", "lane", "arrival_ns", "service_ns")
ORDER = (
    "kind", "path", "handle", "offset", "length", "service_ns", "expected",
    "access", "share_access", "disposition", "options", "target", "pattern", "delete", "exclusive", "wait",
    "source", "source_offset", "oplock", "lease_state", "granted", "filter", "watch_tree",
)  # fmt: skip
"""Columns that the order follows from, besides those of the placement."""

Columns = dict[str, list[Any]]

_WAITS = Notify.__name__


def placements(operations: Iterable[Operation]) -> Iterator[list[NDArray[Any]]]:
    """The columns PLACEMENT of all operations, batch by batch, in order of arrival."""
    if isinstance(operations, StoredOperations):
        for batch in operations.batches(list(PLACEMENT)):
            yield _placement(batch)
        return
    for chunk in _chunks(operations):
        yield _placement_of(chunk)


def has_notifications(operations: Iterable[Operation]) -> bool:
    """Whether any operation is a Notify."""
    if isinstance(operations, StoredOperations):
        # A dictionary may have words that no row bears; that costs time alone.
        return any(
            _WAITS in batch.column("kind").dictionary.to_pylist() for batch in operations.batches(["kind"])
        )
    return any(isinstance(one.call, Notify) for one in operations)


def of_kind(batch: pa.RecordBatch, kind: type[Call]) -> pa.RecordBatch:
    """Its rows of one kind of call."""
    return batch.filter(pc.equal(batch.column("kind").cast(pa.string()), kind.__name__))


def opened_by(operations: Iterable[Operation], handles: Collection[int]) -> dict[int, OpenedBy]:
    """Whose the opens with these handles are, and of what."""
    if isinstance(operations, StoredOperations):
        found: dict[int, OpenedBy] = {}
        wanted = pa.array(sorted(handles), pa.int64())
        for batch in operations.batches(["user", "kind", "path", "handle"]):
            opens = of_kind(batch, Open)
            opens = opens.filter(pc.is_in(opens.column("handle"), wanted))
            for handle, user, path in zip(
                *(opens.column(name).to_pylist() for name in ("handle", "user", "path")), strict=True
            ):
                found[handle] = OpenedBy(user, path)
        return found
    return {
        one.call.handle: OpenedBy(one.user, one.path)
        for one in operations
        if isinstance(one.call, Open) and one.call.handle in handles
    }


def spans(operations: Iterable[Operation]) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """When all operations arrived and were answered, batch by batch, in order of arrival. What was not
    answered, and a Notify, which waits for others, ends with its arrival."""
    if isinstance(operations, StoredOperations):
        for batch in operations.batches(["kind", "arrival_ns", "service_ns"]):
            kind = batch.column("kind")
            waits = np.array([word == _WAITS for word in kind.dictionary.to_pylist()], bool)
            waiting = waits[kind.indices.to_numpy()]
            yield _span(batch.column("arrival_ns").to_numpy(), batch.column("service_ns").to_numpy(), waiting)
        return
    for chunk in _chunks(operations):
        arrival_ns, service_ns = np.array([(one.arrival_ns, one.service_ns) for one in chunk], np.int64).T
        yield _span(arrival_ns, service_ns, np.array([isinstance(one.call, Notify) for one in chunk]))


def _span(
    arrival_ns: NDArray[np.int64], service_ns: NDArray[np.int64], waiting: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    return arrival_ns, arrival_ns + np.where(waiting, 0, np.maximum(service_ns, 0))


def placed_columns(operations: Iterable[Operation]) -> Iterator[tuple[list[NDArray[Any]], Columns]]:
    """With the columns PLACEMENT those of ORDER and the arrivals; None where a call lacks one, -1 for an
    answer that the capture lacks."""
    names = (*ORDER, "arrival_ns")
    if isinstance(operations, StoredOperations):
        for batch in operations.batches(list(dict.fromkeys((*PLACEMENT, *ORDER)))):
            yield _placement(batch), {name: _values(batch.column(name)) for name in names}
        return
    for chunk in _chunks(operations):
        yield _placement_of(chunk), {name: [_value(one, name) for one in chunk] for name in names}


def _chunks(operations: Iterable[Operation]) -> Iterator[list[Operation]]:
    remaining = iter(operations)
    while chunk := list(islice(remaining, _BATCH)):
        yield chunk


def _placement(batch: pa.RecordBatch) -> list[NDArray[Any]]:
    return [batch.column(name).to_numpy() for name in PLACEMENT]


def _placement_of(chunk: list[Operation]) -> list[NDArray[Any]]:
    return [np.array([getattr(one, name) for one in chunk], np.int64) for name in PLACEMENT]


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
    return parameter(operation.call, name)
