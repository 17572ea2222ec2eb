"""Parquet files of stored artefacts: one way to open and to read them, and to write them.

What a file claims to unpack to is judged first (`smbench.pages`). A file is held against its `Form` when it
is opened (its columns and their types, how many rows) and while it is read (nulls, numbers, words, text that
is no UTF-8). Whatever is wrong, and whatever the library raises in the middle of a file, ends in one sentence
that names the file and what to do.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from smbench.errors import SetupError, UsageError
from smbench.footer import MOST_PARTS, Column, Footer, read_footer
from smbench.pages import Unpacking, refuse_claims, refuse_hole
from smbench.stored import open_stored, refuse_unreadable, size_of

BATCH = 1 << 16
"""Rows that are read at once, where nobody says otherwise."""
MOST = (1 << 62) - 1
"""Times and sizes of which two can be added."""
_LOOKED_AT: dict[tuple[int, ...], Footer] = {}
"""Footers of files whose ends this process has found to be whole, by what is another where they are written
anew."""
_CLAIMED: dict[tuple[int, ...], Mapping[str, Claims]] = {}
"""What those files claim: it is asked for several times, and of a long file it takes time."""
Check = Callable[[pa.RecordBatch], str | None]
"""Says what is wrong with the rows of a batch that was read; None: nothing."""


@dataclass(frozen=True, slots=True)
class Claims:
    """What a file's footer claims of all values of a column, whether it is true or not."""

    all_null: bool
    bounds: tuple[int, int] | None
    """The least and the largest (of booleans 0 and 1); None: not told of every part, or no whole numbers."""

    def __or__(self, other: Claims) -> Claims:
        """Of the values of both; what is null has no bounds."""
        if self.all_null or other.all_null:
            return replace(other if self.all_null else self, all_null=self.all_null and other.all_null)
        bounds = None
        if self.bounds is not None and other.bounds is not None:
            bounds = min(self.bounds[0], other.bounds[0]), max(self.bounds[1], other.bounds[1])
        return Claims(False, bounds)


@dataclass(frozen=True)
class Form:
    """What a Parquet file of an artefact has to be. `remedy` says what to do where it is not."""

    schema: pa.Schema
    remedy: str
    optional: frozenset[str] = frozenset()
    """Columns, or fields of columns that are structs, that files of older versions lack."""
    nullable: frozenset[str] = frozenset()
    """Columns that may have nulls; those of lists and structs always may."""
    range: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """The least and the largest number of a column."""
    lengths: Mapping[str, int] = field(default_factory=dict)
    """How many values each list of a column has."""
    words: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """All that a column of words may say."""
    rows_a_byte: int = 1
    """How many rows a byte of the file may stand for (`smbench.pages`)."""
    version: tuple[bytes, bytes] | None = None
    """A key of the file's own metadata, and what it has to say."""

    def fault_of_schema(self, found: pa.Schema) -> str | None:
        """What is wrong with the columns of a file; None: nothing."""
        if self.version is not None:
            key, wanted = self.version
            told = (found.metadata or {}).get(key, b"none")
            if told != wanted:
                return (
                    f"it has schema version {told.decode('ascii', 'replace')}, this program reads "
                    f"{wanted.decode('ascii')}"
                )
        for column in self.schema:
            places = found.get_all_field_indices(column.name)
            if not places and column.name not in self.optional:
                return f"its column {column.name} is missing"
            if len(places) > 1:
                return f"it has several columns {column.name}"
            if places and not self._agrees(found.field(places[0]).type, column.type):
                return f"its column {column.name} is of {found.field(places[0]).type}, not of {column.type}"
        return None

    def _agrees(self, found: pa.DataType, wanted: pa.DataType) -> bool:
        """Whether a column is of the type, or of that type of an older version."""
        if found.equals(wanted) or not (pa.types.is_struct(found) and pa.types.is_struct(wanted)):
            return bool(found.equals(wanted))
        there = {field.name for field in found}
        known = [field for field in wanted if field.name in there or field.name not in self.optional]
        return bool(found.equals(pa.struct(known)))

    def fault_of_batch(self, batch: pa.RecordBatch) -> str | None:
        """What is wrong with rows that were read; None: nothing."""
        batch.validate(full=True)
        faults = (
            self._fault_of_column(name, column)
            for name, column in zip(batch.schema.names, batch.columns, strict=True)
        )
        return next((wrong for wrong in faults if wrong), None)

    def _fault_of_column(self, name: str, column: pa.Array) -> str | None:
        kind = column.type
        if pa.types.is_list(kind):
            if column.flatten().null_count:
                return f"its column {name} has nulls in its lists"
            if name in self.lengths and not _are_all(pc.list_value_length(column), self.lengths[name]):
                return f"its column {name} has lists of another length than {self.lengths[name]}"
            return None
        if column.null_count and not (name in self.nullable or pa.types.is_struct(kind)):
            return f"its column {name} has nulls"
        if name in self.range and len(column) > column.null_count:
            (least, most), found = self.range[name], pc.min_max(column)
            if found["min"].as_py() < least or found["max"].as_py() > most:
                return f"its column {name} has numbers out of range"
        if pa.types.is_floating(kind) and pc.all(pc.is_finite(column)).as_py() is False:
            return f"its column {name} has what is no number"
        if name in self.words and not self.words[name].issuperset(column.dictionary.to_pylist()):
            return f"its column {name} has words that mean nothing"
        return None


def _are_all(numbers: pa.Array, wanted: int) -> bool:
    """Whether all of them that are there are that one."""
    return pc.all(pc.equal(numbers, wanted)).as_py() is not False


class TableFile:
    """An open Parquet file of an artefact, which is of its form; a context manager.

    UsageError for whatever is wrong with it, now or in the middle of reading; FileNotFoundError where it
    is missing. `rows`: how many it has to have, where that is known. `check` sees every batch that is read.
    Without `threads` none is started, so that a process may still fork.
    """

    def __init__(
        self, path: Path, form: Form, *, rows: int | None = None, check: Check | None = None,
        threads: bool = False,
    ) -> None:  # fmt: skip
        self.path = path
        self.form = form
        self._check = check
        self._threads = threads
        with ExitStack() as opened:
            self._source = opened.enter_context(open_stored(path, form.remedy))
            self._size = size_of(self._source)
            found = os.fstat(self._source.fileno())
            self._same = found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns
            with self.reading():
                self._footer = self._looked_at()
                self._file = pq.ParquetFile(
                    self._source, pre_buffer=threads, page_checksum_verification=True,
                    thrift_container_size_limit=MOST_PARTS,
                )  # fmt: skip
                self.metadata: pq.FileMetaData = self._file.metadata
                refuse_claims(self.metadata, self._size, form.rows_a_byte)
                self.schema: pa.Schema = self._file.schema_arrow
                self.columns: list[str] = self.schema.names
                wrong = form.fault_of_schema(self.schema) or self._fault_of_rows(rows)
            if wrong:
                self.refuse(wrong)
            self._closing = opened.pop_all()

    def refuse(self, why: str) -> None:
        """Raise the UsageError that says what is wrong with the file."""
        raise fault(self.path, why, self.form.remedy)

    @property
    def rows(self) -> int:
        return int(self.metadata.num_rows)

    @property
    def groups(self) -> int:
        return int(self.metadata.num_row_groups)

    def claims(self) -> Mapping[str, Claims]:
        """What is claimed of all values of each column, by its path; nothing of a file without rows."""
        if self._same not in _CLAIMED:
            found: dict[str, Claims] = {}
            for number in range(self.groups):
                with self.reading():
                    for column, leaf in self._parts(number, None):
                        told = self._claims(column, leaf)
                        found[leaf.path] = found[leaf.path] | told if leaf.path in found else told
            _CLAIMED[self._same] = found
        return _CLAIMED[self._same]

    def _claims(self, column: Column, leaf: Any) -> Claims:
        kind = self.schema.field(leaf.path).type if leaf.path in self.columns else None
        nulls, least, most = column.claimed
        bounds = None
        whole = kind is not None and (pa.types.is_integer(kind) or pa.types.is_boolean(kind))
        if whole and least is not None and most is not None:
            signed = pa.types.is_signed_integer(kind)
            bounds = (
                int.from_bytes(least, "little", signed=signed), int.from_bytes(most, "little", signed=signed),
            )  # fmt: skip
        return Claims(nulls == column.values, bounds)

    def batches(self, columns: Sequence[str] | None = None, size: int = BATCH) -> Iterator[pa.RecordBatch]:
        """All rows, batch by batch."""
        unpacking, count = self._unpacking(), 0
        for number in range(self.groups):
            for batch in self._of_group(number, columns, size, unpacking):
                count += batch.num_rows
                yield batch
        if count != self.rows:
            self.refuse(f"it ends after {count:,} of {self.rows:,} rows")

    def group(self, number: int, columns: Sequence[str] | None = None) -> pa.Table:
        """One row group, whole."""
        return self._table(self._of_group(number, columns, BATCH, self._unpacking()), columns)

    def table(self, columns: Sequence[str] | None = None) -> pa.Table:
        """All rows at once."""
        return self._table(self.batches(columns), columns)

    def _table(self, batches: Iterable[pa.RecordBatch], columns: Sequence[str] | None) -> pa.Table:
        names = self.columns if columns is None else columns
        schema = pa.schema([self.schema.field(name) for name in names], self.schema.metadata)
        return pa.Table.from_batches(batches, schema)

    def _of_group(
        self, number: int, columns: Sequence[str] | None, size: int, unpacking: Unpacking
    ) -> Iterator[pa.RecordBatch]:
        """The rows of a row group, in batches of `size` rows, or smaller ones where they are long."""
        with self.reading():
            size = unpacking.add_part(self._parts(number, columns), size)
            made = self._file.iter_batches(
                batch_size=size, row_groups=[number], columns=None if columns is None else [*columns],
                use_threads=self._threads,
            )  # fmt: skip
        while True:
            with self.reading():
                batch = next(made, None)
            if batch is None:
                return
            self._refuse_wrong(batch, unpacking)
            yield batch

    def _unpacking(self) -> Unpacking:
        return Unpacking(self._read_at, self._size, self.form.rows_a_byte)

    def _parts(self, number: int, columns: Sequence[str] | None) -> Iterator[tuple[Column, Any]]:
        """The columns of a row group that hold values, each with its leaf of the schema."""
        for place, column in enumerate(self._footer.columns(self._read_at, number)):
            leaf = self.metadata.schema.column(place)
            if columns is None or leaf.path.partition(".")[0] in columns:
                yield column, leaf

    def _looked_at(self) -> Footer:
        """Where the footer says what, gone through once for each file: a long one takes time."""
        if self._same not in _LOOKED_AT:
            refuse_hole(self._source)
            _LOOKED_AT[self._same] = read_footer(self._read_at, self._size)
        return _LOOKED_AT[self._same]

    def _read_at(self, place: int, size: int) -> bytes:
        self._source.seek(place)
        return self._source.read(size)

    def _fault_of_rows(self, wanted: int | None) -> str | None:
        if wanted is not None and self.rows != wanted:
            return f"it has {self.rows:,} rows, and {wanted:,} were written"
        return None

    def _refuse_wrong(self, batch: pa.RecordBatch, unpacking: Unpacking) -> None:
        with self.reading():
            unpacking.add_batch(batch)
            wrong = self.form.fault_of_batch(batch) or (self._check(batch) if self._check else None)
        if wrong:
            self.refuse(wrong)

    def reading(self) -> AbstractContextManager[None]:
        """Whatever goes wrong with what was read within it is the file's fault."""
        return reading(self.path, self.form.remedy)

    def close(self) -> None:
        self._closing.close()

    def __enter__(self) -> TableFile:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.close()


def fault(path: Path, why: str, remedy: str) -> UsageError:
    """What says that a file is not as it was written."""
    return UsageError(f"{path} is damaged ({why}): {remedy}")


@contextmanager
def reading(path: Path, remedy: str) -> Iterator[None]:
    """Whatever the library raises while it reads `path`, or what is computed of what it read, becomes the
    sentence."""
    try:
        yield
    except MemoryError as error:
        raise SetupError(
            f"{path} asks for more memory than there is ({_line(error)}): make memory free, or, where it is "
            f"damaged, {remedy}"
        ) from None
    except OSError as error:
        if error.errno is not None:
            refuse_unreadable(path, error)
        raise fault(path, _line(error), remedy) from None
    except (pa.ArrowException, ValueError, LookupError, OverflowError, TypeError) as error:
        raise fault(path, _line(error), remedy) from None


def _line(error: BaseException) -> str:
    """What a library says, in one line and without its own full stop."""
    return " ".join(str(error).split()).rstrip(".:") or type(error).__name__


def table_writer(path: Path, schema: pa.Schema, **options: Any) -> pq.ParquetWriter:
    """A writer of a Parquet file of an artefact. Its pages have checksums, so that no bit that was flipped
    since is taken for a number."""
    return pq.ParquetWriter(path, schema, **{"compression": "zstd", "write_page_checksum": True, **options})
