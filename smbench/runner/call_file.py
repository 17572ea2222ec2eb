"""The calls of a run, lane by lane, in one file that every worker maps: no call crosses a queue.

The workload is in order of arrival, all lanes mixed. One pass over it, in bounded memory, writes an
Arrow IPC file whose record batches hold the calls of one lane each; a worker reads those of its lanes.
"""

from __future__ import annotations

import mmap
import tempfile
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from itertools import repeat
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from smbench.executors.base import Executor
from smbench.plan.model import Plan
from smbench.runner.declined import columns_of, declined
from smbench.runner.refused import REFUSED, fails
from smbench.tables import Claims, reading
from smbench.trace.store import REMEDY
from smbench.workload.calls import CALLS, Call, Create, Open, Read, Write
from smbench.workload.model import Workload
from smbench.workload.parameters import CREATE, IMPLIED, OF_CREATE, OWN, PARAMETERS
from smbench.workload.store import OPERATIONS, OperationWriter, StoredOperations

KINDS: tuple[type[Call], ...] = tuple(CALLS.values())
"""Kinds by the number that stands for them in arrays."""
KIND_NUMBERS = {name: number for number, name in enumerate(CALLS)}

_Setter = Callable[[Any, Any], None]
_SETTERS: list[list[tuple[str, _Setter]]] = [
    [(name, getattr(kind, name).__set__) for name in OWN[kind]] for kind in KINDS
]
"""By number of the kind: each parameter and what sets it (the slot's own descriptor)."""
_CREATE_SETTERS: list[tuple[str, _Setter]] = [
    (field.name, getattr(Create, field.name).__set__) for field in fields(Create)
]
_OPEN = KIND_NUMBERS[Open.__name__]
DECLINED = "declined"
"""A column beside the parameters of calls: what the executor does not carry out (`runner.declined`)."""
_NO_PARAMETERS = ("kind", REFUSED, DECLINED)
_PLACED = ["user", "lane"]
_LEFT_OUT: dict[str, object] = {"levels": ()}
"""What a column's absence means where it is not None: Parquet counts an empty list as a null."""
_TRANSFERS = np.array([kind in (Read, Write) for kind in KINDS])
_LARGEST_IO = 1 << 24
"""A message on TCP has 24 bits of length, and no call is lifted of more than such a one carries: a READ may
ask for more, and gets no more."""
_NARROW = (pa.int8(), pa.int16(), pa.int32())
_GATHERED_ROWS = 1 << 17
_ROWS_A_LANE = 64
"""Record batches shorter than this would be more header than content."""


def stored(workload: Workload, folder: Path) -> StoredOperations:
    """The workload's operations as a file: its own, or one written to `folder`."""
    if isinstance(workload.operations, StoredOperations):
        return workload.operations
    folder = Path(tempfile.mkdtemp(prefix="operations-", dir=folder))
    with OperationWriter(folder) as writer:
        for operation in workload.operations:
            writer.add(operation)
    return StoredOperations(folder / OPERATIONS)


def kind_numbers(column: pa.DictionaryArray) -> NDArray[np.int8]:
    """The stored kind column as indices of KINDS."""
    numbers = np.array([KIND_NUMBERS[name] for name in column.dictionary.to_pylist()], np.int8)
    return np.asarray(numbers[column.indices.to_numpy()])


@dataclass(frozen=True, slots=True)
class LaneCalls:
    """The calls of all lanes, mapped; `batches[lane]` are its record batches in order. Clones share them.

    `max_io_bytes` is the largest read or write.
    """

    path: Path
    reader: Any
    """A RecordBatchFileReader; None where there are no calls."""
    batches: list[list[int]]
    max_io_bytes: int
    reading: Lock = field(default_factory=Lock)
    """One lane at a time: nobody promises that a reader may be asked by several threads at once."""

    def __reduce__(self) -> tuple[object, ...]:
        """A worker that was spawned maps the file again."""
        return _mapped, (self.path, self.batches, self.max_io_bytes)

    def of_lane(self, lane: int) -> Iterator[pa.RecordBatch]:
        """The lane's record batches, mapped, not copied."""
        for number in self.batches[lane % len(self.batches)]:
            with self.reading:
                batch = self.reader.get_batch(number)
            yield batch


def write_calls(
    operations: StoredOperations, plan: Plan, path: Path, executor: type[Executor] | None = None
) -> LaneCalls:
    """Write the calls of `plan` to the new file `path`, with marks on those that the executor declines; it
    may be removed when all workers have it."""
    narrow = _narrowed(operations, used_columns(operations))
    batches: list[list[int]] = [[] for _ in range(plan.lanes // plan.copies)]
    written = max_io_bytes = 0
    writer: pa.ipc.RecordBatchFileWriter | None = None
    rows = max(_GATHERED_ROWS, _ROWS_A_LANE * len(batches))
    for table in _gathered(operations, narrow, rows, executor):
        lanes = plan.lane_of(*(table.column(name).to_numpy() for name in _PLACED))
        table = table.drop_columns(_PLACED)
        max_io_bytes = max(max_io_bytes, _largest_io(table))
        order = np.argsort(lanes, kind="stable")
        if (np.diff(lanes) < 0).any():
            table = table.take(pa.array(order))
        sorted_table = table.combine_chunks()
        if writer is None:
            writer = pa.ipc.new_file(path, sorted_table.schema)
        present, starts = np.unique(lanes[order], return_index=True)
        for lane, start, end in zip(present, starts, [*starts[1:], table.num_rows], strict=True):
            for batch in sorted_table.slice(start, end - start).to_batches():
                writer.write_batch(batch)
                batches[lane].append(written)
                written += 1
    if writer is None:
        path.touch()
    else:
        writer.close()
    return _mapped(path, batches, max_io_bytes)


def _mapped(path: Path, batches: list[list[int]], max_io_bytes: int) -> LaneCalls:
    if not path.stat().st_size:
        return LaneCalls(path, None, batches, 0)
    with path.open("rb") as file:
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    options = pa.ipc.IpcReadOptions(use_threads=False)
    reader = pa.ipc.open_file(pa.BufferReader(pa.py_buffer(mapped)), options=options)
    return LaneCalls(path, reader, batches, max_io_bytes)


def _largest_io(table: pa.Table) -> int:
    if "length" not in table.column_names:
        return 0
    kind, length = table.column("kind").to_numpy(), table.column("length").to_numpy()
    return min(int(length[_TRANSFERS[kind]].max(initial=0)), _LARGEST_IO)


def used_columns(operations: StoredOperations) -> list[str]:
    """`kind` and the parameters that any call has: a column that is null throughout costs as much as any."""
    parameters = {name for kind in KINDS for name in PARAMETERS[kind]}
    with operations.opened() as file:
        told = {path.partition(".")[0] for path, claims in file.claims().items() if not claims.all_null}
    return sorted({"kind"} | told & parameters)


def _narrowed(operations: StoredOperations, names: list[str]) -> dict[str, pa.DataType]:
    """The columns with the smallest types that hold their values: the parameters of one kind of call take
    as much room in all the others."""
    with operations.opened() as file:
        types = {name: file.schema.field(name).type for name in names}
        claims = file.claims()
    for name in names:
        if pa.types.is_integer(types[name]) and name in claims:
            types[name] = _narrowest(types[name], claims[name])
    return types


def _narrowest(kind: pa.DataType, told: Claims) -> pa.DataType:
    """The type, narrowed by what is claimed of the values; where nothing is, as it is."""
    if told.bounds is None:
        return kind
    least, most = told.bounds
    fitting = (
        narrow
        for narrow in _NARROW
        if least >= -(1 << narrow.bit_width - 1) and most < 1 << narrow.bit_width - 1
    )
    return next(fitting, kind)


def _gathered(
    operations: StoredOperations, types: Mapping[str, pa.DataType], rows: int,
    executor: type[Executor] | None,
) -> Iterator[pa.Table]:  # fmt: skip
    gathered: list[pa.RecordBatch] = []
    count = 0
    for batch in operations.batches(sorted({*types, *_PLACED, *columns_of(operations, executor)})):
        columns = {name: batch.column(name) for name in types if name != "kind"}
        with reading(operations.path, REMEDY):  # the file's statistics may not be true
            narrow = {name: column.cast(types[name]) for name, column in columns.items()}
        kinds = kind_numbers(batch.column("kind"))
        refused = (kinds == _OPEN) & fails(batch.column("expected").to_numpy())
        told = {"kind": pa.array(kinds), REFUSED: pa.array(refused)}
        told[DECLINED] = pa.array(declined(executor, batch))
        gathered.append(pa.record_batch(narrow | told | {name: batch.column(name) for name in _PLACED}))
        count += batch.num_rows
        if count >= rows:
            yield pa.Table.from_batches(gathered)
            gathered, count = [], 0
    if gathered:
        yield pa.Table.from_batches(gathered)


def declined_rows(batch: pa.RecordBatch) -> frozenset[int]:
    """Which rows of (a slice of) a lane's record batch the executor does not carry out."""
    marks = batch.column(DECLINED).to_numpy(zero_copy_only=False)
    return frozenset(np.flatnonzero(marks).tolist())


def calls_of(batch: pa.RecordBatch) -> list[Call]:
    """The calls of (a slice of) a lane's record batch, in order.

    They are made column by column: a constructor of a frozen dataclass takes three times as long.
    """
    kinds = batch.column("kind").to_numpy()
    calls: list[Any] = list(map(object.__new__, map(KINDS.__getitem__, kinds.tolist())))
    present = np.flatnonzero(np.bincount(kinds))
    columns = {name: _Column(batch.column(name)) for name in batch.schema.names if name not in _NO_PARAMETERS}
    for number in present:
        rows = None if len(present) == 1 else np.flatnonzero(kinds == number)
        mine = calls if rows is None else [calls[row] for row in rows.tolist()]
        for name, setter in _SETTERS[number]:
            column = columns.get(name)
            values = repeat(_LEFT_OUT.get(name)) if column is None else column.values(rows)
            deque(map(setter, mine, values), maxlen=0)
        if KINDS[number] in OF_CREATE:
            _set_creates(KINDS[number], mine, columns, rows)
    return calls


def _set_creates(
    kind: type[Call], calls: list[Any], columns: Mapping[str, _Column], rows: NDArray[np.int64] | None
) -> None:
    """What these calls ask for by their CREATEs."""
    creates: list[Any] = [object.__new__(Create) for _ in calls]
    for name, setter in _CREATE_SETTERS:
        implied = getattr(IMPLIED[kind], name)
        column = columns.get(name) if name in OF_CREATE[kind] else None
        if column is None:
            deque(map(setter, creates, repeat(implied)), maxlen=0)
            continue
        values = column.values(rows)
        if None in values:
            values = [implied if value is None else value for value in values]
        deque(map(setter, creates, values), maxlen=0)
    deque(map(getattr(kind, CREATE).__set__, calls, creates), maxlen=0)


class _Column:
    """A column's values as objects, of all rows or of some."""

    def __init__(self, column: pa.Array) -> None:
        self._numbers: NDArray[Any] | None = None
        self._objects: list[Any] = []
        if column.null_count == 0 and pa.types.is_integer(column.type):
            self._numbers = column.to_numpy(zero_copy_only=False)
        elif column.null_count == len(column):
            self._objects = [None] * len(column)
        else:
            self._objects = column.to_pylist()
            if pa.types.is_list(column.type):
                self._objects = [None if value is None else tuple(value) for value in self._objects]

    def values(self, rows: NDArray[np.int64] | None) -> list[Any]:
        if self._numbers is not None:
            chosen: list[Any] = (self._numbers if rows is None else self._numbers[rows]).tolist()
            return chosen
        return self._objects if rows is None else [self._objects[row] for row in rows.tolist()]
