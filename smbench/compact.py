"""Thrift's compact protocol, read as far as what Parquet says of itself needs it: nothing is made of it.

<https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md>
"""

from __future__ import annotations

from collections.abc import Iterator

I32, I64, BINARY, LIST, STRUCT = 5, 6, 8, 9, 12
"""Types of fields."""
_TRUE, _FALSE, _BYTE, _I16, _DOUBLE, _SET = 1, 2, 3, 4, 7, 10
_BITS = {_I16: 16, I32: 32, I64: 64}
_DEEPEST = 16
"""Parquet's own structures are no more than 7 deep."""
_LONGEST_NUMBER = 10


class Compact:
    """Bytes, and the place in them that is read next. IndexError where they end too early, ValueError where
    they are none of the protocol."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.at = 0

    def fields(self) -> Iterator[tuple[int, int]]:
        """The number and type of each field of a structure; whoever asks reads its value, or skips it."""
        number = 0
        while head := self._byte():
            step = head >> 4
            number = number + step if step else self.number(_I16)
            yield number, head & 15

    def number(self, kind: int) -> int:
        """A signed number of a type. ValueError for one of more bits, of which others read the last alone."""
        found = self._unsigned()
        if found >> _BITS[kind]:
            raise ValueError("it has a number that is too long")
        return (found >> 1) ^ -(found & 1)

    def octets(self) -> bytes:
        """What a field of bytes holds."""
        size = self._unsigned()
        self._forward(size)
        return self.content[self.at - size : self.at]

    def many(self) -> tuple[int, int]:
        """How many values a list has, and their type."""
        head = self._byte()
        size = head >> 4
        return (self._unsigned() if size == 15 else size), head & 15

    def skip(self, kind: int, deep: int = 0) -> None:
        """Go behind a field's value."""
        if kind in (_TRUE, _FALSE):  # the type says it
            return
        if kind in _BITS:
            self._unsigned()
        elif kind == STRUCT:
            if deep == _DEEPEST:
                raise ValueError("it is nested too deep")
            for _, inner in self.fields():
                self.skip(inner, deep + 1)
        elif kind in (LIST, _SET):
            size, inner = self.many()
            self.skip_all(size, inner, deep + 1)
        else:
            self._forward({_BYTE: 1, _DOUBLE: 8}.get(kind) or self._length(kind))

    def skip_all(self, size: int, kind: int, deep: int = 1) -> None:
        """Go behind a list's values."""
        if deep > _DEEPEST:
            raise ValueError("it is nested too deep")
        for _ in range(size):
            if kind in (_TRUE, _FALSE):
                self._byte()
            else:
                self.skip(kind, deep)

    def _length(self, kind: int) -> int:
        if kind != BINARY:
            raise ValueError(f"it has a field of type {kind}, which Parquet has not")
        return self._unsigned()

    def _unsigned(self) -> int:
        found = 0
        for place in range(_LONGEST_NUMBER):
            byte = self._byte()
            found |= (byte & 127) << 7 * place
            if byte < 128:
                return found
        raise ValueError("it has a number that is too long")

    def _byte(self) -> int:
        byte = self.content[self.at]
        self.at += 1
        return byte

    def _forward(self, size: int) -> None:
        if size > len(self.content) - self.at:
            raise IndexError
        self.at += size
