"""Small Parquet files that claim, or hold, far more than they are: what a hostile writer would send."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

Bomb = Callable[[Path], None]
"""Makes one of the Parquet file in place, with the same columns; ValueError where it has none that fits."""

ROWS = 1 << 14


def _like(path: Path) -> pa.Table:
    table = pq.read_table(path)
    if not len(table):
        raise ValueError("it has no rows")
    return table


def _alike(table: pa.Table, rows: int) -> pa.Table:
    """The first row, again and again."""
    return table.slice(0, 1).take(pa.array(np.zeros(rows, np.int64)))


def _write(table: pa.Table, path: Path, **options: Any) -> None:
    # Without statistics, which would hold the long texts once more.
    pq.write_table(table, path, **{"compression": "zstd", "write_statistics": False, **options})


def _column(table: pa.Table, fits: Callable[[pa.DataType], bool]) -> tuple[int, pa.Field]:
    for place, found in enumerate(table.schema):
        if fits(found.type):
            return place, found
    raise ValueError("it has no such column")


def many_rows(path: Path) -> None:
    """Two million rows that are all alike: in runs, some bytes a column."""
    part = _alike(_like(path), 1 << 18)
    with pq.ParquetWriter(path, part.schema, compression="zstd", write_statistics=False) as writer:
        for _ in range(8):
            writer.write_table(part, row_group_size=len(part))


def one_part(path: Path) -> None:
    """Two million rows in one part."""
    table = _alike(_like(path), 1 << 21)
    _write(table, path, row_group_size=len(table))


def packed_text(path: Path) -> None:
    """One text of 256 MiB, that packs to some ten thousand bytes."""
    table = _like(path)
    place, found = _column(table, pa.types.is_string)
    texts = table.column(place).to_pylist()
    texts[-1] = "x" * (1 << 28)
    _write(table.set_column(place, found, pa.array(texts, found.type)), path, use_dictionary=False)


def shared_text(path: Path) -> None:
    """One text of a megabyte, that all of 16,384 rows have in common by the dictionary."""
    table = _like(path)
    place, found = _column(table, pa.types.is_string)
    texts = pa.DictionaryArray.from_arrays(pa.array(np.zeros(ROWS, np.int32)), ["x" * ((1 << 20) - 64)])
    shared = _alike(table, ROWS).set_column(place, found.name, texts)
    _write(shared, path, dictionary_pagesize_limit=1 << 24)
    # pyarrow keeps the type that was written beside Parquet's own, which is text for both.
    content = path.read_bytes()
    length = int.from_bytes(content[-8:-4], "little")
    ours, theirs = _text(_kept_schema(shared.schema)), _text(_kept_schema(table.schema))
    changed = content[-8 - length : -8].replace(ours, theirs)
    path.write_bytes(content[: -8 - length] + changed + struct.pack("<I", len(changed)) + b"PAR1")


def _kept_schema(schema: pa.Schema) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(schema.empty_table(), sink)
    kept: bytes = pq.read_metadata(pa.BufferReader(sink.getvalue())).metadata[b"ARROW:schema"]
    return kept


def long_lists(path: Path) -> None:
    """A list of 16 million numbers that are all zero."""
    table = _like(path)
    place, found = _column(
        table, lambda kind: pa.types.is_list(kind) and pa.types.is_integer(kind.value_type)
    )
    numbers = pa.array(np.zeros(1 << 24, np.int8)).cast(found.type.value_type)
    offsets = [0] * len(table) + [len(numbers)]
    _write(table.set_column(place, found, pa.ListArray.from_arrays(offsets, numbers, type=found.type)), path)


def many_columns(path: Path) -> None:
    """A footer of a part that claims a million columns, of three bytes each."""
    path.write_bytes(with_footer(b"", footer(1_000_000)))


def lying_page(path: Path) -> None:
    """A page that unpacks to 256 MiB, and a footer that knows nothing of it."""
    _write(_like(path).slice(0, 1), path, use_dictionary=False)
    content = path.read_bytes()
    column = pq.read_metadata(path).row_group(0).column(0)
    start = column.data_page_offset
    size = column.total_compressed_size
    body = pa.compress(bytes(1 << 28), "zstd", asbytes=True)
    page = page_header(1 << 28, len(body), 1) + body
    path.write_bytes(content[:start] + page + content[start + size :])


def hollow(path: Path) -> None:
    """Its own footer at the end of a hole of a terabyte."""
    content = path.read_bytes()
    with path.open("r+b") as file:
        file.seek((1 << 40) - len(content))
        file.write(content)


BOMBS: tuple[Bomb, ...] = (
    many_rows, one_part, packed_text, shared_text, long_lists, many_columns, lying_page,
)  # fmt: skip


# Thrift's compact protocol, written


def varint(number: int) -> bytes:
    found = bytearray()
    while number > 127:
        found.append(number & 127 | 128)
        number >>= 7
    return bytes([*found, number])


def zigzag(number: int) -> bytes:
    return varint((number << 1) ^ (number >> 63))


def list_head(count: int) -> bytes:
    """The head of a list of structures."""
    return bytes([count << 4 | 12]) if count < 15 else b"\xfc" + varint(count)


def _text(text: bytes) -> bytes:
    return varint(len(text)) + text


def footer(columns: int) -> bytes:
    """Of a file with one column of numbers, `a`, and a part that has so many."""
    root = b"\x48" + _text(b"schema") + b"\x15" + zigzag(1) + b"\x00"
    leaf = b"\x15" + zigzag(2) + b"\x25" + zigzag(0) + b"\x18" + _text(b"a") + b"\x00"
    part = b"\x19" + list_head(columns) + b"\x26\x00\x00" * columns + b"\x16\x00\x16\x00\x00"
    return (
        b"\x15"
        + zigzag(2)
        + b"\x19"
        + list_head(2)
        + root
        + leaf
        + b"\x16\x00\x19"
        + list_head(1)
        + part
        + b"\x00"
    )


def with_footer(pages: bytes, footer: bytes) -> bytes:
    return b"PAR1" + pages + footer + struct.pack("<I", len(footer)) + b"PAR1"


def page_header(unpacked: int, packed: int, values: int) -> bytes:
    """Of a page of plain data."""
    data = b"\x15" + zigzag(values) + b"\x15\x00\x15" + zigzag(3) + b"\x15" + zigzag(3) + b"\x00"
    return b"\x15\x00\x15" + zigzag(unpacked) + b"\x15" + zigzag(packed) + b"\x2c" + data + b"\x00"
