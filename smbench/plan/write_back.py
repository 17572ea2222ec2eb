"""Who waits for what another user's client had to write back: the one order that runs against arrival.

An open that breaks a write lease (or an exclusive or batch oplock) is answered when the holder's client has
written back what it cached and acknowledged the break ([MS-SMB2] 3.2.5.19, 3.3.4.7). So a write on a handle
that may cache, asked for and answered while another user's open of that file was under way, was done before
that open. A replay in which nothing is cached acknowledges at once: without this order the write could
come after the open was granted a lease of its own, and break that one too.

It cannot deadlock: like every other edge it runs from what was answered earlier to what was answered later.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from smbench.plan.knowledge import Access, Edges
from smbench.smb2.constants import LEASE_WRITE_CACHING, OPLOCK_LEVEL_BATCH, OPLOCK_LEVEL_EXCLUSIVE
from smbench.workload.lanes import FOREVER_NS

_CACHING_OPLOCKS = (OPLOCK_LEVEL_EXCLUSIVE, OPLOCK_LEVEL_BATCH)


def caches_writes(oplock: int | None, lease_state: int | None) -> bool:
    """Whether an open asked for a lease or oplock (exclusive, batch) by which its client may cache writes."""
    return bool((lease_state or 0) & LEASE_WRITE_CACHING) or oplock in _CACHING_OPLOCKS


@dataclass(slots=True)
class _UnderWay:
    """An operation that may have broken leases, and is not answered yet."""

    path: str
    access: Access
    edges: dict[int, int] = field(default_factory=dict)
    """By lane: the edge by which it waits for it."""


class WriteBack:
    """Told of opens and writes in order of arrival, it adds the edges. Memory: what is under way at once."""

    def __init__(self, edges: Edges, lane_user: Sequence[int]) -> None:
        self._edges = edges
        self._user = lane_user
        self._under_way: list[_UnderWay] = []

    def asked(self, path: str, access: Access, arrival_ns: int) -> None:
        """An open or a removal, which succeeded, has arrived."""
        self._under_way = [one for one in self._under_way if one.access.end_ns > arrival_ns]
        if access.end_ns < FOREVER_NS:
            self._under_way.append(_UnderWay(path.lower(), access))

    def written(self, path: str, access: Access) -> None:
        """A write on a handle that may cache has arrived."""
        for one in self._under_way:
            waiting = one.access
            if (
                access.end_ns < waiting.end_ns
                and self._user[access.lane] != self._user[waiting.lane]
                and one.path == path.lower()
            ):
                one.edges[access.lane] = self._edges.add_late(
                    waiting.lane, waiting.position, one.edges.get(access.lane), access
                )
