"""What the harness itself adds to a run's result: where it stood still, and what never came back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from numpy.typing import NDArray

from smbench.measure.validity import RunFacts
from smbench.plan.model import Plan
from smbench.run.harness import Unfinished
from smbench.runner.pool import Ending
from smbench.runner.stood_still import Verdict, stood_still
from smbench.runner.timing import Timing
from smbench.runner.unfinished import UnfinishedCalls, named, sentences, unfinished_calls
from smbench.workload.store import StoredOperations


@dataclass(frozen=True, slots=True)
class HarnessResult:
    """Of one run."""

    still: Verdict
    calls: UnfinishedCalls
    unfinished: tuple[Unfinished, ...]
    times: Timing
    """With what is apart."""
    hanging: Sequence[int]
    """Workers that were killed with a call in flight."""

    def judged(self, facts: RunFacts) -> RunFacts:
        """The facts with these: a worker whose hanging call is named was killed for that."""
        return replace(
            facts,
            killed_workers=facts.killed_workers - len(self.hanging),
            unfinished=sentences(self.unfinished),
            stood_still=self.still.sentences,
        )


def harness_result(
    plan: Plan, ending: Ending, records: NDArray[Any], operations: StoredOperations, times: Timing,
    warm_up_ns: int,
) -> HarnessResult:  # fmt: skip
    """What a run's ending tells of the harness; `operations` have the names of what never came back."""
    start_ns, fared = ending.start_ns, ending.fared
    still = stood_still(plan, fared, start_ns, times, warm_up_ns, whole=not ending.stopped)
    calls = unfinished_calls(plan, fared.in_flight, records, start_ns)
    out_of = {int(plan.lane_process[lane]) for lane in plan.lanes_at(calls.places).tolist()}
    return HarnessResult(
        still=still,
        calls=calls,
        unfinished=named(calls, plan, operations),
        times=replace(times, apart=still.apart),
        hanging=sorted(out_of.intersection(ending.killed)),
    )
