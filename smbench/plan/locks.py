"""Who is granted a range before whom, where both asked for it at the same time.

A lock that waits is granted when another's is given up, and of several that wait the server chooses one
([MS-SMB2] 3.3.5.14.2 promises no order). In a replay it may choose another than in the
capture: that one then waits for calls that come, in the captured order, after the lock that was not chosen,
and nobody goes on. So a lock is not asked for before those that were granted earlier are.

It cannot deadlock: like every other edge it runs from what was answered earlier to what was answered later.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from smbench.plan.knowledge import Access, Edges, Requirement, require_always
from smbench.workload.lanes import FOREVER_NS


@dataclass(slots=True)
class _Asked:
    """A lock that is not granted yet."""

    low: int
    high: int
    exclusive: bool
    access: Access
    late: dict[int, int] = field(default_factory=dict)
    """As `Edges.add_late` has them."""


class Locks:
    """Told of locks that were granted, in order of arrival, it adds the edges. Memory: what is under way at
    once."""

    def __init__(self, edges: Edges) -> None:
        self._edges = edges
        self._under_way: dict[str, list[_Asked]] = {}
        """By path."""

    def asked(
        self, path: str, low: int, high: int, access: Access, arrival_ns: int, into: list[Requirement],
        *, exclusive: bool,
    ) -> None:  # fmt: skip
        """A lock of [low, high) has arrived."""
        if access.end_ns >= FOREVER_NS:
            return
        path = path.lower()
        under_way = [one for one in self._under_way.get(path, ()) if one.access.end_ns > arrival_ns]
        for one in under_way:
            both = one.low < high and low < one.high and (one.exclusive or exclusive)
            if not both or one.access.lane == access.lane:
                continue
            if one.access.end_ns <= access.end_ns:
                require_always(one.access, access.lane, into)
            else:
                self._edges.add_late(one.access, one.late, access)
        under_way.append(_Asked(low, high, exclusive, access.own()))
        self._under_way[path] = under_way
