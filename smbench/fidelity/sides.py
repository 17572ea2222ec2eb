"""What is compared: one side's exchanges, what became of each in the lift, and the run that they belong to.

Loading it from files is the command's work; a side is plain values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from smbench.errors import UsageError
from smbench.lift.rule import Rule
from smbench.lift.rules.table import rule_named
from smbench.trace.model import Exchange, TraceInfo
from smbench.workload.store import COVERAGE, open_coverage

_UNKNOWN = -1


@dataclass(frozen=True, slots=True)
class CallFound:
    """A call of a run, and whether it was `running` when an exchange was sent, or over already."""

    kind: str
    path: str
    operation: int
    running: bool

    def __str__(self) -> str:
        said = f"{self.kind} {self.path or '/'} (operation {self.operation})"
        return said if self.running else f"after {said}"


CallFinder = Callable[[int, str, int], CallFound | None]
"""(user on the wire, path, nanoseconds since 1970) → the call in whose time it was sent."""


def _unknown(_number: int) -> None:
    return None


@dataclass(frozen=True, slots=True)
class Lifted:
    """What the lift made of an exchange."""

    disposition: str
    rule: Rule
    reason: str


@dataclass(frozen=True, slots=True)
class Dispositions:
    """What became of a trace's exchanges. `of` and `operation` are by exchange number: -1 where an exchange
    was not lifted (left out by a selection), or no operation stands for it."""

    kinds: list[Lifted]
    """Each that there is, once; `of` says which."""
    of: NDArray[np.int32]
    operation: NDArray[np.int64]

    def __getitem__(self, exchange: int) -> int:
        return int(self.of[exchange]) if exchange < len(self.of) else _UNKNOWN

    def answerable(self) -> set[int]:
        """Which of the kinds a replay is answerable for."""
        return {at for at, kind in enumerate(self.kinds) if kind.rule.answerable}


def read_dispositions(workload: Path) -> Dispositions:
    """The dispositions in a workload directory; UsageError where it has none, or has a rule of another
    version."""
    try:
        with open_coverage(workload) as file:
            table = file.table()
    except FileNotFoundError:
        raise UsageError(
            f"{workload} says nothing of its exchanges ({COVERAGE} is missing): ingest again"
        ) from None
    numbers = {name: table.column(name).combine_chunks().to_numpy() for name in ("exchange", "operation")}
    words = [table.column(name).to_pylist() for name in ("disposition", "rule", "reason")]
    kinds: dict[tuple[str, str, str], int] = {}
    of_row = [kinds.setdefault(said, len(kinds)) for said in zip(*words, strict=True)]
    size = int(numbers["exchange"].max(initial=-1)) + 1
    of_exchange = np.full(size, _UNKNOWN, np.int32)
    operation = np.full(size, _UNKNOWN, np.int64)
    of_exchange[numbers["exchange"]] = of_row
    operation[numbers["exchange"]] = numbers["operation"]
    lifted = [Lifted(disposition, rule_named(rule, file.path), reason) for disposition, rule, reason in kinds]
    return Dispositions(lifted, of_exchange, operation)


@dataclass(frozen=True, slots=True)
class Window:
    """Nanoseconds since 1970 UTC, both included. Outside it a run mounts, prepares and warms."""

    begin_ns: int
    end_ns: int
    warm_until_ns: int = 0
    """What is sent before belongs to the run's warm-up: it counts for everything but latencies."""


@dataclass(frozen=True, slots=True)
class AccountMapping:
    """Who stood for whom in a run: the captured user, the account, and the candidate's user on the wire
    where its session is known."""

    captured: str
    account: str
    user: int | None = None


@dataclass(slots=True)
class Side:
    """One side of a comparison."""

    name: str
    info: TraceInfo = field(repr=False)
    exchanges: Iterable[Exchange] = field(repr=False)
    dispositions: Dispositions = field(repr=False)
    window: Window | None = None
    """Of a run by its own marks; None: the whole trace counts."""
    connections: frozenset[int] | None = None
    """Those of the clone that is compared; None: all count."""
    outside: frozenset[int] = frozenset()
    """The users on the wire of a run who stand for somebody outside the capture: nobody there sent this."""
    mappings: list[AccountMapping] = field(default_factory=list)
    same_user: Mapping[int, int] = field(default_factory=dict)
    """Users on the wire who are a second session of another one, as a mount for streams is: what they sent
    counts as that one's."""
    folder: str | None = None
    """Beneath which folder of the share a run worked; None where that is not known."""
    share: str = ""
    """The share that a run worked on, where mounting it led through another one, as DFS does."""
    operation_of: Callable[[int], CallFound | None] = _unknown
    """An operation of the side's workload."""
    replay: bool = False
    """Whether it is a run of the reference's workload: whose calls were to send what is missing."""
    ended: Callable[[int], str | None] = _unknown
    """How an operation of the reference's workload fared in this side's run, where that tells why an
    exchange is missing: skipped, another outcome, something that the executor could not keep."""
    warm_up: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    """Which operations of the reference's workload were due in this side's warm-up."""
    calls: CallFinder | None = None
    """Which call of the run an exchange on the wire belongs to."""
    notes: list[str] = field(default_factory=list)
