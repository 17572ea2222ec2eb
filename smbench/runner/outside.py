"""What was done for somebody outside the capture, and how it ended: counted apart from all else."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from smbench.plan.model import Plan
from smbench.run.outside import Outside, OutsideCall
from smbench.runner.call_file import KINDS
from smbench.runner.expectations import Expectations
from smbench.runner.timing import Timing
from smbench.smb2.ntstatus import outcome_name

_KEPT = 10


@dataclass(slots=True)
class OutsideTally:
    """Counts calls as they are met in the log."""

    plan: Plan
    planned: int = 0
    executed: int = 0
    failed: int = 0
    first: list[OutsideCall] = field(default_factory=list)
    failures: list[OutsideCall] = field(default_factory=list)

    def apart(
        self, batch: pa.RecordBatch, places: NDArray[np.int64], timing: Timing, expectations: Expectations
    ) -> tuple[pa.RecordBatch, NDArray[np.int64]]:
        """Takes the rows of a batch that were done outside, in all copies; returns the others. `places` are
        those of the first copy."""
        outside = self.plan.of_outside(places)
        if not outside.any():
            return batch, places
        each = self.plan.operations // self.plan.copies
        paths = batch.column("path").filter(pa.array(outside)).to_pylist()
        for copy in range(self.plan.copies):
            there = places[outside] + copy * each
            kinds = expectations.kinds(there).tolist()
            for place, kind, path in zip(there.tolist(), kinds, paths, strict=True):
                executed, outcome = bool(timing.executed[place]), int(timing.outcome[place])
                got = outcome_name(outcome) if executed else None
                call = OutsideCall(kind=KINDS[kind].__name__, path=path, got=got)
                self._add(call, executed and outcome < 0)
        return batch.filter(pa.array(~outside)), places[~outside]

    def _add(self, call: OutsideCall, failed: bool) -> None:
        self.planned += 1
        self.executed += call.got is not None
        self.failed += failed
        for kept, wanted in ((self.first, True), (self.failures, failed)):
            if wanted and len(kept) < _KEPT:
                kept.append(call)

    def told(self) -> Outside | None:
        """What a run says of it; None where its plan has nothing of the kind. The changes are the workload's,
        and its caller's to add."""
        plan = self.plan
        if plan.outside is None:
            return None
        first = plan.users[plan.outside]
        return Outside(
            changes={},
            replayed=True,
            user=first.removesuffix("@1") if plan.clones > 1 else first,
            planned=self.planned,
            executed=self.executed,
            failed=self.failed,
            first=tuple(self.first),
            failures=tuple(self.failures),
        )

    def warnings(self) -> list[str]:
        """What is to be known of failures: what was expected of later calls may follow from them."""
        if not self.failed:
            return []
        one = self.failures[0]
        return [
            f"{self.failed:,} of {self.planned:,} calls that stand for changes from outside the capture "
            f"failed, {one.kind} {one.path or '/'} with {one.got}: what the capture saw afterwards may be "
            "missing here, and mismatches on such paths follow from that"
        ]
