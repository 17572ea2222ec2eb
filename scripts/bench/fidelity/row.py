"""What is said of one replay beside its capture: figures, aims, and the causes of what they miss."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
from helpers.aims import at_least

from smbench.fidelity.comparison import Comparison
from smbench.fidelity.differences import EXTRA, MISSING, Difference
from smbench.fidelity.rows import NONE
from smbench.ratios import share_of
from smbench.run.model import Run

OUTCOMES = 0.995
RECALL = 0.97
PRECISION = 0.98
"""The aims: shares of outcomes, of what has a POSIX counterpart, and of what was sent."""
KERNEL = "kernel"
LIBRARY = "library"
_MOUNTED = "mount-probe"
"""The lift rule of what only a mount of the kernel's client asks for."""
_ANSWERED = 0


@dataclass(frozen=True, slots=True)
class Cause:
    """What is behind a figure: so many times."""

    figure: str
    """outcomes, recall, precision, breaks or order."""
    count: int
    what: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One replay, or several of which it is the worst. A share is None where there was nothing to share."""

    name: str
    by: str
    """Who replayed: the kernel's client or the library."""
    exchanges: int
    alike: int
    compared: int
    """Operations that ended as in the capture, of those that were carried out and that the capture has an
    answer to."""
    skipped: int
    recall: float | None
    """Over what has a POSIX counterpart."""
    precision: float | None
    breaks: tuple[int, int]
    violated: int
    """Edges of the captured order that were not kept."""
    makespan: float | None
    """From the first arrival to the last answer: the replay's as a multiple of the capture's."""
    reasons: tuple[str, ...]
    """Why the run is not valid; none where it is."""
    by_kernel: bool
    """Whether the captured clients were the kernel's."""
    causes: tuple[Cause, ...]
    lost: tuple[Cause, ...] = ()
    """What the replaying client sends otherwise than the captured one."""
    runs: int = 1
    equal: int = 1
    """In how many of them as many breaks were sent as in the capture."""

    @property
    def outcomes(self) -> float | None:
        return share_of(self.alike, self.compared)

    def missed(self) -> dict[str, str]:
        """The figures that miss their aims, each with what was asked for."""
        aims = {
            "outcomes": (_met(OUTCOMES, self.outcomes), f"outcomes as captured >= {OUTCOMES:.1%}"),
            "recall": (_met(RECALL, self.recall), f"recall >= {RECALL}"),
            "precision": (
                _met(PRECISION, self.precision) or not (self.by_kernel and self.by == KERNEL),
                f"precision >= {PRECISION}",
            ),
            "breaks": (self.equal == self.runs, "as many breaks as in the capture"),
            "order": (not self.violated, "the captured order"),
        }
        return {figure: asked for figure, (met, asked) in aims.items() if not met}

    def why(self) -> Iterator[Cause]:
        """The causes of what misses its aim, most first."""
        missed = self.missed()
        return iter(
            sorted(
                (cause for cause in self.causes if cause.figure in missed),
                key=lambda cause: (list(missed).index(cause.figure), -cause.count),
            )
        )


def _met(aim: float, figure: float | None) -> bool:
    return figure is None or at_least(aim, figure)


def worst(rows: list[Row]) -> Row:
    """What is said of several runs of one workload: the first that misses most."""
    equal = sum(row.breaks[0] == row.breaks[1] for row in rows)
    row = max(rows, key=lambda row: len(row.missed()))
    return replace(row, runs=len(rows), equal=equal)


def row_of(name: str, by: str, compared: Comparison, run: Run, captured: pa.Table) -> Row:
    """The figures of a run. `captured`: `operation` and `service_ns` of its workload."""
    ended = run.outcomes
    breaks = tuple(side.tally.breaks.total() for side in compared.rows)
    return Row(
        name=name,
        by=by,
        exchanges=len(compared.rows[0]),
        alike=ended.alike,
        compared=ended.answered,
        skipped=ended.skipped,
        recall=compared.posix.recall,
        precision=compared.wire.precision,
        breaks=(breaks[0], breaks[1]),
        violated=run.order.violated,
        makespan=makespan(run.operations(), captured, run.configuration.speed),
        reasons=() if run.valid else run.reasons,
        by_kernel=any(kind.rule.name == _MOUNTED for kind in compared.reference.dispositions.kinds),
        causes=(*_outcomes(run), *_exchanges(compared), *_breaks(compared)),
        lost=tuple(
            Cause("losses", loss.count, loss.kind, loss.reason)
            for loss in run.losses
            if "by this client" in loss.reason
        ),
        equal=int(breaks[0] == breaks[1]),
    )


def _outcomes(run: Run) -> Iterator[Cause]:
    for cause in run.causes:
        where = next((one for one in run.mismatches if (one.kind, one.got) == (cause.kind, cause.got)), None)
        what = f"{cause.kind}: {cause.got}, in the capture {cause.expected}"
        yield Cause("outcomes", cause.count, what, f"as {where.path or '/'}" if where else "")
    for skipped in run.skipped:
        yield Cause("outcomes", skipped.count, f"{skipped.kind}: skipped", skipped.reason)
    if run.order.violated:
        yield Cause("order", run.order.violated, "edges were not kept")


def _exchanges(compared: Comparison) -> Iterator[Cause]:
    """The missing that have a counterpart, and the extra: by command, rule and reason, with an example."""
    rows = compared.rows[0]
    lost = rows["counterpart"][np.flatnonzero(compared.matching.of_reference == NONE)] == NONE
    missing = (
        one for one, counts in zip(compared.differences.all(MISSING), lost.tolist(), strict=True) if counts
    )
    yield from _counted("recall", MISSING, missing)
    yield from _counted("precision", EXTRA, compared.differences.all(EXTRA))


def _counted(figure: str, side: str, differences: Iterable[Difference]) -> Iterator[Cause]:
    counts: Counter[tuple[str, str, str]] = Counter()
    examples: dict[tuple[str, str, str], str] = {}
    for one in differences:
        kind = (one.command, one.rule, one.reason or one.call)
        counts[kind] += 1
        examples.setdefault(kind, f"{one.parameters} of {one.path or '/'}".removeprefix(" of "))
    for kind, count in counts.most_common():
        command, rule, reason = kind
        yield Cause(
            figure, count, f"{side} {command} {rule}".rstrip(), f"{reason}; as {examples[kind]}".lstrip("; ")
        )


def _breaks(compared: Comparison) -> Iterator[Cause]:
    ours, theirs = (side.tally.breaks for side in compared.rows)
    for state in sorted({*ours, *theirs}):
        if ours[state] != theirs[state]:
            what = f"break {state}: {theirs[state]}, in the capture {ours[state]}"
            yield Cause("breaks", abs(ours[state] - theirs[state]), what)


def makespan(ran: pa.Table, captured: pa.Table, speed: float) -> float | None:
    """How long a run took as a multiple of what was asked for: from the first time that an operation was
    intended to the last answer, the capture's service times divided by the speed. None where that is no time.

    `ran` has `operation`, `intended_ns` and `completed_ns`, `captured` has `operation` and `service_ns` (-1:
    unanswered, as an operation that ended at once).
    """
    done = ran.filter(ran.column("completed_ns").is_valid())
    if not len(done):
        return None
    service = np.zeros(1 + max(captured.column("operation").to_numpy()), np.int64)
    service[captured.column("operation").to_numpy()] = np.maximum(
        captured.column("service_ns").to_numpy(), _ANSWERED
    )
    intended = done.column("intended_ns").to_numpy()
    asked = int((intended + service[done.column("operation").to_numpy()] / speed).max() - intended.min())
    took = int(done.column("completed_ns").to_numpy().max() - intended.min())
    return took / asked if asked > 0 else None
