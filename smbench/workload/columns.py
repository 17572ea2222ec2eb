"""The columns of a workload's files: their types, and operations as columns and back.

The table of the plain ones stands in `smbench.workload.store`; the others are the parameters of calls.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import MISSING, fields
from itertools import accumulate, pairwise, repeat
from operator import attrgetter
from typing import Any, get_args

import pyarrow as pa
import pyarrow.compute as pc

from smbench.workload.calls import CALLS, Call, Create, Open
from smbench.workload.model import Operation
from smbench.workload.parameters import CREATE, HINTS, IMPLIED, OF_CREATE, OWN, hints

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
    "by_client": pa.bool_(),
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


_FURTHER: dict[str, pa.DataType] = {
    name: _column_type(name, hint) for name, hint in hints().items() if name not in _PLAIN
}

PARAMETERS = frozenset(_FURTHER)
"""Columns beside the plain ones: null where the row's call has no such parameter."""
_EVER = ("access", "share_access", "disposition", "options", "attributes")
"""Of an Open's CREATE: what every version has stored. What a file does not tell of another's is `IMPLIED`."""
OPTIONAL = (
    frozenset(_FURTHER)
    - {field.name for call in CALLS.values() for field in fields(call) if field.default is MISSING}
    - {*_EVER}
)
"""Parameters that every call which has them can do without: files of older versions lack their columns."""


def _required(kind: type[Call], name: str) -> bool:
    """Whether a call of that kind cannot do without a value of the parameter."""
    if name in OWN[kind]:
        return type(None) not in get_args(HINTS[kind][name])
    return kind is Open and name in _EVER


REQUIRED: dict[str, frozenset[str]] = {
    name: frozenset(kind for kind, call in CALLS.items() if _required(call, name)) for name in _FURTHER
}
"""The kinds of calls that cannot do without a value of a parameter."""
TIMES = 4
"""A call's `times`: created, accessed, written, changed."""

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
        ("ea_names", pa.list_(pa.string())),
        ("ea_lengths", pa.list_(pa.int64())),
    ]
)
BREAKS_SCHEMA = pa.schema(
    [
        ("handle", pa.int64()),
        ("notified_ns", pa.int64()),
        ("state", pa.int64()),
        ("answered_ns", pa.int64()),
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


def operation_columns(rows: list[Operation]) -> Sequence[Iterable[Any]]:
    """The operations as columns, in the order of `OPERATIONS_SCHEMA`."""
    count = len(rows)
    columns: dict[str, list[Any]] = {name: [None] * count for name in _FURTHER}
    for name, absent in _ABSENT.items():
        columns[name] = [absent] * count
    for at, operation in enumerate(rows):
        call = operation.call
        for name in OWN[type(call)]:
            if name != "path":
                columns[name][at] = getattr(call, name)
        if names := OF_CREATE.get(type(call)):
            create: Create = getattr(call, CREATE)
            for name in names:
                columns[name][at] = getattr(create, name)
    for name in ("user", "lane", "path", "arrival_ns", "service_ns", "exchanges", "rule", "by_client"):
        columns[name] = list(map(attrgetter(name), rows))
    columns["operation"] = [row.index for row in rows]
    columns["kind"] = [type(row.call).__name__ for row in rows]
    columns["expected"] = [-1 if row.expected is None else row.expected for row in rows]
    columns["received"] = [-1 if row.received is None else row.received for row in rows]
    return [columns[field.name] for field in OPERATIONS_SCHEMA]


def operations_of(batch: pa.RecordBatch) -> Iterator[Operation]:
    """The operations of a record batch of `OPERATIONS_SCHEMA`, whole or of an older version."""
    kinds = _values(batch.column("kind"))
    calls: list[Call | None] = [None] * batch.num_rows
    rows_of: dict[str, list[int]] = {}
    for at, kind in enumerate(kinds):
        rows_of.setdefault(kind, []).append(at)
    for kind, rows in rows_of.items():
        where = pa.array(rows, pa.int32())
        made: Iterator[Call] = map(CALLS[kind], *_parameters(batch, CALLS[kind], where))
        for at, call in zip(rows, made, strict=True):
            calls[at] = call
    names = ("operation", "user", "lane", "arrival_ns", "service_ns", "expected", "exchanges", "rule", "path")
    columns = {name: _values(batch.column(name)) for name in (*names, "received")}
    columns["expected"] = [None if value < 0 else value for value in columns["expected"]]
    columns["received"] = [None if value < 0 else value for value in columns["received"]]
    asked = "by_client" not in batch.schema.names
    by_client = repeat(False) if asked else _values(batch.column("by_client"))
    return map(Operation, *(columns[name] for name in names), calls, columns["received"], by_client)


def _parameters(batch: pa.RecordBatch, kind: type[Call], rows: pa.Array) -> Iterator[Iterable[Any]]:
    """The arguments of all calls of one kind, column by column. A column that the file lacks, because it
    is older than the parameter, gives the parameter's default."""
    for field in fields(kind):
        if field.name == CREATE:
            yield map(Create, *_of_create(batch, kind, rows))
        elif field.name in batch.schema.names:
            yield _values(batch.column(field.name).take(rows))
        else:
            yield repeat(field.default)


def _of_create(batch: pa.RecordBatch, kind: type[Call], rows: pa.Array) -> Iterator[Iterable[Any]]:
    stored = OF_CREATE[kind]
    for field in fields(Create):
        implied = getattr(IMPLIED[kind], field.name)
        if field.name in stored and field.name in batch.schema.names:
            values = _values(batch.column(field.name).take(rows))
            yield [implied if value is None else value for value in values] if None in values else values
        else:
            yield repeat(implied)


def _values(column: pa.Array) -> list[Any]:
    """A column as Python values, quickly where it is plain."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        words = column.dictionary.to_pylist()
        return [words[number] for number in column.indices.to_numpy().tolist()]
    if pa.types.is_list(kind):
        flat = column.flatten().to_numpy(zero_copy_only=False).tolist()
        ends = accumulate(pc.fill_null(pc.list_value_length(column), 0).to_numpy().tolist(), initial=0)
        lists: list[Any] = [tuple(flat[start:end]) for start, end in pairwise(ends)]
        if column.null_count:
            there = column.is_valid().to_numpy(zero_copy_only=False).tolist()
            return [value if known else None for value, known in zip(lists, there, strict=True)]
        return lists
    if column.null_count == 0 and (pa.types.is_integer(kind) or pa.types.is_boolean(kind)):
        plain: list[Any] = column.to_numpy(zero_copy_only=False).tolist()
        return plain
    if pa.types.is_string(kind) and column.null_count == 0:
        return _values(column.dictionary_encode())  # equal names become one object
    values: list[Any] = column.to_pylist()
    return values


def array_of(values: Iterable[Any], kind: pa.DataType) -> pa.Array:
    """Python values as an Arrow column."""
    try:
        return _plain_array(values, kind)
    except UnicodeEncodeError:  # a lone surrogate, which a name of NTFS may hold and UTF-8 may not
        held = [value if value is None else value.encode(errors="replace").decode() for value in values]
        return _plain_array(held, kind)


def _plain_array(values: Iterable[Any], kind: pa.DataType) -> pa.Array:
    if pa.types.is_dictionary(kind):
        return pa.array(values, pa.string()).dictionary_encode().cast(kind)
    return pa.array(values, kind)
