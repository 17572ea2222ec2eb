"""What a Parquet file claims to unpack to, judged before it is unpacked: its claims as a whole, then pages.

Whoever wrote the file chose its claims: a few bytes stand for gigabytes by compression, by runs of equal
values, or by a dictionary whose one long text all rows have. So the footer is held against the size of the
file (`refuse_hole`, `smbench.footer`, `refuse_claims`), and the headers of pages, by which the library makes
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
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, BinaryIO

import pyarrow as pa

from smbench.compact import I32, STRUCT, Compact
from smbench.footer import Column, ReadAt

FLOOR, RATIO = 1 << 26, 64
"""Bytes that any file may unpack to, and how many times its own more."""
MOST_PART_ROWS = 1 << 20
"""Of one part, which some readers have in memory at once."""
AT_ONCE = 1 << 25
"""Bytes of texts that are unpacked at once."""
_VALUES_A_BYTE, _FEW_VALUES = 8, 1 << 16
_SHORT = 1 << 10
"""The texts of a dictionary are not looked at where none can be longer."""
_FIRST_LOOK, _LONGEST_HEADER = 1 << 9, 1 << 16
_TEXT = "BYTE_ARRAY"
_PLAIN = 0
_CODECS = {_PLAIN: "", 1: "snappy", 2: "gzip", 6: "zstd"}
_DATA, _DICTIONARY = 0, 2
_OF_TEXTS = frozenset((0, 2, 3, 8))
"""PLAIN, PLAIN_DICTIONARY, RLE, RLE_DICTIONARY. By others a text is made of the one before, however long that
is."""


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
            told[number] = page.number(kind)
        elif number in (5, 7) and kind == STRUCT:  # of data, of a dictionary
            for inner, of in page.fields():
                if inner in of_values and of == I32:
                    of_values[inner] = page.number(of)
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

    def add_part(self, columns: Iterable[tuple[Column, Any]], rows: int) -> int:
        """Judge the columns of a part that are read next, each with its leaf of pyarrow's schema. How many
        rows may be unpacked at once, `rows` at most: long texts that they have in common take room in each.
        """
        longest = 0
        for column, leaf in columns:
            self._packed += column.packed
            self._unpacked += column.unpacked
            if self._packed > self.size or self._unpacked > most_unpacked(self.size):
                raise ValueError("its columns claim more than it has")
            text = self._longest_text(column, leaf.physical_type == _TEXT)
            if leaf.max_repetition_level:
                self._add_lists(column, leaf.path, text)
            else:
                longest += text
        return max(1, min(rows, AT_ONCE // max(longest, 1)))

    def add_batch(self, batch: pa.RecordBatch) -> None:
        """Count the texts of rows that were unpacked."""
        self._texts += sum(map(_text_bytes, batch.columns))
        if self._texts > most_unpacked(self.size, self.dense):
            raise ValueError(f"its texts unpack from {self.size:,} bytes to more than {self._texts:,}")

    def _add_lists(self, column: Column, path: str, text: int) -> None:
        values = self._values.get(path, 0) + column.values
        self._values[path] = values
        if values > _FEW_VALUES + _VALUES_A_BYTE * self.size:
            raise ValueError(f"it claims lists of {values:,} values in {self.size:,} bytes")
        if column.values * text > most_unpacked(self.size):
            raise ValueError(f"it claims lists of {column.values:,} texts of up to {text:,} bytes")

    def _longest_text(self, column: Column, texts: bool) -> int:
        """Go through the pages of a column. How many bytes the longest text has that values may have in
        common; where none is long, no fewer."""
        if not column.values:
            return 0
        place = column.data if not 0 < column.dictionary < column.data else column.dictionary
        end, left, room = place + column.packed, column.values, column.unpacked
        if not 0 < place <= end <= self.size or left < 0:
            raise ValueError("a column of it lies elsewhere")
        if column.codec not in _CODECS:
            raise ValueError(f"a column of it is packed by codec {column.codec}, which this program has not")
        longest = dictionaries = 0
        while left > 0:
            page = read_header(self.read_at, place)
            place += page.bytes
            room -= page.unpacked
            if min(page.unpacked, page.packed, page.values) < 0 or place + page.packed > end or room < 0:
                raise ValueError("a page of it is larger than its column")
            if page.kind == _DICTIONARY and not dictionaries:
                dictionaries += 1
                if texts:
                    longest = self._longest_of(page, place, column.codec)
            elif page.kind != _DATA or (texts and page.encoding not in _OF_TEXTS):
                raise ValueError("a page of it is of a kind that this program does not write")
            else:
                left -= page.values
            place += page.packed
        if left:
            raise ValueError("a column of it has more values than its footer claims")
        return longest

    def _longest_of(self, page: Header, place: int, codec: int) -> int:
        """Bytes of a dictionary's longest text: before each stand four of its length."""
        longest = page.unpacked - 4 * page.values
        if longest <= _SHORT:
            return max(longest, 0)
        texts = self.read_at(place, page.packed)
        if codec != _PLAIN:
            texts = pa.decompress(texts, page.unpacked, _CODECS[codec], asbytes=True)
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
