"""What became of every operation of a run: operations.parquet (docs/formats.md), and the counts.

The workload's operations are read a second time, batch by batch, and each gets its times and outcome
from the log.
"""

from __future__ import annotations

import errno
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from msgspec import UNSET
from numpy.typing import NDArray

from smbench.arrays import blocks, long_array
from smbench.executors.base import Executor
from smbench.plan.model import Plan
from smbench.run.columns import OPERATIONS_SCHEMA
from smbench.run.outcomes import Cause, Mismatch, Outcomes, Shortfall
from smbench.run.warm_up import after_warm_up
from smbench.runner.call_file import KINDS, used_columns
from smbench.runner.declined import REASON as DECLINED_BECAUSE
from smbench.runner.expectations import Expectations, calls_in, places_of_rows
from smbench.runner.latency import Times, measured
from smbench.runner.losses import Losses
from smbench.runner.options import RunOptions
from smbench.runner.outcomes import (
    Matcher,
    answered,
    expected_name,
    expected_names,
    outcome_names,
)
from smbench.runner.outside import OutsideTally
from smbench.runner.refused import fails
from smbench.runner.tally import Tally
from smbench.runner.timing import Timing
from smbench.runner.unfinished import UnfinishedCalls
from smbench.smb2.ntstatus import outcome_name
from smbench.tables import table_writer
from smbench.workload import amounts
from smbench.workload.amounts import Amounts
from smbench.workload.calls import Read, Write
from smbench.workload.store import StoredOperations

MISMATCHES_KEPT = 1000

_ENCODING: dict[str, Any] = {
    "use_dictionary": ["kind", "path", "expected", "outcome", "clone", "loop"],
    # Numbers that ascend: smaller by a third than plain ones, and written faster.
    "column_encoding": dict.fromkeys(
        ("operation", "intended_ns", "issued_ns", "completed_ns"), "DELTA_BINARY_PACKED"
    ),
}
_MOVES_BYTES = np.array([kind.__name__ in amounts.BYTES for kind in KINDS])
_RETURNS_ENTRIES = np.array([kind.__name__ in amounts.ENTRIES for kind in KINDS])
_KIND_NAMES = pa.array([kind.__name__ for kind in KINDS])


@dataclass(frozen=True, slots=True)
class _Joined:
    """Rows of the workload in one copy, with what the log says of each."""

    batch: pa.RecordBatch
    places: NDArray[np.int64]
    user: NDArray[np.int32]
    kind: NDArray[np.int8]
    executed: NDArray[np.bool_]
    outcome: NDArray[np.int64]
    """0 where it was not executed."""
    moved: NDArray[np.int64]
    expected: NDArray[np.int64]
    measured: NDArray[np.bool_]
    warm_up: NDArray[np.bool_]
    """Was due in it."""


class OperationsResult:
    """Joins the workload's rows with the log, and counts."""

    def __init__(
        self, operations: StoredOperations, plan: Plan, executor: type[Executor], options: RunOptions,
        loops: int = 1,
    ) -> None:  # fmt: skip
        self._operations, self._plan, self._executor = operations, plan, executor
        self._warm_up_ns = options.warm_up_ns
        self._loops_not_begun = loops - plan.loops
        self._place_of_row = places_of_rows(plan)
        self._expectations = Expectations(operations, plan, executor)
        self._losses = Losses(executor, options.habits)
        self.tally = Tally()
        self.outside = OutsideTally(plan)

    def skipped_places(self) -> NDArray[np.bool_]:
        """Which places of the plan hold a call that the executor does not carry out."""
        skipped = long_array(self._plan.operations, np.bool_)
        for block in blocks(len(skipped)):
            skipped[block] = self._expectations.skipped(block)
        return skipped

    def skipped(self) -> tuple[Shortfall, ...]:
        """Calls that were skipped, by kind, with the executor's reason."""
        count, declined = np.zeros((2, len(KINDS)), np.int64)
        for block in blocks(self._plan.operations):
            kinds, not_this_one = self._expectations.kinds(block), self._expectations.declined(block)
            captured = ~self._plan.of_outside(block)
            skipped = self._expectations.skipped(block) & ~not_this_one & captured
            count += np.bincount(kinds[skipped], minlength=len(KINDS))
            declined += np.bincount(kinds[not_this_one & captured], minlength=len(KINDS))
        reasons = self._executor.unsupported
        return (
            *(_shortfall(at, reasons[KINDS[at]], count) for at in np.flatnonzero(count).tolist()),
            *(_shortfall(at, DECLINED_BECAUSE, declined) for at in np.flatnonzero(declined).tolist()),
        )

    def losses(self) -> tuple[Shortfall, ...]:
        """What of the executed calls' parameters the executor could not keep, the most frequent first."""
        return tuple(
            Shortfall(kind=kind, reason=reason, count=count)
            for (kind, reason), count in self._losses.counts.most_common()
        )

    def write(self, path: Path, timing: Timing) -> None:
        """Write operations.parquet, and count on the way."""
        names = _wanted(self._operations)
        matcher = Matcher()
        captured = amounts.Expected(self._operations) if self._executor.compares else None
        first = 0
        with table_writer(path, OPERATIONS_SCHEMA, **_ENCODING) as writer:
            for batch in self._operations.batches(names):
                places = self._place_of_row[first : first + batch.num_rows]
                first += batch.num_rows
                batch, places = self.outside.apart(batch, places, timing, self._expectations)
                wanted = None if captured is None else captured.of(batch)
                for copy in range(self._plan.copies):
                    there = places + copy * len(self._place_of_row)
                    writer.write_batch(self._join(batch, copy, there, timing, matcher, wanted))
        self.tally.not_begun = self.tally.planned // self._plan.loops * self._loops_not_begun
        self.tally.planned += self.tally.not_begun

    def _join(
        self, batch: pa.RecordBatch, copy: int, places: NDArray[np.int64], timing: Timing, matcher: Matcher,
        wanted: Amounts | None,
    ) -> pa.RecordBatch:  # fmt: skip
        plan, compares = self._plan, self._executor.compares
        loop, clone = divmod(copy, plan.clones)
        executed = timing.executed[places]
        outcome = np.where(executed, timing.outcome[places], 0)
        kind = self._expectations.kinds(places)
        joined = _Joined(
            batch=batch,
            places=places,
            user=batch.column("user").to_numpy() + np.int32(clone * (len(plan.users) // plan.clones)),
            kind=kind,
            executed=executed,
            outcome=outcome,
            moved=np.where(executed & _MOVES_BYTES[kind], np.maximum(outcome, 0), 0),
            expected=batch.column("expected").to_numpy(),
            measured=measured(plan, timing, self._warm_up_ns, places),
            warm_up=~after_warm_up(timing.intended_ns[places], self._warm_up_ns),
        )
        self.tally.planned += len(places)
        self._count(joined)
        told, known = self._compare(joined, matcher, wanted)
        self._count_losses(joined)
        never = ~executed
        return pa.record_batch(
            [
                batch.column("operation"),
                pa.array(joined.user),
                batch.column("lane"),
                pa.array(plan.lane_process[plan.lanes_at(places)]),
                pa.DictionaryArray.from_arrays(pa.array(kind.astype(np.int32)), _KIND_NAMES),
                batch.column("path"),
                batch.column("offset"),
                batch.column("length"),
                pa.array(timing.intended_ns[places]),
                pa.array(timing.issued_ns[places], mask=never),
                pa.array(timing.completed_ns[places], mask=never),
                expected_names(joined.expected),
                outcome_names(outcome, executed),
                pa.array(joined.moved, mask=never | (not compares)),
                pa.array(outcome, mask=never | ~_RETURNS_ENTRIES[kind] | (outcome < 0) | (not compares)),
                pa.array(np.full(len(kind), clone + 1, np.int32)),
                pa.array(np.full(len(kind), loop + 1, np.int32)),
                pa.array(told, mask=~known),
                pa.array(joined.measured),
            ],
            schema=OPERATIONS_SCHEMA,
        )

    def _count(self, joined: _Joined) -> None:
        tally, kind, outcome = self.tally, joined.kind, joined.outcome
        failed = self._expectations.failed(joined.places, outcome)
        tally.executed += int(joined.executed.sum())
        tally.measured += int(joined.measured.sum())
        tally.succeeded += int((joined.measured & ~failed).sum())
        tally.read_bytes += int(joined.moved[joined.measured & (kind == KINDS.index(Read))].sum())
        tally.written_bytes += int(joined.moved[joined.measured & (kind == KINDS.index(Write))].sum())
        tally.skipped += int(self._expectations.skipped(joined.places).sum())
        for error in (errno.EMFILE, errno.ENFILE):
            tally.out_of_descriptors[error] += int(np.count_nonzero(outcome == -error))

    def _compare(
        self, joined: _Joined, matcher: Matcher, wanted: Amounts | None
    ) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Which ended as in the capture, and of which that is known."""
        tally, kind, outcome, expected = self.tally, joined.kind, joined.outcome, joined.expected
        if wanted is None:
            nothing = np.zeros(len(kind), bool)
            return nothing, nothing
        length = joined.batch.column("length").to_numpy()
        how = wanted.compared(outcome)
        told = matcher.matches(kind, expected, outcome, length, calls_in(joined.batch))
        told = (told | wanted.told(outcome)) & (how == amounts.AS_CAPTURED)
        known = joined.executed & answered(expected)
        differs = known & ~told
        tally.compared += int(known.sum())
        tally.matched += int((known & told).sum())
        tally.mismatched += int(differs.sum())
        tally.errors += int((differs & (outcome < 0) & ~fails(expected)).sum())
        tally.other_amounts += int((differs & (how != amounts.AS_CAPTURED)).sum())
        self._note_mismatches(joined, np.flatnonzero(differs), how, wanted)
        shape = np.stack([kind[differs], expected[differs], np.minimum(outcome[differs], 0), how[differs]])
        in_warm_up = shape[:, joined.warm_up[differs]]
        for those, causes in ((shape, tally.causes), (in_warm_up, tally.warm_causes)):
            for (number, was, got, amount), count in zip(*_distinct(those), strict=True):
                name = KINDS[number].__name__
                cause = name, expected_name(was), _got(name, got, amount)
                causes[cause] += count
                if why := self._executor.own_doing(was, got):
                    tally.own_doing[cause] = why
        return told, known

    def _count_losses(self, joined: _Joined) -> None:
        batch, executed = joined.batch, joined.executed
        if not executed.any():
            return
        losing = batch.select([name for name in batch.schema.names if name not in _NOT_OF_CALLS])
        losing = losing.set_column(losing.schema.get_field_index("kind"), "kind", pa.array(joined.kind))
        self._losses.add(losing if executed.all() else losing.filter(pa.array(executed)))

    def _note_mismatches(
        self, joined: _Joined, rows: NDArray[np.int64], how: NDArray[np.int8], wanted: Amounts
    ) -> None:
        for row in rows[: MISMATCHES_KEPT - len(self.tally.mismatches)].tolist():
            values = (
                joined.batch.slice(row, 1).select(["operation", "kind", "path", "expected"]).to_pylist()[0]
            )
            self.tally.mismatches.append(
                Mismatch(
                    operation=values["operation"],
                    user=self._plan.users[joined.user[row]],
                    kind=values["kind"],
                    path=values["path"],
                    expected=expected_name(values["expected"]),
                    got=_got(values["kind"], int(joined.outcome[row]), int(how[row])),
                    warm_up=bool(joined.warm_up[row]),
                    captured_amount=int(wanted.wanted[row]) if how[row] else None,
                    amount=int(joined.outcome[row]) if how[row] else None,
                )
            )

    def outcomes(self, unfinished: int) -> Outcomes:
        """How many there were and how they ended; what nothing was compared for is None."""
        tally, compares = self.tally, self._executor.compares
        compared = compares and tally.compared > 0
        return Outcomes(
            planned=tally.planned,
            not_begun=tally.not_begun or UNSET,
            executed=tally.executed,
            skipped=tally.skipped,
            unfinished=unfinished,
            matched=tally.matched if compared else None,
            mismatched=tally.mismatched if compared else None,
            errors=tally.errors if compared else None,
            other_amounts=tally.other_amounts if compared else None,
            unanswered=tally.executed - tally.compared if compares else None,
            compared=compares,
        )

    def causes(self) -> tuple[Cause, ...]:
        """All mismatches by cause, the most frequent first."""
        tally = self.tally
        return tuple(
            Cause(
                kind=kind,
                expected=expected,
                got=got,
                count=count,
                warm_up=tally.warm_causes[kind, expected, got],
                why=tally.own_doing.get((kind, expected, got), UNSET),
            )
            for (kind, expected, got), count in tally.causes.most_common()
        )

    def times(self, timing: Timing, unfinished: UnfinishedCalls) -> Times:
        """What the histograms are made of."""
        return Times(self._plan, self._expectations, timing, self._warm_up_ns, unfinished)


_NOT_OF_CALLS = {"operation", "user", "lane", "expected", "received"}


def _got(kind: str, outcome: int, how: int) -> str:
    """What a mismatch is called: by its outcome, or by its amount."""
    return amounts.words(kind, how) if how else outcome_name(outcome)


def _shortfall(kind: int, reason: str, counts: NDArray[np.int64]) -> Shortfall:
    return Shortfall(kind=KINDS[kind].__name__, reason=reason, count=int(counts[kind]))


def _distinct(shape: NDArray[np.int64]) -> tuple[list[list[int]], list[int]]:
    columns, counts = np.unique(shape, axis=1, return_counts=True)
    return columns.T.tolist(), counts.tolist()


def _wanted(operations: StoredOperations) -> list[str]:
    """The columns that the result shows, and those of the calls."""
    return sorted({*used_columns(operations), *_NOT_OF_CALLS, "kind", "path", "offset", "length"})
