"""The footer of a Parquet file, gone through before the library makes anything of it; what it says there.

A damaged footer can end the process within pyarrow, where that is asked for a column's metadata: what C++
throws there nobody catches. So what this program needs of a column it reads here. All raise ValueError with
what is wrong. The structures (FileMetaData, SchemaElement, RowGroup, ColumnChunk, ColumnMetaData):
<https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift>
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from smbench.compact import BINARY, I32, I64, LIST, STRUCT, Compact

MOST_PARTS = 1 << 16
"""Of a file: a thousand million exchanges have 61,036."""
_LARGEST = 1 << 28
"""Bytes of a footer. The library makes up to 230 times as much of one whose parts say nothing."""
_LEAST_COLUMN = 32
"""Bytes of what a footer says of a column of a part: its name, where it is, how long: 100 and more."""
_TAIL = 8
"""Bytes behind a footer: its length, and four that every file ends with."""
_SCHEMA, _PARTS = 2, 4
_CHILDREN = 5
_COLUMNS = 1
_METADATA, _STATISTICS = 3, 12
_NUMBERS = {4: I32, 5: I64, 6: I64, 7: I64, 9: I64, 11: I64}
"""Of ColumnMetaData, what a `Column` has behind `claimed`, in its order."""
_NULLS, _MOST, _LEAST = 3, 5, 6

ReadAt = Callable[[int, int], bytes]
"""Bytes from a place on; fewer where the file ends."""


class Values(NamedTuple):
    """What the footer claims of a column's values in a part, as far as it does."""

    nulls: int | None = None
    least: bytes | None = None
    most: bytes | None = None
    """The least and the largest, as they are stored."""


@dataclass(frozen=True, slots=True)
class Column:
    """What the footer says of a column of a part, as far as room is made by it."""

    claimed: Values
    codec: int
    values: int
    unpacked: int
    packed: int
    """Bytes of it in the file."""
    data: int
    """Where in the file its first page of data is."""
    dictionary: int
    """Where its dictionary is; 0: none."""


@dataclass(frozen=True, slots=True)
class Footer:
    """Where the footer tells of the columns of each part (how many they are, then each), and its end."""

    parts: array[int]
    end: int

    def columns(self, read_at: ReadAt, part: int) -> Iterator[Column]:
        """Those of a part, in the order of the schema."""
        begin = self.parts[part]
        end = self.parts[part + 1] if part + 1 < len(self.parts) else self.end
        told = Compact(read_at(begin, end - begin))
        for _ in range(told.many()[0]):
            yield _column(told)


def _column(told: Compact) -> Column:
    numbers, values = dict.fromkeys(_NUMBERS, 0), Values()
    for number, kind in _once(told):
        if (number, kind) == (_METADATA, STRUCT):
            for inner, of in _once(told):
                if _NUMBERS.get(inner) == of:
                    numbers[inner] = told.number(of)
                elif (inner, of) == (_STATISTICS, STRUCT):
                    values = _values(told)
                else:
                    told.skip(of)
        else:
            told.skip(kind)
    return Column(values, *numbers.values())


def _values(told: Compact) -> Values:
    nulls = least = most = None
    for number, kind in _once(told):
        if (number, kind) == (_NULLS, I64):
            nulls = told.number(kind)
        elif (number, kind) == (_LEAST, BINARY):
            least = told.octets()
        elif (number, kind) == (_MOST, BINARY):
            most = told.octets()
        else:
            told.skip(kind)
    return Values(nulls, least, most)


def read_footer(read_at: ReadAt, size: int) -> Footer:
    """That of a file of `size` bytes. Every part of the file has the same columns, and says something of
    each; nothing is said twice, of which others might believe another word."""
    tail = read_at(max(size - _TAIL, 0), _TAIL)
    length = int.from_bytes(tail[:4], "little")
    if tail[4:] != b"PAR1":
        raise ValueError("it does not end as a Parquet file does")
    if length > min(size - _TAIL, _LARGEST):
        raise ValueError(f"its footer has {length:,} bytes")
    begin = size - _TAIL - length
    try:
        return _gone_through(Compact(read_at(begin, length)), begin)
    except IndexError:
        raise ValueError("its footer is cut off") from None


def _gone_through(footer: Compact, begin: int) -> Footer:
    leaves, parts = 0, array("Q")
    for number, kind in _once(footer):
        if (number, kind) == (_SCHEMA, LIST):
            leaves = _leaves(footer)
        elif (number, kind) == (_PARTS, LIST):
            parts = array("Q", (begin + place for place in _places(footer, leaves)))
        else:
            footer.skip(kind)
    return Footer(parts, begin + footer.at)


def _once(told: Compact) -> Iterator[tuple[int, int]]:
    """The fields of a structure, each of which may stand there once."""
    seen = set()
    for number, kind in told.fields():
        if number in seen:
            raise ValueError("its footer says one thing twice")
        seen.add(number)
        yield number, kind


def _leaves(footer: Compact) -> int:
    """How many columns the schema has that hold values."""
    size, _ = footer.many()
    leaves = size
    for _ in range(size):
        for number, kind in _once(footer):
            if (number, kind) == (_CHILDREN, I32):
                leaves -= footer.number(kind) > 0
            else:
                footer.skip(kind)
    return leaves


def _places(footer: Compact, leaves: int) -> Iterator[int]:
    """Where the footer tells of the columns of each part."""
    parts, _ = footer.many()
    if parts > MOST_PARTS:
        raise ValueError(f"it claims {parts:,} parts")
    for part in range(parts):
        place = 0
        for number, kind in _once(footer):
            if (number, kind) == (_COLUMNS, LIST):
                place = footer.at
                _refuse_columns(footer, leaves)
            else:
                footer.skip(kind)
        if not place:
            raise ValueError(f"its footer tells nothing of part {part + 1:,}")
        yield place


def _refuse_columns(footer: Compact, leaves: int) -> None:
    columns, inner = footer.many()
    if columns != leaves or inner != STRUCT:
        raise ValueError(f"a part of it has {columns:,} columns, and the file {leaves:,}")
    begin = footer.at
    footer.skip_all(columns, inner)
    if footer.at - begin < _LEAST_COLUMN * columns:
        raise ValueError(f"a part of it says nothing of its {columns:,} columns")
