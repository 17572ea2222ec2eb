"""A run that has ended: what it measured, as the values of `smbench.run.model`, and the files of its
directory but run.json, which has also what the caller knows and is the caller's to write."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from smbench.executors.base import Executor
from smbench.measure.clock import now_ns
from smbench.measure.judging import Extent, Figures, judge_thresholds
from smbench.measure.oplog import COMPLETED
from smbench.measure.resources import ResourceSampler
from smbench.measure.thresholds import Threshold
from smbench.measure.validity import judge
from smbench.plan.model import Plan
from smbench.run.measures import HELD, LATENESS, MEASURES, Judged, Throughput
from smbench.run.model import OPERATIONS, SCHEMA, Configuration, Run
from smbench.run.outcomes import LostUser, Order, WarmUp, Workers
from smbench.run.status import status_of
from smbench.run.store import CLIENT_STATS, LATENCY, RESOURCES
from smbench.runner.harness_result import HarnessResult, harness_result
from smbench.runner.latency import Histograms
from smbench.runner.operations import OperationsResult
from smbench.runner.options import RunOptions
from smbench.runner.pool import Ending
from smbench.runner.statistics import Document, counted_by, reported_by
from smbench.runner.tally import Tally
from smbench.runner.timing import Timing, timing
from smbench.runner.verdict import facts_of
from smbench.stored import write_document
from smbench.workload.store import StoredOperations

Rates = Mapping[str, Fraction | None]
"""By the names of `Throughput`; exact, as thresholds need it."""


def lasted_s(records: NDArray[Any], start_ns: int) -> float:
    """From the start of a run to the end of its last operation; 0 where there was none."""
    completed = records[:, COMPLETED]
    return max(int(completed.max(initial=0)) - start_ns, 0) / 1e9 if completed.any() else 0.0


@dataclass(slots=True)
class RunResult:
    """A run that has ended. `measured` says what came of it; then `close` it."""

    plan: Plan
    options: RunOptions
    ending: Ending
    executor: type[Executor]
    operations: StoredOperations
    kept: NDArray[Any] | Path
    """The records, or the file that has them."""
    sampler: ResourceSampler
    statistics: Sequence[Sequence[Document]]
    """What the workers counted, of each loop."""
    lasted_s: float
    """From the start of the run to the end of its last operation."""
    scratch: Path | None = None
    """A folder that goes when it is closed."""
    loops: int = 1
    """How many were asked for; the plan has those that began."""

    @property
    def records(self) -> NDArray[Any]:
        """As `OperationLog.records`."""
        return np.load(self.kept, "r") if isinstance(self.kept, Path) else self.kept

    def close(self) -> None:
        """Remove what the run kept in a scratch folder of its own."""
        if self.scratch is not None:
            shutil.rmtree(self.scratch, ignore_errors=True)

    def measured(
        self, directory: Path, client_stats: Mapping[str, Any] | None = None,
        thresholds: Sequence[Threshold] = (),
    ) -> Run:  # fmt: skip
        """What was measured, with `thresholds` judged; its files are written into the folder `directory`.

        Of the configuration it has what the runner knows; mounts, coverage and what else describes the run
        are its caller's to add. `client_stats` is the client's counters (client_stats.json).
        """
        plan, ending = self.plan, self.ending
        start_epoch_ns = ending.clock_epoch_ns + (ending.start_ns or now_ns())
        warm_up_ns = self.options.warm_up_ns
        joined = OperationsResult(self.operations, plan, self.executor, self.options, self.loops)
        times = timing(plan, self.records, ending.start_ns, joined.skipped_places())
        harness = harness_result(plan, ending, self.records, self.operations, times, warm_up_ns)
        times, still, unfinished = harness.times, harness.still, len(harness.calls)
        histograms = _write_both(directory, joined, harness, start_epoch_ns)
        self.sampler.write(directory / RESOURCES)
        counted = counted_by(self.statistics, plan.users)
        _write_client_stats(directory / CLIENT_STATS, client_stats, counted.users)
        tally = joined.tally
        warmed = tally.executed - tally.measured - still.told.operations
        elapsed_ns = int(times.completed_ns.max(initial=0))
        every = {measure: histograms.every(measure) for measure in MEASURES}
        facts = facts_of(plan, ending, times, tally, every, self.sampler.rows, counted, warm_up_ns)
        verdict = judge(harness.judged(facts))
        reported = reported_by(self.executor, self.statistics, plan.users)
        rates = _rates(tally, elapsed_ns - warm_up_ns, self.executor.compares)
        return Run(
            schema=SCHEMA,
            configuration=self._configuration(),
            start_epoch_ns=start_epoch_ns,
            elapsed_s=elapsed_ns / 1e9,
            valid=verdict.valid,
            reasons=verdict.reasons,
            warnings=(*verdict.warnings, *joined.outside.warnings(), *reported.warnings),
            stopped=verdict.stopped,
            status=status_of(verdict.stopped),
            outcomes=joined.outcomes(unfinished),
            outside=joined.outside.told(),
            warm_up=WarmUp(seconds=self.options.warm_up_s, operations=warmed),
            latency=histograms.latency(),
            lateness=every[LATENESS].percentiles(),
            held=every[HELD].percentiles(),
            waited_s=None if counted.waited_ns is None else counted.waited_ns / 1e9,
            throughput=_throughput(rates),
            thresholds=self._judged(thresholds, tally, histograms, rates, unfinished),
            order=self._order(times),
            workers=Workers(lost=len(ending.lost), killed=len(ending.killed)),
            unfinished=harness.unfinished,
            stood_still=still.told,
            clock_sets=still.clocks,
            lost_users=tuple(LostUser(user=user, why=why) for user, why in counted.lost.items()),
            skipped=joined.skipped(),
            losses=joined.losses(),
            mismatches=tuple(tally.mismatches),
            causes=joined.causes(),
            client=dict(reported.counters),
        )

    def _order(self, times: Timing) -> Order:
        return Order(
            edges=len(self.plan.waits),
            violated=times.violated,
            edges_found=self.plan.edges_found,
            released=times.released,
        )

    def _configuration(self) -> Configuration:
        plan, options = self.plan, self.options
        return Configuration(
            executor=options.executor,
            profile=options.profile,
            pace=plan.pace.value,
            speed=plan.speed,
            deadline_s=options.deadline_s,
            give_up_s=options.give_up_s,
            seed=options.seed,
            users=plan.captured_users,
            processes=plan.processes,
            lanes=plan.lanes // plan.loops,
            clones=plan.clones,
            loops=self.loops,
        )

    def _judged(
        self,
        thresholds: Sequence[Threshold],
        tally: Tally,
        histograms: Histograms,
        rates: Rates,
        unfinished: int,
    ) -> tuple[Judged, ...]:
        figures = Figures(
            extent=Extent(
                times={tag: one.total for tag, one in histograms.by_tag.items()},
                planned=tally.planned - tally.not_begun,
                executed=tally.executed + unfinished,
                compared=tally.compared + unfinished,
                measured=tally.measured,
                executor=self.options.executor,
                compares=self.executor.compares,
                skipped={kind.__name__: reason for kind, reason in self.executor.unsupported.items()},
            ),
            histograms=histograms.by_tag,
            errors=tally.errors + unfinished,
            mismatches=tally.mismatched,
            skipped=tally.skipped,
            throughput=rates,
        )
        return tuple(judge_thresholds(thresholds, figures))


def _write_both(
    directory: Path, joined: OperationsResult, harness: HarnessResult, start_epoch_ns: int
) -> Histograms:
    """operations.parquet and latency.hlog, beside each other."""
    log = joined.times(harness.times, harness.calls)
    with ThreadPoolExecutor(1) as beside:
        logged = beside.submit(log.write, directory / LATENCY, start_epoch_ns)
        joined.write(directory / OPERATIONS, harness.times)
        return logged.result()


def _write_client_stats(path: Path, stats: Mapping[str, Any] | None, users: Mapping[str, Any]) -> None:
    """client_stats.json, where anybody counted: `users` is what the executors did."""
    if users:
        stats = {**(stats or {}), "users": users}
    if stats is not None:
        write_document(path, stats)


def _throughput(rates: Rates) -> Throughput:
    return Throughput(**{name: None if rate is None else float(rate) for name, rate in rates.items()})


def _rates(tally: Tally, measured_ns: int, compares: bool) -> Rates:
    """What succeeded a second, of the time after the warm-up. None where nothing was measured, as the bytes
    of an executor that moves none."""
    counted = {
        "operations_per_s": tally.succeeded,
        "read_bytes_per_s": tally.read_bytes if compares else None,
        "write_bytes_per_s": tally.written_bytes if compares else None,
    }
    if not tally.measured or measured_ns <= 0:
        return dict.fromkeys(counted)
    second = Fraction(1_000_000_000, measured_ns)
    return {name: None if count is None else count * second for name, count in counted.items()}
