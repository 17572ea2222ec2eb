"""From an exchange on the wire to the call in whose time it was sent, by a run's own records."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from smbench.fidelity.sides import CallFound
from smbench.run.columns import open_operations

_LOOKED_BACK = 256
"""Calls of one user that may be under way at once: as many as it has lanes, and then some."""


class RunCalls:
    """The calls of a run by user and time. `user_of` leads from users on the wire to the run's."""

    def __init__(self, operations: Path, start_epoch_ns: int, user_of: Mapping[int, int]) -> None:
        columns = ["operation", "user", "kind", "path", "issued_ns", "completed_ns"]
        with open_operations(operations) as file:
            table = file.table(columns)
        table = table.filter(table.column("completed_ns").is_valid())
        self._kinds = table.column("kind").to_pylist()
        self._paths = table.column("path").to_pylist()
        self._numbers = table.column("operation").to_pylist()
        issued = table.column("issued_ns").to_numpy() + start_epoch_ns
        completed = table.column("completed_ns").to_numpy() + start_epoch_ns
        user = table.column("user").to_numpy()
        self._by_user: dict[int, tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]] = {}
        for wire, runs in user_of.items():
            rows = np.flatnonzero(user == runs)
            rows = rows[np.argsort(issued[rows], kind="stable")]
            self._by_user[wire] = rows, issued[rows], completed[rows]

    def __call__(self, user: int, path: str, at_ns: int) -> CallFound | None:
        """The call that was under way then, best one on the same path (relative to the target); else the one
        before it. None where the user made no call."""
        if user not in self._by_user:
            return None
        rows, issued, completed = self._by_user[user]
        last = int(np.searchsorted(issued, at_ns, "right")) - 1
        if last < 0:
            return None
        near = range(last, max(-1, last - _LOOKED_BACK), -1)
        running = [at for at in near if completed[at] >= at_ns]
        wanted = path.casefold()
        same = [at for at in running if self._paths[int(rows[at])].casefold() == wanted]
        row = int(rows[(same or running or [last])[0]])
        return CallFound(self._kinds[row], self._paths[row], self._numbers[row], bool(running))
