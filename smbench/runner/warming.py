"""What each user's client should know before the clock starts: the paths that its operations name, the
notifications that will be asked for, and the breaks that a close will answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

import pyarrow as pa

from smbench.executors.base import KeptBreak
from smbench.plan.breaks import Told
from smbench.plan.columns import of_kind
from smbench.plan.model import Plan
from smbench.workload.calls import Close, Notify
from smbench.workload.model import Break, NamespaceEntry
from smbench.workload.store import StoredOperations

MOST_PATHS = 100_000
"""Of one user: what a client's own caches would let go again is not worth the wait."""


def paths_by_user(
    operations: StoredOperations, namespace: Iterable[NamespaceEntry], plan: Plan
) -> list[list[str]]:
    """The paths of each user's operations that are there before the run, folders first; clones share them."""
    users = len(plan.users) // plan.clones
    present = {entry.path for entry in namespace if entry.present}
    found: list[set[str]] = [set() for _ in range(users)]
    for batch in operations.batches(["user", "path"]):
        seen = pa.Table.from_batches([batch]).group_by(["user", "path"], use_threads=False).aggregate([])
        for user, path in zip(seen.column("user").to_pylist(), seen.column("path").to_pylist(), strict=True):
            # What is made during the run is made in a folder that is there.
            for known in (path, path.rpartition("/")[0]):
                if known in present and len(found[user]) < MOST_PATHS:
                    found[user].add(known)
    return [sorted(paths, key=lambda path: (path.count("/"), path)) for paths in found] * plan.clones


_LATE_NS = 250_000_000
"""So much later than in the capture a close may answer its break."""


class Notifications(NamedTuple):
    """What one user will ask for."""

    counts: Counter[int]
    """By handle."""
    most: int
    """As many as may wait at once."""


def notifications_by_user(operations: StoredOperations, plan: Plan) -> list[Notifications]:
    """Of each user of the plan; clones share them."""
    users = len(plan.users) // plan.clones
    counts: list[Counter[int]] = [Counter() for _ in range(users)]
    lanes: list[set[int]] = [set() for _ in range(users)]
    for batch in operations.batches(["user", "lane", "kind", "handle"]):
        watches = of_kind(batch, Notify)
        for user, lane, handle in zip(
            *(watches.column(name).to_pylist() for name in ("user", "lane", "handle")), strict=True
        ):
            counts[user][handle] += 1
            lanes[user].add(lane)
    return [Notifications(*each) for each in zip(counts, map(len, lanes), strict=True)] * plan.clones


def kept_breaks_by_user(
    operations: StoredOperations, breaks: Iterable[Break], plan: Plan
) -> list[dict[int, KeptBreak]]:
    """Of each user of the plan, by handle, the breaks that their closes answered; clones share them."""
    told = Told(breaks, {})
    kept: list[dict[int, KeptBreak]] = [{} for _ in range(len(plan.users) // plan.clones)]
    columns = ("user", "handle", "arrival_ns")
    for batch in operations.batches([*columns, "kind"]) if told else ():
        closes = of_kind(batch, Close)
        for user, handle, arrival_ns in zip(
            *(closes.column(name).to_pylist() for name in columns), strict=True
        ):
            if (found := told.answered_by_close(handle, arrival_ns)) is not None:
                before, one = found
                within_ns = int((arrival_ns - one.notified_ns) / plan.speed) + _LATE_NS
                kept[user][handle] = KeptBreak(before, within_ns)
    return kept * plan.clones
