"""The run directory: what happened, as the open formats that docs/formats.md promises.

The workload's operations are read a second time, batch by batch, and each gets its times and outcome
from the log; the histograms follow from the whole log.
"""

from __future__ import annotations

import errno
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from smbench.arrays import blocks, long_array
from smbench.executors.base import Executor
from smbench.plan.model import Plan
from smbench.run.columns import OPERATIONS_SCHEMA
from smbench.run.histogram import Histogram
from smbench.run.hlog import IntervalLog, Part
from smbench.run.model import FAILED, MEASURES, OF_ALL
from smbench.run.warm_up import after_warm_up
from smbench.runner.call_file import KINDS, used_columns
from smbench.runner.expectations import Expectations, calls_in, places_of_rows
from smbench.runner.losses import Losses
from smbench.runner.outcomes import (
    Matcher,
    answered,
    expected_name,
    expected_names,
    outcome_names,
)
from smbench.runner.refused import fails
from smbench.runner.timing import Timing
from smbench.smb2.ntstatus import outcome_name
from smbench.tables import table_writer
from smbench.workload.calls import CopyRange, Read, Write
from smbench.workload.store import StoredOperations

MISMATCHES_KEPT = 1000

_ENCODING: dict[str, Any] = {
    "use_dictionary": ["kind", "path", "expected", "outcome", "clone", "loop"],
    # Numbers that ascend: smaller by a third than plain ones, and written faster.
    "column_encoding": dict.fromkeys(
        ("operation", "intended_ns", "issued_ns", "completed_ns"), "DELTA_BINARY_PACKED"
    ),
}
_MOVES_BYTES = np.array([kind in (Read, Write, CopyRange) for kind in KINDS])
_KIND_NAMES = pa.array([kind.__name__ for kind in KINDS])


@dataclass(slots=True)
class Tally:
    """What the operations came to."""

    planned: int = 0
    executed: int = 0
    matched: int = 0
    mismatched: int = 0
    """Both of the compared."""
    errors: int = 0
    """Of the mismatched: failed here, and did not in the capture."""
    skipped: int = 0
    compared: int = 0
    """Of the executed: those that the capture has an answer for."""
    measured: int = 0
    """Of the executed: those after the warm-up."""
    succeeded: int = 0
    """Of the measured: without those that failed and whose failure the capture does not have."""
    mismatches: list[dict[str, Any]] = field(default_factory=list)
    causes: Counter[tuple[str, str | None, str]] = field(default_factory=Counter)
    """All mismatches by kind, expectation and outcome."""
    warm_causes: Counter[tuple[str, str | None, str]] = field(default_factory=Counter)
    """Of those the ones in the warm-up."""
    read_bytes: int = 0
    written_bytes: int = 0
    """Of the measured ones."""
    out_of_descriptors: Counter[int] = field(default_factory=Counter)
    """Operations that failed because a process' (EMFILE) or the system's (ENFILE) were all used."""


class OperationsResult:
    """Joins the workload's rows with the log, and counts."""

    def __init__(
        self, operations: StoredOperations, plan: Plan, executor: type[Executor], warm_up_ns: int = 0
    ) -> None:
        self._operations = operations
        self._warm_up_ns = warm_up_ns
        self._plan = plan
        self._executor = executor
        self._place_of_row = places_of_rows(plan)
        self._expectations = Expectations(operations, plan, executor.compares)
        self._unsupported = np.array([kind in executor.unsupported for kind in KINDS])
        self._losses = Losses(executor)
        self.histograms: dict[str, Histogram] = {}
        """By tag, once `write_latency` has made them; `all.…` are those of all kinds."""
        self.tally = Tally(planned=plan.operations)

    def measured(self, timing: Timing, places: NDArray[np.int64] | slice) -> NDArray[np.bool_]:
        """Which of the places were executed, and intended after the warm-up."""
        after = after_warm_up(timing.intended_ns[places], self._warm_up_ns)
        return np.asarray(timing.executed[places] & after)

    def skipped_places(self) -> NDArray[np.bool_]:
        """Which places of the plan hold a call that the executor does not carry out."""
        skipped = long_array(self._plan.operations, np.bool_)
        for block in blocks(len(skipped)):
            skipped[block] = self._unsupported[self._expectations.kinds(block)]
        return skipped

    def skipped(self) -> list[dict[str, Any]]:
        """Calls that were skipped, by kind, with the executor's reason."""
        count = np.zeros(len(KINDS), np.int64)
        for block in blocks(self._plan.operations):
            count += np.bincount(self._expectations.kinds(block), minlength=len(KINDS))
        return [
            {
                "kind": KINDS[at].__name__,
                "reason": self._executor.unsupported[KINDS[at]],
                "count": int(count[at]),
            }
            for at in np.flatnonzero(count * self._unsupported)
        ]

    def losses(self) -> list[dict[str, Any]]:
        """What of the executed calls' parameters the executor could not keep, the most frequent first."""
        return [
            {"kind": kind, "reason": reason, "count": count}
            for (kind, reason), count in self._losses.counts.most_common()
        ]

    def write(self, path: Path, timing: Timing) -> None:
        """Write operations.parquet, and count on the way."""
        names = _wanted(self._operations)
        matcher = Matcher()
        first = 0
        with table_writer(path, OPERATIONS_SCHEMA, **_ENCODING) as writer:
            for batch in self._operations.batches(names):
                places = self._place_of_row[first : first + batch.num_rows]
                first += batch.num_rows
                for copy in range(self._plan.copies):
                    there = places + copy * len(self._place_of_row)
                    writer.write_batch(self._join(batch, copy, there, timing, matcher))

    def _join(
        self, batch: pa.RecordBatch, copy: int, places: NDArray[np.int64], timing: Timing, matcher: Matcher
    ) -> pa.RecordBatch:
        tally, plan = self.tally, self._plan
        loop, clone = divmod(copy, plan.clones)
        user = batch.column("user").to_numpy() + np.int32(clone * (len(plan.users) // plan.clones))
        kind = self._expectations.kinds(places)
        executed = timing.executed[places]
        outcome = np.where(executed, timing.outcome[places], 0)
        moved = np.where(executed & _MOVES_BYTES[kind], np.maximum(outcome, 0), 0)
        expected = batch.column("expected").to_numpy()
        measured = self.measured(timing, places)
        tally.executed += int(executed.sum())
        tally.measured += int(measured.sum())
        failed = self._expectations.failed(places, outcome)
        tally.succeeded += int((measured & ~failed).sum())
        tally.read_bytes += int(moved[measured & (kind == KINDS.index(Read))].sum())
        tally.written_bytes += int(moved[measured & (kind == KINDS.index(Write))].sum())
        tally.skipped += int(self._unsupported[kind].sum())
        for error in (errno.EMFILE, errno.ENFILE):
            tally.out_of_descriptors[error] += int(np.count_nonzero(outcome == -error))
        told = known = np.zeros(len(kind), bool)
        if self._executor.compares:
            length = batch.column("length").to_numpy()
            told = matcher.matches(kind, expected, outcome, length, calls_in(batch))
            known = executed & answered(expected)
            differs = known & ~told
            tally.compared += int(known.sum())
            tally.matched += int((known & told).sum())
            tally.mismatched += int(differs.sum())
            tally.errors += int((differs & (outcome < 0) & ~fails(expected)).sum())
            self._note_mismatches(batch, np.flatnonzero(differs), user, outcome, measured)
            shape = np.stack([kind[differs], expected[differs], np.minimum(outcome[differs], 0)])
            for those, causes in ((shape, tally.causes), (shape[:, ~measured[differs]], tally.warm_causes)):
                for (number, was, got), count in zip(*_distinct(those), strict=True):
                    causes[KINDS[number].__name__, expected_name(was), outcome_name(got)] += count
        if executed.any():
            losing = batch.select([name for name in batch.schema.names if name not in _NOT_OF_CALLS])
            losing = losing.set_column(losing.schema.get_field_index("kind"), "kind", pa.array(kind))
            self._losses.add(losing if executed.all() else losing.filter(pa.array(executed)))
        never = ~executed
        return pa.record_batch(
            [
                batch.column("operation"),
                pa.array(user),
                batch.column("lane"),
                pa.array(plan.lane_process[plan.lanes_at(places)]),
                pa.DictionaryArray.from_arrays(pa.array(kind.astype(np.int32)), _KIND_NAMES),
                batch.column("path"),
                batch.column("offset"),
                batch.column("length"),
                pa.array(timing.intended_ns[places]),
                pa.array(timing.issued_ns[places], mask=never),
                pa.array(timing.completed_ns[places], mask=never),
                expected_names(expected),
                outcome_names(outcome, executed),
                pa.array(moved, mask=never | (not self._executor.compares)),
                pa.array(np.full(len(kind), clone + 1, np.int32)),
                pa.array(np.full(len(kind), loop + 1, np.int32)),
                pa.array(told, mask=~known),
                pa.array(measured),
            ],
            schema=OPERATIONS_SCHEMA,
        )

    def _note_mismatches(
        self, batch: pa.RecordBatch, rows: NDArray[np.int64], user: NDArray[np.int32],
        outcome: NDArray[np.int64], measured: NDArray[np.bool_],
    ) -> None:  # fmt: skip
        for row in rows[: MISMATCHES_KEPT - len(self.tally.mismatches)].tolist():
            values = batch.slice(row, 1).select(["operation", "kind", "path", "expected"]).to_pylist()[0]
            self.tally.mismatches.append(
                {
                    "operation": values["operation"],
                    "user": self._plan.users[user[row]],
                    "kind": values["kind"],
                    "path": values["path"],
                    "expected": expected_name(values["expected"]),
                    "got": outcome_name(int(outcome[row])),
                    "warm_up": not bool(measured[row]),
                }
            )

    def outcomes(self) -> dict[str, int | bool | None]:
        """The `operations` of run.json; what nothing was compared for is None."""
        tally, compares = self.tally, self._executor.compares
        counts = {"matched": tally.matched, "mismatched": tally.mismatched, "errors": tally.errors}
        return {
            "planned": tally.planned,
            "executed": tally.executed,
            **(counts if compares and tally.compared else dict.fromkeys(counts)),
            "skipped": tally.skipped,
            "unanswered": tally.executed - tally.compared if compares else None,
            "compared": compares,
        }

    def write_latency(
        self, path: Path, timing: Timing, start_epoch_ns: int
    ) -> tuple[dict[str, Any], dict[str, Histogram]]:
        """Write latency.hlog; the `latency` of run.json and the histograms over all kinds come back."""
        present, end_ns = np.zeros(len(KINDS), np.int64), 0
        for block in blocks(self._plan.operations):
            mine = self.measured(timing, block)
            present += np.bincount(self._expectations.kinds(block)[mine], minlength=len(KINDS))
            end_ns = max(end_ns, int(timing.completed_ns[block][mine].max(initial=0)))
        log = IntervalLog(end_ns)
        every = {measure: Histogram() for measure in MEASURES}
        latency: dict[str, Any] = {}
        for number in np.flatnonzero(present).tolist():
            kind = KINDS[number].__name__
            by_measure = {
                measure: log.count(f"{kind}.{measure}", self._parts(timing, number, measure))
                for measure in MEASURES
            }
            latency[kind] = _entry(by_measure)
            for measure, histogram in by_measure.items():
                every[measure].add(histogram)
                self.histograms[f"{kind}.{measure}"] = histogram
        log.write(path, start_epoch_ns)
        latency["all"] = _entry(every)
        self.histograms |= {f"all.{measure}": one for measure, one in every.items()}
        return latency, every

    def _parts(self, timing: Timing, kind: int, measure: str) -> Iterator[Part]:
        values_ns = timing.service_ns if measure == FAILED else getattr(timing, f"{measure}_ns")
        for block in blocks(self._plan.operations):
            mine = self.measured(timing, block) & (self._expectations.kinds(block) == kind)
            places = block.start + np.flatnonzero(mine)
            if measure not in OF_ALL:
                failed = self._expectations.failed(places, timing.outcome[places])
                places = places[failed if measure == FAILED else ~failed]
            if len(places):
                yield timing.completed_ns[places], values_ns(places)


def _entry(histograms: Mapping[str, Histogram]) -> dict[str, Any]:
    """What run.json says of a kind: percentiles by measure, and how many calls those of service and response
    are of."""
    summaries: dict[str, Any] = {measure: one.summary() for measure, one in histograms.items()}
    summaries[FAILED] = {"count": histograms[FAILED].total} | summaries[FAILED]
    return {"count": histograms["service"].total} | summaries


def write_document(path: Path, document: Mapping[str, Any]) -> None:
    """Write run.json: last of all, because its presence says that the directory is whole."""
    path.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


_NOT_OF_CALLS = {"operation", "user", "lane", "expected"}


def _distinct(shape: NDArray[np.int64]) -> tuple[list[list[int]], list[int]]:
    columns, counts = np.unique(shape, axis=1, return_counts=True)
    return columns.T.tolist(), counts.tolist()


def _wanted(operations: StoredOperations) -> list[str]:
    """The columns that the result shows, and those of the calls."""
    return sorted({*used_columns(operations), *_NOT_OF_CALLS, "kind", "path", "offset", "length"})
