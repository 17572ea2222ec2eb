"""Whether a run can be trusted, and why not. Pure.

The instrument is at fault where it issued late although it could have issued, where the machine had no
processor, memory or descriptor left for it, or where parts of the run are missing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum

from smbench.run.model import Verdict
from smbench.run.status import DEADLINE
from smbench.units import format_ns

LATENESS_SHARE = 0.10
"""Lateness may be this share of the response time, both at the percentile that is judged …"""
LATENESS_FLOOR_NS = 1_000_000
"""… or this long, whatever the response times are: what a busy scheduler does to anybody."""
WAIT_SHARE = 0.25
"""What an operation waits for a processor may be this share of its response time, both on average:
less than what a machine makes it wait that is busy to its limit …"""
WAIT_FLOOR_NS = 100_000
"""… or this long, …"""
WAIT_IN_ALL_NS = 100_000_000
"""… and little in all is an accident: some schedulers count in ticks of 10 ms."""
OVERDUE_NS = 10_000_000
"""What was due for less than this when a run was stopped, a busy scheduler keeps from anybody."""
CPU_LIMIT_PERCENT = 85.0
STEAL_LIMIT_PERCENT = 5.0
BUSY_SHARE = 0.10
"""The share of the run's time that may be above a limit …"""
BUSY_FLOOR_S = 1.0
"""… or this long, of a run of less than two seconds half of it: a burst is no lack."""
TOLD_FLOOR_S = 0.1
"""What the processors did is told in steps of 10 ms: of a shorter run nobody knows it."""
MEMORY_FLOOR_PERCENT = 3.0
"""Below this much available memory a kernel reclaims while it works …"""
SWAP_LIMIT_BYTES = 1_000_000
"""… and what it has swapped, somebody waits for."""


@dataclass(frozen=True, slots=True)
class RunFacts:
    """What the verdict follows from."""

    paced: bool
    """Operations had times of their own; without, the run takes what processor time there is."""
    percentile: float
    """At which the two times are compared (`judged_percentile`)."""
    lateness_ns: int
    response_ns: int
    sample_s: Sequence[float] = ()
    """How much of the run each sample of the machine covers: a second, the last one less."""
    cpu_percent: Sequence[float | None] = ()
    """Of the whole machine, by sample, None where that was too short to tell; so is `steal_percent`."""
    steal_percent: Sequence[float | None] = ()
    mean_response_ns: float = 0.0
    mean_wait_ns: float = 0.0
    """How long an operation's thread was ready to run and had no processor, on average."""
    waited_ns: int = 0
    """The same of all operations together."""
    available_percent: float = 100.0
    """The least of the machine's memory that was available at a sample."""
    swapped_bytes: int = 0
    out_of_descriptors: int = 0
    """Operations that failed because this machine had no descriptor left."""
    lost_workers: Sequence[str] = ()
    killed_workers: int = 0
    """Without those that had a call in flight, which `unfinished` names."""
    unfinished: Sequence[str] = ()
    """Calls that were in flight when their worker ended, a sentence each."""
    stood_still: Sequence[str] = ()
    """Where the harness stood still, or clocks were set, a sentence each."""
    lost_users: Sequence[str] = ()
    """Users who could carry out nothing more, while their workers lived, and why."""
    stopped: str = ""
    lasted_s: float | None = None
    """From the end of the warm-up to when it was; None where it was not."""
    carried_out: str = ""
    """How many operations were, of how many."""
    given_up: str = ""
    """That the server was given up, and why."""
    overdue: int = 0
    """Operations that were due when it was, and are missing."""
    nothing: str = ""
    """Why not one operation was carried out; empty where one was."""
    defects: Sequence[str] = ()
    order_violated: int = 0
    order_released: int = 0
    """Operations that waited for one that never came, because its worker was lost."""
    unrecorded: int = 0
    """Operations without a record in the log although nothing ended the run early."""
    out_of_range: int = 0
    only_warm_up: int = 0
    """Operations that were carried out where all of them were due in the warm-up."""


def judged_percentile(operations: int) -> float:
    """The highest of p99, p90 and p50 that ten operations lie above: beyond it a time is an accident."""
    return next((percentile for percentile in (99.0, 90.0) if operations * (100 - percentile) >= 1000), 50.0)


def _too_long(facts: RunFacts, percent: Sequence[float | None], limit: float) -> str:
    """For how much of the run the samples are above the limit, in words; "" where that is allowed."""
    whole_s = sum(facts.sample_s)
    above_s = sum(
        lasted_s for lasted_s, value in zip(facts.sample_s, percent, strict=True) if (value or 0.0) > limit
    )
    if whole_s < TOLD_FLOOR_S or above_s <= max(BUSY_SHARE * whole_s, min(BUSY_FLOOR_S, whole_s / 2)):
        return ""
    allowed = f"a tenth, at least {BUSY_FLOOR_S:g} s" if whole_s >= 2 * BUSY_FLOOR_S else "half of them"
    digits = 1 if whole_s >= BUSY_FLOOR_S else 2
    return f"{above_s:.{digits}f} of {whole_s:.{digits}f} s (allowed is {allowed})"


class Severity(Enum):
    """What becomes of a run that a rule speaks of."""

    INVALID = "invalid"
    PACED = "invalid where operations had times of their own, else a warning"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of validity; `says` gives a sentence for each thing that it finds."""

    severity: Severity
    says: Callable[[RunFacts], Sequence[str]]


def judge(facts: RunFacts) -> Verdict:
    """The verdict on a run: `RULES`, one after the other."""
    reasons: list[str] = []
    warnings: list[str] = []
    for rule in RULES:
        invalid = rule.severity is Severity.INVALID or (rule.severity is Severity.PACED and facts.paced)
        (reasons if invalid else warnings).extend(rule.says(facts))
    return Verdict(
        valid=not reasons,
        reasons=tuple(reasons),
        warnings=tuple(warnings),
        stopped=facts.stopped or None,
    )


def _late(facts: RunFacts) -> Sequence[str]:
    allowed_ns = max(LATENESS_SHARE * facts.response_ns, LATENESS_FLOOR_NS)
    if facts.lateness_ns <= allowed_ns:
        return ()
    at = f"p{facts.percentile:g}"
    return (
        f"the harness was late: lateness {at} {format_ns(facts.lateness_ns)}, allowed "
        f"{format_ns(allowed_ns)} (a tenth of the response time's {at}, at least 1 ms)",
    )


def _short(facts: RunFacts) -> Sequence[str]:
    whole_s = sum(facts.sample_s)
    if not facts.paced or not 0 < whole_s < TOLD_FLOOR_S:
        return ()
    return (
        f"{1000 * whole_s:.0f} ms are too short to tell whether this machine's processors were busy; "
        "--loop makes it longer",
    )


def _busy(facts: RunFacts) -> Sequence[str]:
    above = _too_long(facts, facts.cpu_percent, CPU_LIMIT_PERCENT)
    if not above:
        return ()
    return (
        f"the processors of this machine were more than {CPU_LIMIT_PERCENT:g} % busy for {above}: the "
        "times hold waits for a processor",
    )


def _stolen(facts: RunFacts) -> Sequence[str]:
    above = _too_long(facts, facts.steal_percent, STEAL_LIMIT_PERCENT)
    if not above:
        return ()
    return (f"the host took more than {STEAL_LIMIT_PERCENT:g} % of the processor time away for {above}",)


def _waited(facts: RunFacts) -> Sequence[str]:
    allowed_ns = max(WAIT_SHARE * facts.mean_response_ns, WAIT_FLOOR_NS)
    if facts.mean_wait_ns <= allowed_ns or facts.waited_ns <= WAIT_IN_ALL_NS:
        return ()
    return (
        f"operations waited for a processor for {format_ns(facts.mean_wait_ns)} on average, allowed "
        f"{format_ns(allowed_ns)} (a quarter of the mean response time, at least 0.1 ms)",
    )


def _memory(facts: RunFacts) -> Sequence[str]:
    said = []
    if facts.available_percent < MEMORY_FLOOR_PERCENT:
        said.append(
            f"this machine's memory was used up: {facts.available_percent:.1f} % available, needed are "
            f"{MEMORY_FLOOR_PERCENT:g} %"
        )
    if facts.swapped_bytes > SWAP_LIMIT_BYTES:
        said.append(f"this machine swapped {facts.swapped_bytes / 1e6:,.1f} MB: the times hold waits for it")
    return said


def _where(found: Callable[[RunFacts], int | str], sentence: str) -> Callable[[RunFacts], Sequence[str]]:
    """A rule that a number has to be 0, or a text empty; `sentence` has it at `{}`."""

    def says(facts: RunFacts) -> Sequence[str]:
        value = found(facts)
        return (sentence.format(value),) if value else ()

    return says


def _cut_at_once(facts: RunFacts) -> Sequence[str]:
    lasted_s = facts.lasted_s
    if facts.stopped != DEADLINE or facts.nothing or lasted_s is None or lasted_s >= TOLD_FLOOR_S:
        return ()
    return (
        f"the deadline cut the run off at once: {facts.carried_out} operations in "
        f"{format_ns(max(lasted_s, 0) * 1e9)} after the warm-up, "
        f"needed are {TOLD_FLOOR_S:g} s; raise --deadline",
    )


RULES = (
    Rule(Severity.INVALID, lambda facts: facts.stood_still),
    Rule(Severity.PACED, _late),
    Rule(Severity.WARNING, _short),
    Rule(Severity.PACED, _busy),
    Rule(Severity.INVALID, _stolen),
    Rule(Severity.PACED, _waited),
    Rule(Severity.INVALID, _memory),
    Rule(
        Severity.INVALID,
        _where(
            lambda facts: facts.out_of_descriptors,
            "{} operations found no file descriptor left on this machine; raise the limit (ulimit -n), or "
            "put fewer users into one process (--users-per-process)",
        ),
    ),
    Rule(Severity.INVALID, lambda facts: facts.lost_workers),
    Rule(Severity.INVALID, lambda facts: facts.lost_users),
    Rule(
        Severity.INVALID,
        _where(
            lambda facts: facts.killed_workers,
            "{} workers did not end in time and were killed",
        ),
    ),
    Rule(Severity.INVALID, lambda facts: facts.unfinished),
    Rule(Severity.INVALID, _where(lambda facts: facts.given_up, "{}")),
    Rule(Severity.WARNING, _where(lambda facts: facts.stopped, "the run was stopped before its end ({})")),
    Rule(
        Severity.INVALID,
        _where(
            lambda facts: facts.overdue,
            "{} operations were due when the run was stopped and are missing: what took longest is in no "
            "time; give it longer, or less to do",
        ),
    ),
    Rule(Severity.INVALID, _cut_at_once),
    Rule(Severity.INVALID, _where(lambda facts: facts.nothing, "no operation was carried out: {}")),
    Rule(Severity.INVALID, lambda facts: facts.defects),
    Rule(
        Severity.INVALID,
        _where(lambda facts: facts.order_violated, "{} operations were issued before what they depend on"),
    ),
    Rule(
        Severity.INVALID,
        _where(lambda facts: facts.order_released, "{} operations went on without what they depend on"),
    ),
    Rule(
        Severity.INVALID,
        _where(lambda facts: facts.unrecorded, "{} operations left no record in the log"),
    ),
    Rule(
        Severity.INVALID,
        _where(
            lambda facts: facts.only_warm_up,
            "nothing was measured: all {} operations were due in the warm-up; shorten it",
        ),
    ),
    Rule(
        Severity.WARNING,
        _where(
            lambda facts: facts.out_of_range,
            "{} times were outside of 1 ns … 1 h and are in no histogram",
        ),
    ),
)
"""All rules, in the order in which a result lists what they say."""
