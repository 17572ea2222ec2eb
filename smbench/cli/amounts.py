"""Amounts as they are written on the command line, read; what cannot be is said with the option's name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import zip_longest
from typing import TypeVar

from smbench.errors import UsageError
from smbench.pipeline.amounts import check_duration
from smbench.quoting import quoted
from smbench.units import parse_duration_s, parse_size

Value = TypeVar("Value")


def duration_s(option: str, text: str, *, above_s: float = -1.0) -> float:
    """Seconds, above `above_s`. UsageError where the text is no such duration."""
    seconds = _read(option, text, parse_duration_s)
    check_duration(option, seconds, above_s=above_s, said=quoted(text))
    return seconds


def with_default(arguments: Sequence[str], option: str, default: str) -> list[str]:
    """Arguments of a command in which `option` has a value where no duration comes after it."""
    found = []
    for argument, following in zip_longest(arguments, arguments[1:], fillvalue=""):
        found.append(argument)
        if argument == option:
            try:
                parse_duration_s(following)
            except UsageError:
                found.append(default)
    return found


def size(option: str, text: str) -> int:
    """Bytes. UsageError where the text is no size."""
    return _read(option, text, parse_size)


def _read(option: str, text: str, read: Callable[[str], Value]) -> Value:
    try:
        return read(text)
    except UsageError as error:
        raise UsageError(f"{option} {error}") from None
