"""What a run has to keep to: thresholds, and the baseline that some of them are multiples of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from smbench.errors import UsageError
from smbench.executors.base import Executor
from smbench.measure.baseline import figures_of, read_baseline
from smbench.measure.judging import Extent, against, judge_thresholds, refuse_unmeasurable
from smbench.measure.likeness import Circumstances, differences
from smbench.measure.thresholds import (
    Threshold,
    capacity_limit,
    mismatch_limit,
    parse_thresholds,
)
from smbench.pipeline.origin import told_before
from smbench.pipeline.progress import Progress
from smbench.pipeline.request import Request
from smbench.run.measures import ALL, MEASURES
from smbench.run.model import Run
from smbench.run.store import read
from smbench.runner.outcomes import answered
from smbench.workload.model import Workload
from smbench.workload.store import StoredOperations


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of a run, by the option that asked for each."""

    thresholds: Sequence[Threshold] = ()
    capacity: Threshold | None = None
    mismatches: Threshold | None = None
    baseline: Path | None = None
    before: Run | None = None
    """The baseline."""

    def unlike(self, request: Request, workload: Workload) -> list[str]:
        """What the baseline differs in from the run that is to be: a sentence."""
        if self.before is None:
            return []
        now = told_before(request, workload, clones_known=self.capacity is None)
        found = differences(Circumstances.of(self.before), now)
        return [f"the baseline {self.baseline} is of another run: {'; '.join(found)}"] if found else []

    def refuse_unmeasurable(self, workload: Workload, executor: type[Executor]) -> None:
        """UsageError where a run by that executor measures nothing to judge one of them by."""
        asked = [(one, "--threshold") for one in self.thresholds]
        asked += [
            (one, option)
            for one, option in ((self.capacity, "--find-capacity"), (self.mismatches, "--max-mismatch"))
            if one is not None
        ]
        if asked:
            extent = _extent(workload, executor)
            for threshold, option in asked:
                refuse_unmeasurable(threshold, extent, option)

    def too_many_mismatches(self, run: Run, progress: Progress) -> bool:
        """Whether a run has more than `--max-mismatch` allows, or nothing to know it from."""
        if self.mismatches is None:
            return False
        (judged,) = judge_thresholds([self.mismatches], figures_of(run))
        if judged.reason:
            progress.warn(f"--max-mismatch cannot be judged: {judged.reason}")
        return not judged.met


def read_limits(
    request: Request, progress: Progress, capacity: str | None = None, max_mismatch: str | None = None
) -> Limits:
    """The limits as they are written, multiples of a baseline as what that had. UsageError where one cannot
    be read or has not been measured, or two exclude each other."""
    limits = Limits(
        parse_thresholds(request.thresholds),
        None if capacity is None else capacity_limit(capacity),
        None if max_mismatch is None else mismatch_limit(max_mismatch),
    )
    if limits.capacity is not None and (limits.thresholds or limits.mismatches is not None):
        raise UsageError("--find-capacity judges by its own threshold: leave --threshold and --max-mismatch")
    return _against(limits, request.baseline, progress)


def _against(limits: Limits, baseline: Path | None, progress: Progress) -> Limits:
    """With what the baseline had in the place of multiples of it."""
    relative = [one for one in (*limits.thresholds, limits.capacity) if one is not None and one.relative]
    figures, name, before = None, str(baseline), None
    if baseline is not None:
        if not relative:
            raise UsageError("--baseline is for multiples of it: add a --threshold 'all.response.p99<1.1x'")
        before = read(baseline)
        if not before.valid:
            progress.warn(f"the baseline {name} is not valid: {'; '.join(before.reasons)}")
        if before.stopped:
            progress.warn(f"the baseline {name} was stopped before its end ({before.stopped})")
        figures = read_baseline(before)
    return replace(
        limits,
        thresholds=[against(one, figures, name) for one in limits.thresholds],
        capacity=None if limits.capacity is None else against(limits.capacity, figures, name),
        baseline=baseline,
        before=before,
    )


def _extent(workload: Workload, executor: type[Executor]) -> Extent:
    """The most that a run can measure: every call that the executor carries out."""
    operations = workload.operations
    assert isinstance(operations, StoredOperations)
    skipped = {kind.__name__: reason for kind, reason in executor.unsupported.items()}
    found: Counter[str] = Counter()
    planned = compared = 0
    for batch in operations.batches(["kind", "expected"]):
        planned += batch.num_rows
        words = batch.column("kind").dictionary.to_pylist()
        kinds = batch.column("kind").indices.to_numpy()
        carried_out = ~np.isin(kinds, [at for at, word in enumerate(words) if word in skipped])
        compared += int((carried_out & answered(batch.column("expected").to_numpy())).sum())
        counts = np.bincount(kinds[carried_out], minlength=len(words)).tolist()
        found.update(dict(zip(words, counts, strict=True)))
    executed = found[ALL] = found.total()
    return Extent(
        times={f"{kind}.{measure}": count for kind, count in found.items() for measure in MEASURES},
        planned=planned,
        executed=executed,
        compared=compared,
        measured=executed,
        executor=executor.name,
        compares=executor.compares,
        skipped=skipped,
    )
