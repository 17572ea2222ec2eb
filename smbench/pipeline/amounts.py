"""What makes no sense as an amount is refused in a sentence that names the option."""

from __future__ import annotations

import psutil

from smbench.errors import UsageError
from smbench.units import format_size

SLOWEST, FASTEST = 0.0001, 1_000_000.0
_LONGEST_S = 366 * 86400.0
_OPERATION_BYTES = 150
_USER_BYTES = 1_000
_WORKER_BYTES = 2 << 20
"""What an operation of a plan, a user and a worker process take at least, in the parent and in themselves."""


def check_duration(option: str, seconds: float, *, above_s: float = -1.0, said: str | None = None) -> None:
    """UsageError where a duration is not above `above_s`, or longer than a year; `said` is how it was
    written."""
    if not above_s < seconds <= _LONGEST_S:
        least = "" if above_s < 0 else f"more than {above_s:g} s and "
        shown = f"{seconds:g}" if said is None else said
        raise UsageError(f"{option} {shown} makes no sense: give {least}at most a year")


def check_speed(value: float) -> None:
    """UsageError where a factor leaves no times which can be told from each other; for NaN too."""
    if not SLOWEST <= value <= FASTEST:
        raise UsageError(
            f"--speed {value:g} makes no sense: it divides the captured times; give {SLOWEST:g} to "
            f"{FASTEST:,.0f}, or take --pace fast"
        )


def check_number(option: str, value: int, least: int = 1) -> None:
    """UsageError where a number is less than that."""
    if value < least:
        raise UsageError(f"{option} {value} makes no sense: give at least {least}")


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
