"""Modes of accesses to a file: what each does to others' leases, and which of them keep their order."""

from __future__ import annotations

from functools import lru_cache

from smbench.smb2.leases import ALL, READ, WRITE

OPENS, CHANGES, CLOSES, LOOKS = range(4)
_BREAKS, _LEASE, _WANTS = 2, 5, 8
"""Where a mode's bits begin: what of others' leases it takes back, what lease it has, whether it asked for
one to write."""


def mode_of(kind: int, *, breaks: int = 0, lease: int = 0, wants_write: bool = False) -> int:
    """An access to a file as its leases go."""
    return kind | breaks << _BREAKS | lease << _LEASE | wants_write << _WANTS


@lru_cache(maxsize=1 << 12)
def tied(one: int, other: int) -> bool:
    """Whether accesses of two users, of these modes, keep their order."""
    if one & 3 > other & 3:
        one, other = other, one
    breaks, lease = one >> _BREAKS & ALL, one >> _LEASE & ALL
    others = other >> _LEASE & ALL
    match one & 3, other & 3:
        case (0, 0):
            return bool(breaks & others or other >> _BREAKS & ALL & lease or (one | other) >> _WANTS)
        case (0, 1):
            # Who asked to write, and may not even read from a cache, was refused that for a lock's sake.
            return bool(lease & READ or one >> _WANTS or breaks & WRITE & others)
        case (0, 2):
            return bool(breaks & others or one >> _WANTS)
        case (0, 3):
            return bool(breaks & others)
        case (1, 2 | 3):
            return bool(others & READ)
        case _:
            return False


LOOK = mode_of(OPENS)
"""An open that is closed at once."""


def alone(first: int, second: int) -> bool:
    """Whether two opens did not overlap at the server, since one was alone there: it got the write lease, and
    the one that came first is that, or was a look."""
    return bool(first & ~second & WRITE << _LEASE or (first == LOOK and second & WRITE << _LEASE))
