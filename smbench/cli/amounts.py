"""Amounts on the command line: what makes no sense is refused in a sentence that names the option."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import zip_longest
from typing import TypeVar

import psutil

from smbench.errors import UsageError
from smbench.quoting import quoted
from smbench.units import format_size, parse_duration_s, parse_size

SLOWEST, FASTEST = 0.0001, 1_000_000.0
_LONGEST_S = 366 * 86400.0
_OPERATION_BYTES = 150
_USER_BYTES = 1_000
_WORKER_BYTES = 2 << 20
"""What an operation of a plan, a user and a worker process take at least, in the parent and in themselves."""

Value = TypeVar("Value")


def duration_s(option: str, text: str, *, above_s: float = -1.0) -> float:
    """Seconds, above `above_s`. UsageError where the text is no such duration."""
    seconds = _read(option, text, parse_duration_s)
    if not above_s < seconds <= _LONGEST_S:
        least = "" if above_s < 0 else f"more than {above_s:g} s and "
        raise UsageError(f"{option} {quoted(text)} makes no sense: give {least}at most a year")
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


def speed(value: float) -> float:
    """A factor that leaves times which can be told from each other. UsageError for all else, NaN too."""
    if not SLOWEST <= value <= FASTEST:
        raise UsageError(
            f"--speed {value:g} makes no sense: it divides the captured times; give {SLOWEST:g} to "
            f"{FASTEST:,.0f}, or take --pace fast"
        )
    return value


def refuse_too_much(operations: int, users: int, users_per_process: int, clones: int) -> None:
    """UsageError where so many clones of a workload find no room in this machine's memory."""
    processes = -(-users * clones // users_per_process)
    needed = clones * (operations * _OPERATION_BYTES + users * _USER_BYTES) + processes * _WORKER_BYTES
    free = psutil.virtual_memory().available
    if needed > free:
        raise UsageError(
            f"{clones * users:,} users in {processes:,} processes with {clones * operations:,} operations "
            f"need at least {format_size(needed)} of memory, and {format_size(free)} is free: take fewer "
            "clones, or more users in a process (--users-per-process)"
        )


def _read(option: str, text: str, read: Callable[[str], Value]) -> Value:
    try:
        return read(text)
    except UsageError as error:
        raise UsageError(f"{option} {error}") from None
