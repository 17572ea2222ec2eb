"""FILETIME, the wire's time ([MS-DTYP] 2.3.3): ticks of 100 ns since 1601.

Everywhere else a time is in nanoseconds since 1970 (`…_ns`).
"""

from __future__ import annotations

from typing import Final

TICK_NS: Final = 100
EPOCH_TICKS: Final = 116_444_736_000_000_000
"""1970 as a FILETIME."""
EARLIEST_NS: Final = -EPOCH_TICKS * TICK_NS
"""1601-01-01, the zero of the wire's times."""
_LIMIT_NS: Final = 1 << 63
_LIMIT_TICKS: Final = 1 << 63
# What 64 bits of nanoseconds can hold: from 1677 to 2262.
_FIRST_TICKS: Final = EPOCH_TICKS - _LIMIT_NS // TICK_NS
_LAST_TICKS: Final = EPOCH_TICKS + _LIMIT_NS // TICK_NS


def filetime(time_ns: int | None) -> int:
    """A time in nanoseconds since 1970 as FILETIME.

    0, which leaves a time as it is ([MS-FSCC] 2.4.7), for None and for a time that FILETIME has not.
    """
    ticks = 0 if time_ns is None else time_ns // TICK_NS + EPOCH_TICKS
    return ticks if 0 < ticks < _LIMIT_TICKS else 0


def filetime_ns(ticks: int) -> int | None:
    """A FILETIME of the wire as nanoseconds since 1970.

    None for 0, for -1 and -2 ("do not change"), and for what 64 bits of nanoseconds do not hold.
    """
    return since_1970_ns(ticks) if _FIRST_TICKS < ticks < _LAST_TICKS else None


def since_1970_ns(ticks: int) -> int:
    """The same of any number of ticks: of 0 it is 1601."""
    return (ticks - EPOCH_TICKS) * TICK_NS
