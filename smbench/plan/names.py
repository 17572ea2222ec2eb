"""Who must come after whom on one name: look-ups, opens with share modes, and what makes or removes it.

A *mode* is what an access asks of others, as six bits: what it does to the file (read, write, delete),
and what it lets others do (its ShareAccess, [MS-SMB2] 2.2.13). Accesses whose modes get on with each
other commute; others keep their order. EXCLUSIVE gets on with nothing: it makes, removes or renames.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from smbench.plan.knowledge import Access, Requirement, require
from smbench.smb2.constants import (
    DELETE,
    GENERIC_ALL,
    MAXIMUM_ALLOWED,
    READS_DATA,
    SHARE_ALL,
    WRITES_DATA,
)

LOOKUP = 0o07
EXCLUSIVE = 0o100

_DELETES = DELETE | MAXIMUM_ALLOWED | GENERIC_ALL


def open_mode(access: int, share_access: int) -> int:
    """The mode of an open, by its DesiredAccess and ShareAccess."""
    does = bool(access & READS_DATA) | bool(access & WRITES_DATA) << 1 | bool(access & _DELETES) << 2
    return does << 3 | share_access & SHARE_ALL


def conflict(one: int, other: int) -> bool:
    """Whether accesses of these modes keep their order."""
    if EXCLUSIVE in (one, other):
        return True
    return bool(one >> 3 & ~other & 7 or other >> 3 & ~one & 7)


class Name:
    """The accesses to one name that a later one may have to wait for: at most one a lane and mode."""

    __slots__ = ("_by_mode",)

    def __init__(self) -> None:
        self._by_mode: dict[int, dict[int, Access]] = {}

    def access(self, mode: int, access: Access, arrival_ns: int, into: list[Requirement]) -> None:
        """Add to `into` what the access must wait for, and remember it."""
        by_mode = self._by_mode
        lane = access.lane
        first = len(into)
        for other, accesses in by_mode.items():
            if (mode == other == LOOKUP) or not conflict(mode, other):
                continue
            for earlier in accesses.values():
                if earlier.lane != lane:
                    require(earlier, lane, arrival_ns, into)
        access = access.own()
        if mode == EXCLUSIVE:
            access.needs = tuple(into[first:])
            for accesses in by_mode.values():
                if lane in accesses:
                    access.succeed(accesses[lane])
            # Whoever comes later waits for this one, and so for all that it waited for.
            self._by_mode = by_mode = {
                other: left
                for other, accesses in by_mode.items()
                if (
                    left := {
                        at: one for at, one in accesses.items() if one.end_ns > arrival_ns and at != lane
                    }
                )
            }
            by_mode.setdefault(EXCLUSIVE, {})[lane] = access
            return
        same = by_mode.setdefault(mode, {})
        if (previous := same.get(lane)) is not None:
            access.succeed(previous)
        same[lane] = access

    def looks(self) -> Iterable[Access]:
        """The latest look-ups."""
        return self._by_mode.get(LOOKUP, {}).values()


def parent(path: str) -> str:
    """The directory of a path; of the target and of what is in its root, the empty path."""
    return path.rpartition("/")[0]


@lru_cache(maxsize=1 << 16)
def parents(path: str) -> tuple[str, ...]:
    """The directories above a path, and the file that a stream belongs to; not the target itself."""
    parts = path.split("/")
    above = ["/".join(parts[:depth]) for depth in range(1, len(parts))]
    if ":" in parts[-1]:
        above.append(path[: path.rindex(":")])
    return tuple(above)
