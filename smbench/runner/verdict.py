"""What the verdict on a run follows from, gathered from the run."""

from __future__ import annotations

import errno
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from smbench.arrays import blocks
from smbench.measure.oplog import COMPLETED
from smbench.measure.validity import OVERDUE_NS, RunFacts, judged_percentile
from smbench.plan.model import Pace, Plan
from smbench.run.histogram import Histogram
from smbench.run.model import MACHINE
from smbench.runner.expectations import Expectations
from smbench.runner.pool import Ending
from smbench.runner.statistics import Counted
from smbench.runner.tally import Tally
from smbench.runner.timing import Timing


def facts_of(
    plan: Plan, ending: Ending, times: Timing, tally: Tally, every: Mapping[str, Histogram],
    resources: Sequence[Mapping[str, Any]], counted: Counted, warm_up_ns: int = 0,
) -> RunFacts:  # fmt: skip
    """`every` has the histograms of all kinds by measure; `resources` are the sampler's rows; `counted` is
    what the workers counted. What the harness itself adds, `runner.harness_result` does."""
    waited_ns = counted.waited_ns or 0
    machine = [row for row in resources if row["process"] == MACHINE]
    # What lies in the run: after its end, workers end. And behind the warm-up, which is no part of the times.
    end_ns = max(int(times.completed_ns.max(initial=0)), warm_up_ns)
    ends_ns = np.array([row["time_ns"] for row in machine], np.int64).clip(warm_up_ns, end_ns)
    percentile = judged_percentile(tally.measured)
    ended_by_itself = not (ending.stopped or ending.lost or ending.killed or counted.lost)
    return RunFacts(
        paced=plan.pace is not Pace.FAST,
        percentile=percentile,
        lateness_ns=every["lateness"].percentile_ns(percentile),
        response_ns=every["response"].percentile_ns(percentile),
        mean_response_ns=every["response"].mean_ns,
        mean_wait_ns=waited_ns / max(tally.executed, 1),
        waited_ns=waited_ns,
        sample_s=(np.diff(ends_ns, prepend=warm_up_ns).clip(0) / 1e9).tolist(),
        cpu_percent=[row["cpu_percent"] for row in machine],
        steal_percent=[row["steal_percent"] for row in machine],
        available_percent=min((row["available_percent"] for row in machine), default=100.0),
        swapped_bytes=sum(row["swapped_bytes"] or 0 for row in machine),
        out_of_descriptors=_out_of_descriptors(plan, tally),
        lost_workers=[
            f"worker {process} ({users_named(plan, process)}) was lost: {how}"
            for process, how in ending.lost.items()
        ],
        killed_workers=len(ending.killed),
        lost_users=[f"{user} was lost: {why}" for user, why in counted.lost.items()],
        stopped=ending.stopped,
        lasted_s=(ending.stopped_ns - ending.start_ns - warm_up_ns) / 1e9 if ending.stopped_ns else None,
        carried_out=f"{tally.executed:,} of {tally.planned:,}",
        given_up=ending.given_up,
        overdue=ending.overdue,
        nothing=_nothing(tally),
        defects=list(dict.fromkeys(ending.messages.values())),
        order_violated=times.violated,
        order_released=times.released,
        unrecorded=tally.planned - tally.executed - tally.skipped if ended_by_itself else 0,
        only_warm_up=0 if tally.measured else tally.executed,
        out_of_range=sum(histogram.out_of_range for histogram in every.values()),
    )


def overdue(plan: Plan, ending: Ending, records: NDArray[np.int64], expectations: Expectations) -> int:
    """How many operations of a run that was stopped were due by then, by the plan's times, and are missing:
    the slow ones, whose times are in no figure. A plan without times has none."""
    if not ending.stopped_ns or plan.intended_ns is None:
        return 0
    lasted_ns = ending.stopped_ns - ending.start_ns
    # What was in flight has a name, and a time: its age.
    count, in_flight = 0, np.array([one.place for one in ending.fared.in_flight], np.int64)
    for block in blocks(plan.operations):
        due = plan.intended_ns[block] + OVERDUE_NS <= lasted_ns
        missing = records[block, COMPLETED] == 0
        missing[in_flight[(in_flight >= block.start) & (in_flight < block.stop)] - block.start] = False
        mine = ~expectations.skipped(block) & ~plan.of_outside(block)
        count += int((due & missing & mine).sum())
    return count


def _nothing(tally: Tally) -> str:
    """Why nothing was carried out; "" where something was."""
    if tally.executed:
        return ""
    if not tally.planned:
        return "there is none in the workload"
    skipped = tally.skipped == tally.planned - tally.not_begun
    return f"the executor skips all {tally.planned:,}" if skipped else f"none of {tally.planned:,} was"


def _out_of_descriptors(plan: Plan, tally: Tally) -> int:
    """How many operations found none left on this machine. A server that has no more answers EMFILE as
    well: it can be ours only where a process has as many operations as it may have descriptors."""
    ours = tally.out_of_descriptors[errno.ENFILE]
    if sys.platform != "win32" and tally.out_of_descriptors[errno.EMFILE]:
        import resource  # not everywhere

        limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        per_lane = np.diff(plan.lane_start)
        most = max(int(per_lane[plan.lanes_of(process)].sum()) for process in range(plan.processes))
        if limit != resource.RLIM_INFINITY and most >= limit:
            ours += tally.out_of_descriptors[errno.EMFILE]
    return ours


def users_named(plan: Plan, process: int) -> str:
    """The first users of a worker, for people; of loops each once."""
    names = [plan.users[user] for user in np.unique(plan.lane_user[plan.lane_process == process]).tolist()]
    return ", ".join(names[:3]) + (" …" if len(names) > 3 else "")
