"""The Workload: operations, the namespace that they presume, and what became of every exchange."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from smbench.stored import Count
from smbench.trace.model import TraceInfo
from smbench.workload.calls import Call

OUTSIDE = -1
"""The user of an operation that nobody of the capture asked for: somebody outside did it."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One call of one user: what was asked, when, and what came of it in the capture.

    `arrival_ns` is the request's time since the trace's start, `service_ns` what the client waited
    for the answer (-1 where the capture has none), `expected` the NTSTATUS of the capture (None
    where it has none), `exchanges` the indices of the exchanges that it stands for, `rule` the lift
    rule that made it. `lane` is the sequence of its user that it belongs to: operations of one lane
    never overlapped. `received` is what it moved in the capture (`workload.amounts`; None: not told).
    """

    index: int
    user: int
    lane: int
    arrival_ns: int
    service_ns: int
    expected: int | None
    exchanges: tuple[int, ...]
    rule: str
    path: str
    """The path of the file, for people and for order; a call by handle has no other."""
    call: Call
    received: int | None = None
    by_client: bool = False
    """Nobody asked for it: the captured client made it by itself, beside a call. Only an executor that is a
    client itself repeats it."""


class Disposition(StrEnum):
    """What became of an exchange; the four add up to all exchanges."""

    EXACT = "exact"
    APPROXIMATE = "approximate"
    CLIENT = "client"
    """The operating system's client does it by itself: breaks, echo, credits, session set-up."""
    UNSUPPORTED = "unsupported"


@dataclass(frozen=True, slots=True)
class Coverage:
    """How many exchanges of one command met one fate, and why."""

    disposition: Disposition
    command: str
    reason: str
    """The difference (approximate), what the client does, why not (unsupported), or the rule (exact)."""
    count: Count


class Kind(StrEnum):
    FILE = "file"
    DIRECTORY = "directory"
    STREAM = "stream"


@dataclass(frozen=True, slots=True)
class NamespaceEntry:
    """One path that must be there before the replay (`present`), or must not be."""

    path: str
    kind: Kind
    present: bool = True
    size: int = 0
    size_known: bool = False
    """False: the capture never told; the size is the least that its reads presume."""
    attributes: int | None = None
    created_ns: int | None = None
    accessed_ns: int | None = None
    written_ns: int | None = None
    ea_names: tuple[str, ...] | None = None
    """Its extended attributes, as `SetEa` names them; None: the capture never told."""
    ea_lengths: tuple[int, ...] | None = None
    """Bytes of their values."""


@dataclass(frozen=True, slots=True)
class Break:
    """The server took back what it had promised the client of an open: a lease, or an oplock."""

    handle: int
    """The open; of several that share a lease, the latest."""
    notified_ns: int
    """When the server said so, since the trace's start."""
    state: int
    """What is left: bits 1 read, 2 handle, 4 write, of an oplock as `smbench.smb2.leases` has them."""
    answered_ns: int
    """When the client acknowledged it, or closed the open instead; -1: it did neither."""


@dataclass(frozen=True, slots=True)
class CaptureFile:
    """A capture that was ingested, as far as it tells it from others."""

    name: str
    bytes: Count
    """Of the file as it was given."""
    packing: str
    """`plain`, `gz` or `zst`."""
    sha256: str
    """Of the first MiB, unpacked: its header and first packets."""


@dataclass(frozen=True, slots=True)
class Outside:
    """What somebody outside the capture changed meanwhile, as its answers tell."""

    changes: dict[str, Count] = field(default_factory=dict)
    """How many, by what they are: appeared, gone, resized, held, locked."""
    operations: Count = 0
    """How many stand for them, beside those of users; their user is `OUTSIDE`."""

    @property
    def count(self) -> int:
        """Of all changes."""
        return sum(self.changes.values())


@dataclass(slots=True)
class WorkloadInfo:
    """What belongs to a workload as a whole. `trace` keeps its users, sessions and mount-relevant facts."""

    trace: TraceInfo = field(default_factory=TraceInfo)
    coverage: list[Coverage] = field(default_factory=list)
    operations: dict[str, int] = field(default_factory=dict)
    """Operations by kind of call: those that users asked for."""
    lanes: list[int] = field(default_factory=list)
    """Lanes of each user."""
    operations_by_user: list[int] = field(default_factory=list)
    client_calls: int = 0
    """Operations beside those, which the clients made by themselves (`Operation.by_client`)."""
    outside: Outside = Outside()
    capture_files: list[CaptureFile] = field(default_factory=list)
    """In the order of the trace's captures; none where nobody knows, as in older workloads."""

    def by_disposition(self) -> dict[str, int]:
        """How many exchanges met each disposition."""
        found = dict.fromkeys((disposition.value for disposition in Disposition), 0)
        for row in self.coverage:
            found[row.disposition.value] += row.count
        return found

    def reasons(self) -> list[Coverage]:
        """The coverage by disposition, in each the most frequent first."""
        return sorted(self.coverage, key=lambda row: (row.disposition, -row.count, row.command, row.reason))


@dataclass(slots=True)
class Workload:
    """A lifted trace. `operations` and `namespace` may be iterated again and again.

    Stored operations show what users asked for; `smbench.workload.seen` shows more of them.
    """

    info: WorkloadInfo
    operations: Iterable[Operation]
    namespace: Iterable[NamespaceEntry]
    breaks: Iterable[Break] = ()
    """None in workloads that older versions lifted."""
