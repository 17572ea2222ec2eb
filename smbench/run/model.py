"""The run: what a replay measured, as frozen values. `run.json` is a `Run`, key by key (docs/formats.md).

A value that may be None was not measured, does not apply, or is not told by the older version that wrote the
run. Times are integer nanoseconds, or seconds where the name ends in `_s`.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import pyarrow as pa
from msgspec import Meta, Struct, field

from smbench.errors import UsageError
from smbench.run.columns import OPERATIONS_FORM, REMEDY
from smbench.tables import TableFile
from smbench.units import whole_ns

OPERATIONS = "operations.parquet"
"""The file of a run directory that has one row an operation."""
SCHEMA = 1
"""Of `run.json`: a reader refuses another. Keys are added without a new number, and never change their
meaning."""

_HEXADECIMAL = re.compile(r"(0x)?[0-9a-fA-F]{1,16}")

MACHINE = -1
"""The process of resources.parquet that stands for the whole machine."""

ALL = "all"
"""The kind that stands for all kinds of calls in `Run.latency`, and in the tags of latency.hlog."""
SERVICE, RESPONSE, LATENESS, HELD, FAILED = "service", "response", "lateness", "held", "failed"
MEASURES = (SERVICE, RESPONSE, LATENESS, HELD, FAILED)
"""Service and response are of the calls that succeeded, or failed as the capture's did; `failed` is the
service time of the others, whose failure the capture does not have; lateness and held are of all."""
OF_ALL = (LATENESS, HELD)
"""The measures that count every call that was carried out."""

_MOST = (1 << 63) - 1
"""What a column of numbers holds."""
Count = Annotated[int, Meta(ge=0, le=_MOST)]
Copies = Annotated[int, Meta(ge=1, le=_MOST)]
Nanoseconds = Annotated[int, Meta(ge=0, le=_MOST)]
Seconds = Annotated[float, Meta(ge=0, le=_MOST / 1e9)]
Rate = Annotated[float, Meta(ge=0)]
"""What of something there is a second."""


class Configuration(Struct, frozen=True, kw_only=True):
    """What was asked for, and what the plan made of it."""

    executor: str
    profile: str
    pace: str
    speed: float = 1.0
    workload: str = ""
    """Name of the workload or capture that was replayed."""
    target: str = ""
    users: Count = 0
    processes: Count = 0
    lanes: Count = 0
    """Of one loop."""
    clones: Copies = 1
    loops: Copies = 1
    seed: int = 0
    deadline_s: Seconds | None = None
    mount_options: tuple[str, ...] | None = None
    """Those that were given."""
    users_per_process: Copies | None = None
    prepared: bool | None = None
    content: str | None = None
    """Of the prepared files; None where none were prepared."""
    close_gaps_s: Seconds | None = None
    gaps_closed: Count | None = None
    gaps_lasted_s: Seconds | None = None
    """Of the gaps that were closed, in the capture's time."""
    namespace: str | None = None
    """Of the clones, where there are several: isolated or shared."""
    stagger_s: Seconds | None = None
    stagger_rule: str | None = None
    loop_namespace: str | None = None
    """Of the loops, where there are several: fresh or same."""
    client_calls: Count = 0
    """How many calls of the workload the captured client made by itself."""
    client_calls_replayed: bool = False


class Outcomes(Struct, frozen=True, kw_only=True):
    """How many operations there were, and how they ended beside the capture."""

    planned: Count
    executed: Count
    skipped: Count
    matched: Count | None = None
    mismatched: Count | None = None
    errors: Count | None = None
    """Of the mismatched: failed here, and did not in the capture. All three are None where nothing was
    compared."""
    unanswered: Count | None = None
    """Of the executed: those that the capture has no answer for."""
    compared: bool = True
    """Whether the executor's outcomes mean anything."""

    def __post_init__(self) -> None:
        if self.uncompared is None and self.mismatched is None:
            raise ValueError("it lacks `mismatched`, and outcomes were compared")
        for whole, part in (("planned", "executed"), ("executed", "unanswered"), ("mismatched", "errors")):
            if (getattr(self, part) or 0) > (getattr(self, whole) or 0):
                raise ValueError(f"`{part}` is more than `{whole}`")
        if self.alike < 0:
            raise ValueError("`mismatched` is more than were compared")

    @property
    def answered(self) -> int:
        """Of the executed: those that the capture has an answer for. Older runs count all."""
        return self.executed - (self.unanswered or 0)

    @property
    def alike(self) -> int:
        """How many ended as in the capture; older runs count what it has no answer for among the matched."""
        return self.answered - (self.mismatched or 0)

    @property
    def uncompared(self) -> str | None:
        """Why no outcome was compared; None where some were."""
        if not self.compared:
            return "this executor has no outcomes"
        if not self.executed:
            return "nothing was carried out"
        return None if self.answered else "the capture has no answer"


class WarmUp(Struct, frozen=True, kw_only=True):
    """What was due in the first `seconds`: carried out and compared, and in no time and no rate."""

    seconds: Seconds = 0.0
    operations: Count = 0


class Percentiles(Struct, frozen=True, kw_only=True):
    """Of a histogram; None where nothing was counted."""

    p50_ns: Nanoseconds | None
    p90_ns: Nanoseconds | None
    p99_ns: Nanoseconds | None
    p99_9_ns: Nanoseconds | None
    max_ns: Nanoseconds | None


class Failures(Struct, frozen=True, kw_only=True):
    """The service times of calls that failed, and whose failure the capture does not have."""

    count: Count
    p50_ns: Nanoseconds | None
    p90_ns: Nanoseconds | None
    p99_ns: Nanoseconds | None
    p99_9_ns: Nanoseconds | None
    max_ns: Nanoseconds | None


class Latency(Struct, frozen=True, kw_only=True):
    """Of one kind of call, by measure (`MEASURES`); `count` is of service and response."""

    count: Count
    service: Percentiles
    response: Percentiles
    lateness: Percentiles | None = None
    held: Percentiles | None = None
    failed: Failures | None = None


class Throughput(Struct, frozen=True, kw_only=True):
    """What succeeded a second, after the warm-up; None where nothing was measured."""

    operations_per_s: Rate | None
    read_bytes_per_s: Rate | None
    write_bytes_per_s: Rate | None


class Judged(Struct, frozen=True, kw_only=True):
    """A threshold beside what was measured. `value` is None where nothing was, and `reason` then says why."""

    text: str
    value: int | float | None
    """Counts and times are integers."""
    unit: str
    met: bool
    reason: str | None = None
    limit: float | None = None
    """What it was held against."""
    baseline: float | None = None
    """What a relative one had before."""


class Order(Struct, frozen=True, kw_only=True):
    """Happens-before edges: found, kept (without those that others imply), and what became of them."""

    edges: Count
    violated: Count
    edges_found: Count = 0
    released: Count = 0


class Workers(Struct, frozen=True, kw_only=True):
    lost: Count = 0
    killed: Count = 0


class LostUser(Struct, frozen=True, kw_only=True):
    """A user who could carry out nothing more, and why."""

    user: str
    why: str


class Shortfall(Struct, frozen=True, kw_only=True):
    """Calls of a kind that were skipped, or carried out without something, with the executor's reason."""

    kind: str
    reason: str
    count: Count


class Mismatch(Struct, frozen=True, kw_only=True):
    """An operation that ended otherwise than in the capture."""

    operation: Count
    user: str
    kind: str
    path: str
    expected: str | None
    got: str
    warm_up: bool | None = None
    """Whether it was due in the warm-up."""


class Cause(Struct, frozen=True, kw_only=True):
    """All mismatches of one kind, expectation and outcome; `warm_up` of them were due in the warm-up."""

    kind: str
    expected: str | None
    got: str
    count: Count
    warm_up: Count = 0


class Connection(Struct, frozen=True, kw_only=True):
    """What the client says of a mount's own connection."""

    id: int
    session: str | None = None
    """Its number, in hexadecimal."""
    dialect: str | int | None = None
    nosharesock: bool | None = None
    signed: bool = False
    encrypted: bool = False
    channels: int | None = None
    credits: int | None = None

    def __post_init__(self) -> None:
        if self.session is not None and not _HEXADECIMAL.fullmatch(self.session):
            raise ValueError("`session` is no number")

    @property
    def session_id(self) -> int:
        """0 where it is not told."""
        return int(self.session or "0", 16)


class Asked(Struct, frozen=True, kw_only=True):
    """A mount option that was asked for, and why."""

    name: str
    value: str | None = None
    reason: str = ""


class Mount(Struct, frozen=True, kw_only=True):
    """Where a user worked: a share that was mounted, or a directory that was there."""

    user: str
    root: str
    account: str | None = None
    share: str | None = None
    """None for a directory."""
    filesystem: str | None = None
    source: str | None = None
    logon: str | None = None
    options: str | None = None
    """Those that took effect."""
    asked: tuple[Asked, ...] = ()
    differences: tuple[str, ...] = ()
    connection: Connection | None = None
    """None where the kernel does not tell."""


class Reason(Struct, frozen=True, kw_only=True):
    """Exchanges of a disposition and command, with the lift's reason."""

    disposition: str
    command: str
    reason: str
    count: Count


class Coverage(Struct, frozen=True, kw_only=True):
    """What became of the capture's exchanges; the four add up to `exchanges`. Reasons are of the approximate
    and the unsupported alone."""

    exchanges: Count
    exact: Count = 0
    approximate: Count = 0
    client: Count = 0
    unsupported: Count = 0
    reasons: tuple[Reason, ...] = ()


class CaptureQuality(Struct, frozen=True, kw_only=True):
    """What the capture lacked: its grade, the word for it, and a sentence for each count that matters."""

    grade: dict[str, Count] = field(default_factory=dict)
    quality: str = ""
    warnings: tuple[str, ...] = ()


class CaptureFile(Struct, frozen=True, kw_only=True):
    """A capture that the workload was made of, as far as it tells it from others."""

    name: str
    bytes: Count
    packing: str
    sha256: str


class Machine(Struct, frozen=True, kw_only=True):
    name: str
    processors: Count | None = None


class Wire(Struct, frozen=True, kw_only=True):
    """The capture of the run itself."""

    file: str
    interface: str
    addresses: tuple[str, ...] = ()
    filter: str = ""
    window_ns: tuple[Nanoseconds, Nanoseconds] | None = None
    """From the first mark on the wire to the last, since 1970."""
    packets: dict[str, Count] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


class Verdict(Struct, frozen=True, kw_only=True):
    """Whether the figures can be trusted, and why not; what stopped the run before its end."""

    valid: bool
    reasons: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    stopped: str | None = None


class Run(Struct, frozen=True, kw_only=True, rename={"outcomes": "operations"}):
    """A replay that has ended."""

    schema: int
    kind: str = "run"
    configuration: Configuration
    start_epoch_ns: Nanoseconds
    """When it began, since 1970 UTC; zero of all other times."""
    elapsed_s: Seconds
    valid: bool
    reasons: tuple[str, ...]
    warnings: tuple[str, ...]
    stopped: str | None
    """The signal, or "deadline"; None where it came to its end."""
    outcomes: Outcomes
    """`operations` in run.json."""
    warm_up: WarmUp = WarmUp()
    latency: dict[str, Latency]
    """By kind of call, and `all`."""
    lateness: Percentiles
    held: Percentiles | None = None
    waited_s: Seconds | None = None
    """How long lanes were ready to run and had no processor."""
    throughput: Throughput
    thresholds: tuple[Judged, ...] = ()
    order: Order
    workers: Workers = Workers()
    lost_users: tuple[LostUser, ...] = ()
    skipped: tuple[Shortfall, ...] = ()
    losses: tuple[Shortfall, ...] = ()
    mismatches: tuple[Mismatch, ...]
    """The first thousand; `causes` counts all."""
    causes: tuple[Cause, ...] = ()
    mounts: tuple[Mount, ...] = ()
    client: dict[str, Count] = field(default_factory=dict)
    """What the client counted of itself."""
    coverage: Coverage | None = None
    capture: CaptureQuality | None = None
    capture_files: tuple[CaptureFile, ...] = ()
    machine: Machine | None = None
    versions: dict[str, str | None] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    wire: Wire | None = None
    directory: Path | None = None
    """Where it was read from or written to; no key of run.json."""

    def __post_init__(self) -> None:
        if ALL not in self.latency:
            raise ValueError(f"it lacks `latency.{ALL}`")

    @property
    def name(self) -> str:
        """Of its directory."""
        return "" if self.directory is None else self.directory.name

    def file(self, name: str) -> Path:
        """One of the files of its directory. UsageError where it has none."""
        if self.directory is None:
            raise UsageError(f"this run was not written: {name} stands in its directory")
        return self.directory / name

    def operations(self) -> pa.Table:
        """One row an operation, with its times, its outcome and the capture's (docs/formats.md). UsageError
        where that cannot be read."""
        path = self.file(OPERATIONS)
        try:
            with TableFile(path, OPERATIONS_FORM) as file:
                return file.table()
        except FileNotFoundError:
            raise UsageError(f"{path} is missing, which every run has: {REMEDY}") from None

    @property
    def verdict(self) -> Verdict:
        return Verdict(valid=self.valid, reasons=self.reasons, warnings=self.warnings, stopped=self.stopped)

    @property
    def warm_up_ns(self) -> int:
        """How long the warm-up was; 0 for none."""
        return whole_ns(self.warm_up.seconds)
