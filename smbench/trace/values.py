"""What messages are and hold: values that travel fast, and the elements of a message's lists."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import cache
from operator import attrgetter
from typing import Any


@cache
def _field_names(kind: Any) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))


def field_names(kind: type[Any]) -> tuple[str, ...]:
    """The fields of a message or exchange class, in the order of its constructor."""
    key: Any = kind
    return _field_names(key)


@cache
def _values(kind: Any) -> Callable[[Any], tuple[Any, ...]]:
    names = _field_names(kind)
    # attrgetter gives a tuple from two names on only.
    return (
        attrgetter(*names) if len(names) > 1 else lambda value: tuple(getattr(value, name) for name in names)
    )


class Value:
    """Travels between processes as its class and its values: several times faster than by slots."""

    __slots__ = ()

    def __reduce__(self) -> tuple[type[Any], tuple[Any, ...]]:
        kind: Any = type(self)
        return kind, _values(kind)(self)


@dataclass(frozen=True, slots=True)
class LockElement(Value):
    """[MS-SMB2] 2.2.26.1."""

    offset: int
    length: int
    flags: int


@dataclass(frozen=True, slots=True)
class CopyChunk(Value):
    """[MS-SMB2] 2.2.31.1.1."""

    source_offset: int
    target_offset: int
    length: int


@dataclass(frozen=True, slots=True)
class ByteRange(Value):
    """[MS-FSCC] 2.3.53, FILE_ALLOCATED_RANGE_BUFFER."""

    offset: int
    length: int


@dataclass(frozen=True, slots=True)
class DirectoryEntry(Value):
    """One entry of a listing ([MS-FSCC] 2.4, directory information classes); a part it has not is None."""

    name: str
    attributes: int | None = None
    size: int | None = None
    allocation: int | None = None
    created_ns: int | None = None
    accessed_ns: int | None = None
    written_ns: int | None = None
    changed_ns: int | None = None
