"""Traces on disk: exchanges as Parquet, lossless both ways.

`exchanges.parquet` has a row an exchange, in the order of the requests: the fields of `Exchange`, and two
structs, `request` and `response`, with every field that any message has, null where the row's message (named
in `request_kind` and `response_kind`) has it not. Numbers are unsigned 64-bit, times signed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import fields, replace
from itertools import chain, repeat
from operator import attrgetter
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pyarrow as pa

from smbench.spill import collector_paused
from smbench.tables import MOST, Form, TableFile, table_writer
from smbench.trace import messages
from smbench.trace.description import SCHEMA_VERSION
from smbench.trace.messages import Message
from smbench.trace.model import Exchange, TraceInfo
from smbench.trace.values import Value, field_names

EXCHANGES_FILE = "exchanges.parquet"
_VERSION_KEY = b"smbench.schema"
_BATCH = 16_384
"""Exchanges of one row group: what is in memory at once."""

_SIDES = ("request", "response")
_HEADER = tuple(name for name in field_names(Exchange) if name not in _SIDES)
KINDS: dict[str, type[Message]] = {
    name: kind
    for name, kind in vars(messages).items()
    if isinstance(kind, type) and issubclass(kind, Message)
}
"""Message classes by name, as the columns `…_kind` spell them."""


def _hints(kind: type[Any]) -> dict[str, Any]:
    """The fields of a message or value with their types, read once a class: reading them is slow."""
    hints = get_type_hints(kind)
    return {name: hints[name] for name in field_names(kind)}


def _arrow_type(name: str, hint: Any) -> pa.DataType:
    """The column for a field: `int | None`, `str`, `tuple[str, ...]`, `tuple[LockElement, ...]` and so on."""
    arguments = [argument for argument in get_args(hint) if argument not in (type(None), Ellipsis)]
    if getattr(hint, "__origin__", None) is tuple:
        return pa.list_(_arrow_type(name, arguments[0]))
    plain = arguments[0] if arguments else hint
    if plain is bool:
        return pa.bool_()
    if plain is int:
        return pa.int64() if name.endswith("_ns") or name in _SIGNED else pa.uint64()
    if plain is str:
        return pa.string()
    return pa.struct([(field, _arrow_type(field, hint)) for field, hint in _hints(plain).items()])


_SIGNED = ("session", "tree", "user", "connection", "index", "capture")
"""Numbers that may be -1, "unknown"."""

_HEADER_TYPES = {name: _arrow_type(name, hint) for name, hint in _hints(Exchange).items() if name in _HEADER}
_FIELDS = [field for kind in KINDS.values() for field in _hints(kind).items()]
_MESSAGE_TYPES = {name: _arrow_type(name, hint) for name, hint in _FIELDS}
_ELEMENTS: dict[str, type[Value]] = {
    name: element
    for name, hint in _FIELDS
    for element in get_args(hint)[:1]
    if isinstance(element, type) and issubclass(element, Value)
}
"""Fields that are tuples of values with fields of their own."""
_WITHOUT_NULL: dict[type[Any], list[str]] = {
    kind: [field for field, hint in _hints(kind).items() if type(None) not in get_args(hint)]
    for kind in (*KINDS.values(), *_ELEMENTS.values())
}
"""The fields that every message or value of a kind has."""

_MESSAGE = pa.struct(list(_MESSAGE_TYPES.items()))
SCHEMA = pa.schema(
    [
        *_HEADER_TYPES.items(),
        *((f"{side}_kind", pa.dictionary(pa.int32(), pa.string())) for side in _SIDES),
        *((side, _MESSAGE) for side in _SIDES),
    ],
    metadata={_VERSION_KEY: str(SCHEMA_VERSION)},
)


def _getter(kind: type[Any]) -> Callable[[Any], tuple[Any, ...]]:
    names = field_names(kind)
    return (
        attrgetter(*names) if len(names) > 1 else lambda value: tuple(getattr(value, name) for name in names)
    )


def write_exchanges(path: Path, exchanges: Iterable[Exchange]) -> int:
    """Write exchanges as they come, a batch in memory; how many there were."""
    count = 0
    with table_writer(path, SCHEMA, compression_level=1) as writer:
        batch: list[Exchange] = []
        for exchange in exchanges:
            batch.append(exchange)
            if len(batch) == _BATCH:
                writer.write_batch(to_batch(batch))
                count += len(batch)
                batch = []
        writer.write_batch(to_batch(batch))
    return count + len(batch)


def to_batch(exchanges: Sequence[Exchange]) -> pa.RecordBatch:
    """Exchanges as one Arrow batch of `SCHEMA`."""
    get = attrgetter(*_HEADER)
    columns = list(zip(*map(get, exchanges), strict=True)) or [()] * len(_HEADER)
    arrays = [pa.array(column, _HEADER_TYPES[name]) for name, column in zip(_HEADER, columns, strict=True)]
    kinds, structs = [], []
    for side in _SIDES:
        said = [getattr(exchange, side) for exchange in exchanges]
        names = [None if message is None else type(message).__name__ for message in said]
        kinds.append(pa.array(names, pa.string()).dictionary_encode())
        structs.append(_struct(said, names))
    return pa.RecordBatch.from_arrays([*arrays, *kinds, *structs], schema=SCHEMA)


def _struct(said: Sequence[Message | None], names: Sequence[str | None]) -> pa.StructArray:
    size = len(said)
    rows = _rows_by_kind(names)
    columns: dict[str, list[Any]] = {}
    for name, places in rows.items():
        kind = KINDS[name]
        if not field_names(kind):
            continue
        get = _getter(kind)
        values = zip(*[get(said[place]) for place in places], strict=True)
        for field, column in zip(field_names(kind), values, strict=True):
            target = columns.setdefault(field, [None] * size)
            for place, value in zip(places, column, strict=True):
                target[place] = value
    arrays = [
        _column(name, kind, columns[name]) if name in columns else pa.nulls(size, kind)
        for name, kind in _MESSAGE_TYPES.items()
    ]
    return pa.StructArray.from_arrays(
        arrays, fields=list(_MESSAGE), mask=pa.array([message is None for message in said], pa.bool_())
    )


def _column(name: str, kind: pa.DataType, values: list[Any]) -> pa.Array:
    element = _ELEMENTS.get(name)
    if element is None:
        return pa.array(values, kind)
    # Flattened by hand: Arrow takes structs as dicts only, one an element, which listings are too long for.
    offsets, end = [], 0
    for value in values:
        offsets.append(end if value is not None else None)
        end += len(value or ())
    offsets.append(end)
    flat = list(map(_getter(element), chain.from_iterable(value or () for value in values)))
    parts = zip(*flat, strict=True) if flat else repeat((), len(field_names(element)))
    children = [pa.array(part, field.type) for part, field in zip(parts, kind.value_type, strict=True)]
    inner = pa.StructArray.from_arrays(children, fields=list(kind.value_type))
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), inner, type=kind)


def _rows_by_kind(names: Iterable[str | None]) -> dict[str, list[int]]:
    rows: dict[str, list[int]] = {}
    for place, name in enumerate(names):
        if name is not None:
            rows.setdefault(name, []).append(place)
    return rows


REMEDY = "ingest the capture again"
REMEDY_OF_TWO = f"it, or the manifest.json beside it, is not as it was written; {REMEDY}"
"""Where a file was held against a workload's manifest too."""
FORM = Form(
    SCHEMA,
    REMEDY,
    nullable=frozenset(name for name, hint in _hints(Exchange).items() if type(None) in get_args(hint))
    | {f"{side}_kind" for side in _SIDES},
    optional=frozenset(("ea_lengths",)),
    range={
        "index": (0, MOST),
        "capture": (0, MOST),
        **dict.fromkeys(("frame", "response_frame"), (0, MOST)),
        **dict.fromkeys(("connection", "session", "tree", "user"), (-1, MOST)),
        **dict.fromkeys(("time_ns", "response_ns", "pending_ns"), (-MOST, MOST)),
        **dict.fromkeys(("command", "status"), (0, (1 << 32) - 1)),
    },
    words={f"{side}_kind": frozenset(KINDS) for side in _SIDES},
    version=(_VERSION_KEY, str(SCHEMA_VERSION).encode()),
)


class StoredExchanges:
    """The exchanges of a file, read anew each time that they are iterated, a batch in memory.

    `info`: the trace's own, where it was read from a file too: no exchange may refer to what it has not.
    """

    def __init__(self, path: Path, info: TraceInfo | None = None) -> None:
        self.path = path
        self._form = FORM if info is None else _form_of(info)

    def __len__(self) -> int:
        with self.opened() as file:
            return file.rows

    def __iter__(self) -> Iterator[Exchange]:
        with self.opened(threads=True) as file:
            for batch in file.batches(size=_BATCH):
                with collector_paused(), file.reading():
                    exchanges = from_batch(batch)
                yield from exchanges

    def fields(self, *names: str) -> Iterator[tuple[Any, ...]]:
        """Only the named fields of the header, a tuple an exchange: much quicker than whole exchanges."""
        with self.opened(threads=True) as file:
            for batch in file.batches(names, _BATCH):
                yield from zip(*(batch.column(name).to_pylist() for name in names), strict=True)

    def opened(self, *, threads: bool = False) -> TableFile:
        """The file itself. UsageError where it is another schema's; FileNotFoundError where it is missing."""
        return TableFile(self.path, self._form, threads=threads)


def _form_of(info: TraceInfo) -> Form:
    lists: dict[str, list[Any]] = {
        "connection": info.connections,
        "session": info.sessions,
        "tree": info.trees,
        "user": info.users,
    }
    return replace(
        FORM,
        remedy=REMEDY_OF_TWO,
        range={**FORM.range, **{name: (-1, len(of) - 1) for name, of in lists.items()}},
    )


def read_exchanges(path: Path, info: TraceInfo | None = None) -> StoredExchanges:
    """The exchanges stored in `path`; UsageError where it is not such a file."""
    stored = StoredExchanges(path, info)
    stored.opened().close()
    return stored


def from_batch(batch: pa.RecordBatch) -> list[Exchange]:
    """The exchanges of one Arrow batch of `SCHEMA`."""
    columns = [batch.column(name).to_pylist() for name in _HEADER]
    sides = [_messages(batch.column(side), batch.column(f"{side}_kind").to_pylist()) for side in _SIDES]
    order = [*_HEADER, *_SIDES]
    positions = [order.index(name) for name in field_names(Exchange)]
    every = [*columns, *sides]
    return list(map(Exchange, *(every[position] for position in positions)))


def _messages(struct: pa.StructArray, names: Sequence[str | None]) -> list[Message | None]:
    made: list[Message | None] = [None] * len(names)
    stored = {field.name for field in struct.type}
    for name, places in _rows_by_kind(names).items():
        kind = KINDS[name]
        chosen = pa.array(places, pa.int32())
        there = [field for field in field_names(kind) if field in stored]
        taken = {field: struct.field(field).take(chosen) for field in there}
        if missing := [field for field in taken if field in _WITHOUT_NULL[kind] and taken[field].null_count]:
            raise ValueError(f"a {name} lacks its {missing[0]}")
        columns = [
            _values(field.name, taken[field.name]) if field.name in taken else repeat(field.default)
            for field in fields(kind)
        ]
        values: Iterable[Message] = map(kind, *columns) if columns else (kind() for _ in places)
        for place, message in zip(places, values, strict=True):
            made[place] = message
    return made


def _values(name: str, column: pa.Array) -> Iterable[Any]:
    element = _ELEMENTS.get(name)
    if not pa.types.is_list(column.type):
        return column.to_pylist()  # type: ignore[no-any-return]
    if element is None:
        return [None if value is None else tuple(value) for value in column.to_pylist()]
    inner = column.flatten()
    if inner.null_count or any(inner.field(field).null_count for field in _WITHOUT_NULL[element]):
        raise ValueError(f"nulls in a list of {name}")
    flat = list(map(element, *(inner.field(place).to_pylist() for place in range(inner.type.num_fields))))
    lengths, values, start = column.value_lengths().to_pylist(), [], 0
    for length in lengths:
        values.append(None if length is None else tuple(flat[start : start + length]))
        start += length or 0
    return values
