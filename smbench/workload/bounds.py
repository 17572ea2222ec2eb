"""What the rows of a workload's files may say of each other: users, lanes and exchanges that there are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from smbench.workload.columns import REQUIRED


@dataclass(frozen=True, slots=True)
class Bounds:
    """What the rows of a workload's files may refer to."""

    lanes: tuple[int, ...]
    """Of each user."""
    rows: int
    """Of operations.parquet."""
    exchanges: int | None
    """Of the whole trace; None where they were not kept."""
    end_ns: int
    """When the trace ended."""

    def fault_of(self, batch: pa.RecordBatch) -> str | None:
        """What is wrong with operations; None: nothing."""
        names = batch.schema.names
        if "user" in names:
            everyone = batch.column("user").to_numpy()
            captured = everyone >= 0
            users = everyone[captured]
            if users.max(initial=-1) >= len(self.lanes):
                return f"it has a user {users.max()}, and the workload {len(self.lanes)} users"
            if (
                "lane" in names
                and (batch.column("lane").to_numpy()[captured] >= np.array(self.lanes)[users]).any()
            ):
                return "it has more lanes of a user than the workload"
        if "arrival_ns" in names and batch.column("arrival_ns").to_numpy().max(initial=0) > self.end_ns:
            return "it has operations that arrive after the trace's end"
        if "exchanges" in names and (wrong := self._fault_of_exchanges(batch.column("exchanges").flatten())):
            return wrong
        return _fault_of_parameters(batch) if "kind" in names else None

    def _fault_of_exchanges(self, numbers: pa.Array) -> str | None:
        if not len(numbers):
            return None
        found = pc.min_max(numbers)
        beyond = self.exchanges is not None and found["max"].as_py() >= self.exchanges
        return "it has exchanges that the trace has not" if found["min"].as_py() < 0 or beyond else None


def _fault_of_parameters(batch: pa.RecordBatch) -> str | None:
    """What is wrong with the parameters of calls: a null where the call cannot do without."""
    kind = batch.column("kind")
    words, indices = kind.dictionary.to_pylist(), kind.indices.to_numpy()
    for name in batch.schema.names:
        column = batch.column(name)
        if name in REQUIRED and column.null_count:
            needs = np.array([word in REQUIRED[name] for word in words], bool)
            if needs.any() and (needs[indices] & column.is_null().to_numpy(zero_copy_only=False)).any():
                return f"its column {name} has nulls where a call needs a value"
    return None
