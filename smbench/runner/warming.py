"""What each user's client should know before the clock starts: the paths that its operations name, and the
notifications that will be asked for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from smbench.plan.model import Plan
from smbench.workload.calls import Notify
from smbench.workload.model import NamespaceEntry
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
        watches = batch.filter(pc.equal(batch.column("kind").cast(pa.string()), Notify.__name__))
        for user, lane, handle in zip(
            *(watches.column(name).to_pylist() for name in ("user", "lane", "handle")), strict=True
        ):
            counts[user][handle] += 1
            lanes[user].add(lane)
    return [Notifications(*each) for each in zip(counts, map(len, lanes), strict=True)] * plan.clones
