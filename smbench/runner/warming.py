"""What each user's client should know before the clock starts: the paths that its operations name."""

from __future__ import annotations

from collections.abc import Iterable

import pyarrow as pa

from smbench.plan.model import Plan
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
