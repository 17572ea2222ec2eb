"""What is known of each call before it runs: its kind, and whether the capture has a failure of it.

By place of the plan, two bytes a place: a number for each distinct (kind, expected outcome, whether it stands
for a whole scan, whether the executor declines it), of which a workload has few.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from smbench.arrays import blocks, long_array
from smbench.executors.base import Executor
from smbench.plan.model import Plan
from smbench.runner.call_file import KINDS, kind_numbers, used_columns
from smbench.runner.declined import columns_of, declined
from smbench.runner.outcomes import Integers, Matcher, answered
from smbench.runner.refused import fails
from smbench.workload.store import StoredOperations

Places = NDArray[np.int64] | slice
_KINDS_ROOM = 128
"""Numbers of kinds are below this."""


class Expectations:
    """Of the operations of a plan, as an executor is to carry them out; None: one that does all of them.
    Without `compares` nothing counts as failed."""

    def __init__(
        self, operations: StoredOperations, plan: Plan, executor: type[Executor] | None = None
    ) -> None:
        self._executor = executor
        self._compares = executor is None or executor.compares
        self._numbers: dict[int, int] = {}
        self._of_place = long_array(plan.operations, np.int16)
        place_of_row = places_of_rows(plan)
        first = 0
        columns = [*columns_of(operations, executor), *{"calls"}.intersection(used_columns(operations))]
        for batch in operations.batches(columns):
            numbers = self._numbered(batch)
            places = place_of_row[first : first + batch.num_rows]
            for copy in range(plan.copies):
                self._of_place[places + copy * len(place_of_row)] = numbers
            first += batch.num_rows
        codes = np.array(list(self._numbers), np.int64)
        codes, self._declined = codes >> 1, (codes & 1).astype(bool)
        self._calls = 1 + codes % 2
        self._kind = (codes // 2 % _KINDS_ROOM).astype(np.int8)
        self._expected = codes // (2 * _KINDS_ROOM) - 1
        self._succeeds = answered(self._expected) & ~fails(self._expected)
        unsupported = frozenset() if executor is None else executor.unsupported.keys()
        self._unsupported = np.array([KINDS[kind] in unsupported for kind in self._kind.tolist()], bool)
        self._matcher = Matcher()

    def _numbered(self, batch: pa.RecordBatch) -> NDArray[np.int16]:
        # One number a distinct row: sorting numbers is much faster than sorting rows.
        expected = batch.column("expected").to_numpy().astype(np.int64) + 1
        codes = (expected * _KINDS_ROOM + kind_numbers(batch.column("kind"))) * 2 + (calls_in(batch) > 1)
        codes = codes << 1 | declined(self._executor, batch)
        distinct, number = np.unique(codes, return_inverse=True)
        known = [self._numbers.setdefault(code, len(self._numbers)) for code in distinct.tolist()]
        return np.array(known, np.int16)[number]

    def kinds(self, places: Places) -> NDArray[np.int8]:
        """The number of each place's call in KINDS."""
        return np.asarray(self._kind[self._of_place[places]])

    def skipped(self, places: Places) -> NDArray[np.bool_]:
        """Which places hold what the executor does not carry out: no call of that kind, or not this one."""
        return np.asarray((self._unsupported | self._declined)[self._of_place[places]])

    def declined(self, places: Places) -> NDArray[np.bool_]:
        """Of these, the single ones of a kind that it carries out otherwise."""
        return np.asarray((self._declined & ~self._unsupported)[self._of_place[places]])

    def failed(self, places: Places, outcome: Integers) -> NDArray[np.bool_]:
        """Which of the outcomes are failures that the capture does not have: there the call succeeded, failed
        otherwise, or has no answer."""
        found = np.zeros(len(outcome), bool)
        rows = np.flatnonzero(outcome < 0)
        if self._compares and len(rows):
            shape = self._of_place[places][rows]
            kind, expected, calls = self._kind[shape], self._expected[shape], self._calls[shape]
            lengths = np.zeros(len(rows), np.int64)  # they tell successes apart, of which there are none
            as_there = self._matcher.matches(kind, expected, outcome[rows], lengths, calls)
            found[rows] = ~(as_there & answered(expected))
        return found

    def errors(self, places: Places, outcome: Integers) -> NDArray[np.bool_]:
        """Those of `failed` that succeeded in the capture."""
        return np.asarray(self.failed(places, outcome) & self._succeeds[self._of_place[places]])


def places_of_rows(plan: Plan) -> Integers:
    """Where in the plan each row of the workload is; of the first copy."""
    places = long_array(plan.operations // plan.copies, np.int64)
    for block in blocks(len(places)):
        places[plan.row[block]] = np.arange(block.start, block.stop)
    return places


def calls_in(batch: pa.RecordBatch) -> NDArray[np.int64]:
    """How many of the capture's calls each row stands for."""
    if "calls" not in batch.schema.names:
        return np.ones(batch.num_rows, np.int64)
    return np.asarray(batch.column("calls").fill_null(1).to_numpy(zero_copy_only=False), np.int64)
