"""Loops that were carried out one by one, as one result: the clock stands still between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from smbench.measure.oplog import COMPLETED, ISSUED
from smbench.plan.amplify import loop
from smbench.runner.harness import Fared, shifted, together
from smbench.runner.pool import Ending
from smbench.runner.run import RunResult


def join_loops(results: Sequence[RunResult], loops: int) -> RunResult:
    """The results of the first of `loops` loops of one plan, in their order. Those that never began are
    counted as planned, and nothing is kept of them: how many were asked for costs no memory."""
    if loops == 1:
        return results[0]
    first = results[0]
    begins_ns = [0]
    records: list[NDArray[Any]] = []
    fared: list[Fared] = []
    for result in results:
        part = result.records.copy()
        done = part[:, COMPLETED] != 0
        shift_ns = first.ending.start_ns + begins_ns[-1] - result.ending.start_ns
        part[done, ISSUED] += shift_ns
        part[done, COMPLETED] += shift_ns
        places, lanes = len(records) * len(part), len(records) * first.plan.lanes
        fared.append(shifted(result.ending.fared, shift_ns, places, lanes))
        records.append(part)
        begins_ns.append(max(int(part[:, COMPLETED].max(initial=0)) - first.ending.start_ns, begins_ns[-1]))
        if result is not first:
            first.sampler.append(result.sampler, shift_ns=begins_ns[-2])
    return replace(
        first,
        plan=loop(first.plan, begins_ns[:-1]),
        loops=loops,
        ending=_joined([result.ending for result in results], together(fared)),
        kept=np.concatenate(records),
        statistics=[documents for result in results for documents in result.statistics],
    )


def _joined(endings: Sequence[Ending], fared: Fared) -> Ending:
    last = endings[-1]
    whole = Ending(
        start_ns=endings[0].start_ns,
        clock_epoch_ns=endings[0].clock_epoch_ns,
        stopped=last.stopped,
        stopped_ns=last.stopped_ns,
        given_up=last.given_up,
        overdue=last.overdue,
        fared=fared,
    )
    for ending in endings:
        whole.lost |= ending.lost
        whole.killed += ending.killed
        whole.messages |= ending.messages
    return whole
