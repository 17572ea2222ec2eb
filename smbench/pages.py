"""What a Parquet file claims to unpack to, judged before it is unpacked: its footer, then pages.

Whoever wrote the file chose its claims: a few bytes stand for gigabytes by compression, by runs of equal
values, or by a dictionary whose one long text all rows have. So the footer is held against the size of the
file (`refuse_hole`, `refuse_footer`, `refuse_claims`), and the headers of pages, by which the library makes
room, against the footer (`Unpacking`). All raise ValueError with what is wrong. The limits are wide for what
this program writes; in brackets what the smallest files have of ten million operations that are alike but for
their numbers and times:

- A row takes a byte at least (2.9 of coverage.parquet, 13 of operations.parquet), but in a run's
  operations.parquet, where what was not executed takes next to nothing: the form says how many rows a byte
  may stand for (16; 2.3), which none of its readers has in memory at once.
- A byte stands for 8 values of a column of lists at most (0.1).
- All that is unpacked is `FLOOR` bytes and `RATIO` times the file at most (3.4 times). Texts that rows have
  in common count as often as rows have them: paths may be 800 bytes long in the mean, in a run 1 KiB.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, BinaryIO

import pyarrow as pa

from smbench.compact import I32, LIST, STRUCT, Compact

FLOOR, RATIO = 1 << 26, 64
"""Bytes that any file may unpack to, and how many times its own more."""
MOST_PART_ROWS = 1 << 20
"""Of one part, which some readers have in memory at once."""
MOST_PARTS = 1 << 16
"""Of a file: a thousand million exchanges have 61,036."""
AT_ONCE = 1 << 25
"""Bytes of texts that are unpacked at once."""
_VALUES_A_BYTE, _FEW_VALUES = 8, 1 << 16
_SMALL_FOOTER, _LARGE_FOOTER = 1 << 18, 1 << 28
"""The library makes up to 230 times as much of a footer: one that is not small is gone through first."""
_LEAST_COLUMN = 32
"""Bytes of what a footer says of a column of a part: its name, where it is, how long: 100 and more."""
_SHORT = 1 << 10
"""The texts of a dictionary are not looked at where none can be longer."""
_FIRST_LOOK, _LONGEST_HEADER = 1 << 9, 1 << 16
_TEXT = "BYTE_ARRAY"
_PLAIN = "UNCOMPRESSED"
_CODECS = (_PLAIN, "SNAPPY", "GZIP", "ZSTD")
_DATA, _DICTIONARY = 0, 2
_OF_TEXTS = frozenset((0, 2, 3, 8))
"""PLAIN, PLAIN_DICTIONARY, RLE, RLE_DICTIONARY. By others a text is made of the one before, however long that
is."""

ReadAt = Callable[[int, int], bytes]
"""Bytes from a place on; fewer where the file ends."""


def most_unpacked(size: int, dense: int = 1) -> int:
    """Bytes that a file of `size` may unpack to, a byte of which stands for `dense` rows."""
    return FLOOR + (RATIO if dense == 1 else dense << 10) * size


def refuse_hole(file: BinaryIO) -> None:
    """Refuse a file with a part that was never written: it is not as large as it says. Where the system
    cannot tell, nothing is refused."""
    if hasattr(os, "SEEK_HOLE"):
        descriptor = file.fileno()
        with suppress(OSError):
            hole = os.lseek(descriptor, 0, os.SEEK_HOLE)
            if hole < os.lseek(descriptor, 0, os.SEEK_END):
                raise ValueError(f"nothing was ever written from its byte {hole:,} on")
    file.seek(0)


def refuse_footer(read_at: ReadAt, size: int) -> None:
    """Refuse a long footer that is none, before the library makes something of it: every part of the file has
    the same columns. What is wrong with a short one the library tells in little memory."""
    tail = read_at(max(size - 8, 0), 8)
    length = int.from_bytes(tail[:4], "little")
    if tail[4:] != b"PAR1" or length <= _SMALL_FOOTER:
        return
    if length > min(size - 8, _LARGE_FOOTER):
        raise ValueError(f"its footer has {length:,} bytes")
    try:
        _go_through(Compact(read_at(size - 8 - length, length)))
    except IndexError:
        raise ValueError("its footer is cut off") from None


def _go_through(footer: Compact) -> None:
    leaves = 0
    for number, kind in footer.fields():
        if (number, kind) == (2, LIST):
            leaves = _leaves(footer)
        elif (number, kind) == (4, LIST):
            _refuse_parts(footer, leaves)
        else:
            footer.skip(kind)


def _leaves(footer: Compact) -> int:
    """How many columns the schema has that hold values."""
    size, _ = footer.many()
    leaves = size
    for _ in range(size):
        for number, kind in footer.fields():
            if (number, kind) == (5, I32):
                leaves -= footer.number() > 0
            else:
                footer.skip(kind)
    return leaves


def _refuse_parts(footer: Compact, leaves: int) -> None:
    parts, _ = footer.many()
    if parts > MOST_PARTS:
        raise ValueError(f"it claims {parts:,} parts")
    for _ in range(parts):
        for number, kind in footer.fields():
            if (number, kind) == (1, LIST):
                columns, inner = footer.many()
                if columns != leaves:
                    raise ValueError(f"a part of it has {columns:,} columns, and the file {leaves:,}")
                begin = footer.at
                footer.skip_all(columns, inner)
                if footer.at - begin < _LEAST_COLUMN * columns:
                    raise ValueError(f"a part of it says nothing of its {columns:,} columns")
            else:
                footer.skip(kind)


def refuse_claims(metadata: Any, size: int, dense: int) -> None:
    """Refuse a footer that cannot be true of a file of `size` bytes, each of which may stand for so many
    rows."""
    parts = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
    rows, unpacked = [part.num_rows for part in parts], [part.total_byte_size for part in parts]
    if sum(rows) != metadata.num_rows or min(rows, default=0) < 0:
        raise ValueError(f"its parts have {sum(rows):,} rows, it {metadata.num_rows:,}")
    if metadata.num_rows > dense * size:
        raise ValueError(f"it claims {metadata.num_rows:,} rows in {size:,} bytes")
    if max(rows, default=0) > MOST_PART_ROWS:
        raise ValueError(f"it claims a part of {max(rows):,} rows")
    if sum(unpacked) > most_unpacked(size) or min(unpacked, default=0) < 0:
        raise ValueError(f"it claims to unpack from {size:,} bytes to {sum(unpacked):,}")


@dataclass(frozen=True, slots=True)
class Header:
    """Of a page, as far as room is made by it."""

    kind: int
    unpacked: int
    packed: int
    values: int
    encoding: int
    bytes: int
    """Of the header itself."""


def read_header(read_at: ReadAt, place: int) -> Header:
    """That of the page at a place."""
    look = _FIRST_LOOK
    while True:
        content = read_at(place, look)
        try:
            return _header(Compact(content))
        except IndexError:
            if look >= _LONGEST_HEADER or len(content) < look:
                raise ValueError("a page of it is cut off") from None
            look *= 8


def _header(page: Compact) -> Header:
    told, of_values = {1: -1, 2: -1, 3: -1}, {1: -1, 2: -1}
    for number, kind in page.fields():
        if number in told and kind == I32:
            told[number] = page.number()
        elif number in (5, 7) and kind == STRUCT:  # of data, of a dictionary
            for inner, of in page.fields():
                if inner in of_values and of == I32:
                    of_values[inner] = page.number()
                else:
                    page.skip(of)
        else:
            page.skip(kind)
    return Header(told[1], told[2], told[3], of_values[1], of_values[2], page.at)


@dataclass(slots=True)
class Unpacking:
    """What has been unpacked of a file in one pass over it."""

    read_at: ReadAt
    size: int
    dense: int
    """Rows that a byte may stand for."""
    _packed: int = 0
    _unpacked: int = 0
    _texts: int = 0
    _values: dict[str, int] = field(default_factory=dict)

    def add_part(self, columns: Iterable[tuple[Any, bool]], rows: int) -> int:
        """Judge the columns of a part that are read next: pyarrow's metadata of each, and whether it holds
        lists. How many rows may be unpacked at once, `rows` at most: long texts that they have in common take
        room in each."""
        longest = 0
        for column, lists in columns:
            self._packed += column.total_compressed_size
            self._unpacked += column.total_uncompressed_size
            if self._packed > self.size or self._unpacked > most_unpacked(self.size):
                raise ValueError("its columns claim more than it has")
            text = self._longest_text(column)
            if lists:
                self._add_lists(column, text)
            else:
                longest += text
        return max(1, min(rows, AT_ONCE // max(longest, 1)))

    def add_batch(self, batch: pa.RecordBatch) -> None:
        """Count the texts of rows that were unpacked."""
        self._texts += sum(map(_text_bytes, batch.columns))
        if self._texts > most_unpacked(self.size, self.dense):
            raise ValueError(f"its texts unpack from {self.size:,} bytes to more than {self._texts:,}")

    def _add_lists(self, column: Any, text: int) -> None:
        values = self._values.get(column.path_in_schema, 0) + column.num_values
        self._values[column.path_in_schema] = values
        if values > _FEW_VALUES + _VALUES_A_BYTE * self.size:
            raise ValueError(f"it claims lists of {values:,} values in {self.size:,} bytes")
        if column.num_values * text > most_unpacked(self.size):
            raise ValueError(f"it claims lists of {column.num_values:,} texts of up to {text:,} bytes")

    def _longest_text(self, column: Any) -> int:
        """Go through the pages of a column. How many bytes the longest text has that values may have in
        common; where none is long, no fewer."""
        if not column.num_values:
            return 0
        place = column.data_page_offset
        if column.has_dictionary_page and 0 < (column.dictionary_page_offset or 0) < place:
            place = column.dictionary_page_offset
        end, left, room = (
            place + column.total_compressed_size,
            column.num_values,
            column.total_uncompressed_size,
        )
        if not 0 < place <= end <= self.size or left < 0:
            raise ValueError("a column of it lies elsewhere")
        if column.compression not in _CODECS:
            raise ValueError(
                f"a column of it is packed by {column.compression}, which this program does not use"
            )
        longest = dictionaries = 0
        while left > 0:
            page = read_header(self.read_at, place)
            place += page.bytes
            room -= page.unpacked
            if min(page.unpacked, page.packed, page.values) < 0 or place + page.packed > end or room < 0:
                raise ValueError("a page of it is larger than its column")
            if page.kind == _DICTIONARY and not dictionaries:
                dictionaries += 1
                if column.physical_type == _TEXT:
                    longest = self._longest_of(page, place, column.compression)
            elif page.kind != _DATA or (column.physical_type == _TEXT and page.encoding not in _OF_TEXTS):
                raise ValueError("a page of it is of a kind that this program does not write")
            else:
                left -= page.values
            place += page.packed
        if left:
            raise ValueError("a column of it has more values than its footer claims")
        return longest

    def _longest_of(self, page: Header, place: int, codec: str) -> int:
        """Bytes of a dictionary's longest text: before each stand four of its length."""
        longest = page.unpacked - 4 * page.values
        if longest <= _SHORT:
            return max(longest, 0)
        texts = self.read_at(place, page.packed)
        if codec != _PLAIN:
            texts = pa.decompress(texts, page.unpacked, codec.lower(), asbytes=True)
        longest = at = 0
        while at < len(texts):
            length = int.from_bytes(texts[at : at + 4], "little")
            longest = max(longest, length)
            at += 4 + length
        return longest


def _text_bytes(array: pa.Array) -> int:
    """How many bytes the texts of an array have, also within lists and structures."""
    kind = array.type
    if pa.types.is_string(kind) or pa.types.is_binary(kind):
        return int(array.nbytes)
    if pa.types.is_list(kind):
        return _text_bytes(array.flatten())
    if pa.types.is_struct(kind):
        return sum(_text_bytes(array.field(number)) for number in range(kind.num_fields))
    return 0
