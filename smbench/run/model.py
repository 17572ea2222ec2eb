"""The run: what a replay measured, as frozen values. `run.json` is a `Run`, key by key (docs/formats.md).

A value that may be None was not measured, does not apply, or is not told by the older version that wrote the
run. Times are integer nanoseconds, or seconds where the name ends in `_s`.
"""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
from msgspec import Struct, field

from smbench.errors import UsageError
from smbench.run.columns import REMEDY, open_operations
from smbench.run.harness import ClockSet, StoodStill, Unfinished
from smbench.run.measures import ALL, Judged, Latency, Percentiles, Throughput
from smbench.run.numbers import Copies, Nanoseconds, Seconds
from smbench.run.outcomes import Cause, LostUser, Mismatch, Order, Outcomes, Shortfall, WarmUp, Workers
from smbench.run.outside import Outside
from smbench.run.surroundings import CaptureQuality, ChosenProfile, Coverage, Machine, Mount, Wire
from smbench.stored import Count
from smbench.units import whole_ns
from smbench.workload.model import CaptureFile

OPERATIONS = "operations.parquet"
"""The file of a run directory that has one row an operation."""
SCHEMA = 1
"""Of `run.json`: a reader refuses another. Keys are added without a new number, and never change their
meaning."""

MACHINE = -1
"""The process of resources.parquet that stands for the whole machine."""


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
    """Captured ones, of all clones."""
    processes: Count = 0
    lanes: Count = 0
    """Of one loop."""
    clones: Copies = 1
    loops: Copies = 1
    seed: int = 0
    deadline_s: Seconds | None = None
    give_up_s: Seconds | None = None
    """After how long a dead server is given up; 0: never; None also in older runs, which had it not."""
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
    """The signal, "deadline", "give-up" or "killed"; None where it came to its end."""
    status: str | None = None
    """How it ended, in a word of `smbench.run.status`; None in older runs."""
    outcomes: Outcomes
    """`operations` in run.json."""
    outside: Outside | None = None
    """What was done for somebody outside the capture; None where the capture tells of nobody."""
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
    unfinished: tuple[Unfinished, ...] = ()
    """The first thousand calls that were in flight when their worker ended, the oldest first."""
    stood_still: StoodStill = StoodStill()
    clock_sets: tuple[ClockSet, ...] = ()
    skipped: tuple[Shortfall, ...] = ()
    losses: tuple[Shortfall, ...] = ()
    mismatches: tuple[Mismatch, ...]
    """The first thousand; `causes` counts all."""
    causes: tuple[Cause, ...] = ()
    mounts: tuple[Mount, ...] = ()
    client_profile: ChosenProfile | None = None
    """What was known of the system's client, where calls were chosen by it."""
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
            with open_operations(path, self.outcomes.begun) as file:
                return file.table()
        except FileNotFoundError:
            raise UsageError(f"{path} is missing, which every run has: {REMEDY}") from None

    @property
    def verdict(self) -> Verdict:
        return Verdict(valid=self.valid, reasons=self.reasons, warnings=self.warnings, stopped=self.stopped)

    @property
    def loops_begun(self) -> int:
        """Of the loops that were asked for."""
        outcomes, loops = self.outcomes, self.configuration.loops
        return loops * outcomes.begun // outcomes.planned if outcomes.planned else loops

    @property
    def warm_up_ns(self) -> int:
        """How long the warm-up was; 0 for none."""
        return whole_ns(self.warm_up.seconds)
