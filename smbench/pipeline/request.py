"""What a replay is asked for, as one frozen value: settings, their defaults, and what makes no sense."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar

from smbench.errors import UsageError
from smbench.executors.base import Executor
from smbench.executors.registry import executor_class, native
from smbench.measure.thresholds import parse_thresholds
from smbench.mounts.options import PROFILES
from smbench.mounts.target import parse_target
from smbench.pipeline.amounts import check_duration, check_number, check_speed
from smbench.plan.model import Pace
from smbench.prepare.content import DEFAULT_MAX_BYTES, Content
from smbench.quoting import quoted


class Namespace(StrEnum):
    """Of clones."""

    ISOLATED = "isolated"
    """Each has a folder and files of its own."""
    SHARED = "shared"
    """All meet on the same files."""


class LoopNamespace(StrEnum):
    """Of loops."""

    FRESH = "fresh"
    """Files are prepared, and the target is mounted, anew for each."""
    SAME = "same"
    """Each goes on with what the last one left."""


Chosen = TypeVar("Chosen", bound=StrEnum)


class Calibrate(StrEnum):
    """When a client profile is made of the target's own client, before the run."""

    AUTO = "auto"
    """Where none that is known fits."""
    ALWAYS = "always"
    NEVER = "never"


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """Where to, and as whom: what each step needs that has a target. UsageError where it makes no sense."""

    target: str
    """`//server/share[/folder]`, or a directory that exists."""
    users: Path | None = None
    """users.toml: the accounts on the target."""
    profile: str = "wire"
    mount_options: Sequence[str] = ()
    """`K=V`; they win over the derived ones."""

    def __post_init__(self) -> None:
        if self.profile not in PROFILES:
            raise UsageError(f"--profile {quoted(self.profile)} is none: it is {' or '.join(PROFILES)}")
        parse_target(self.target)
        _set(self, target=str(self.target), mount_options=tuple(self.mount_options))
        if self.users is not None:
            _set(self, users=Path(self.users))


@dataclass(frozen=True, slots=True, kw_only=True)
class Filling:
    """How the files that a workload presumes are made."""

    content: Content = Content.AUTO
    max_bytes: int = DEFAULT_MAX_BYTES
    """The most content that may be written."""
    force: bool = False
    """Beside files of others, which are left alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request(Destination):
    """A replay as it is asked for; by names and defaults the options of `smbench-mount replay`, whose --help
    says what each is. Durations are in seconds.

    Checked when it is made: UsageError, with the option's name, for what cannot be or excludes each other.
    """

    output: Path | None = None
    """The run directory to write; None: a temporary one, which goes with the process."""
    force: bool = False
    """Replace an earlier run there; prepare beside files of others."""
    shared_target: bool = False
    """Others may prepare and replay there meanwhile."""
    source: str = ""
    """What the workload is called in the result; by default as its directory is."""
    executor: str = native()
    pace: Pace = Pace.ORIGINAL
    speed: float = 1.0
    close_gaps_s: float | None = None
    users_per_process: int = 1
    clones: int = 1
    namespace: Namespace = Namespace.ISOLATED
    stagger_s: float | None = None
    loops: int = 1
    loop_namespace: LoopNamespace = LoopNamespace.FRESH
    warm_up_s: float = 0.0
    prepare: bool = True
    content: Content = Content.AUTO
    max_bytes: int = DEFAULT_MAX_BYTES
    outside: bool = True
    """Whether what somebody outside the capture changed is changed here as well."""
    client_profile: Path | None = None
    """The client profile to go by, whatever the client does; None: one that fits."""
    calibrate: Calibrate = Calibrate.AUTO
    wire: bool = False
    deadline_s: float | None = None
    give_up_s: float = 60.0
    """The run ends when no user was answered for so long; 0: never."""
    thresholds: Sequence[str] = ()
    """As `read.response.p99<20ms`; judged in `Run.thresholds`."""
    baseline: Path | None = None
    """The run that relative thresholds are multiples of."""
    seed: int = 0
    """Of the data that writes carry."""

    def __post_init__(self) -> None:
        parse_thresholds(self.thresholds)
        check_speed(self.speed)
        for option, seconds, above_s in (
            ("--deadline", self.deadline_s, 0.0),
            ("--stagger", self.stagger_s, -1.0),
            ("--close-gaps", self.close_gaps_s, -1.0),
            ("--warm-up", self.warm_up_s, -1.0),
            ("--give-up", self.give_up_s, -1.0),
        ):
            if seconds is not None:
                check_duration(option, seconds, above_s=above_s)
        for option, value, least in (
            ("--users-per-process", self.users_per_process, 1),
            ("--clone", self.clones, 1),
            ("--loop", self.loops, 1),
            ("--max-bytes", self.max_bytes, 0),
        ):
            check_number(option, value, least)
        if self.deadline_s is not None and self.loops == 1 and self.warm_up_s >= self.deadline_s:
            raise UsageError(
                f"--warm-up of {self.warm_up_s:g} s leaves nothing to measure before the --deadline of "
                f"{self.deadline_s:g} s"
            )
        if self.wire and self.loops > 1:
            raise UsageError(WIRE_OF_ONE_RUN)
        _set(
            self,
            pace=_chosen("--pace", Pace, self.pace),
            namespace=_chosen("--namespace", Namespace, self.namespace),
            loop_namespace=_chosen("--loop-namespace", LoopNamespace, self.loop_namespace),
            content=_chosen("--content", Content, self.content),
            calibrate=_chosen("--calibrate", Calibrate, self.calibrate),
            thresholds=tuple(self.thresholds),
        )
        if self.client_profile is not None and self.calibrate is Calibrate.ALWAYS:
            raise UsageError("--client-profile and --calibrate always exclude each other: leave one of them")
        for name in ("output", "baseline", "client_profile"):
            if (path := getattr(self, name)) is not None:
                _set(self, **{name: Path(path)})
        executor_class(self.executor)
        Destination.__post_init__(self)

    @property
    def backend(self) -> type[Executor]:
        """What carries the calls out."""
        return executor_class(self.executor)

    @property
    def filling(self) -> Filling:
        return Filling(content=self.content, max_bytes=self.max_bytes, force=self.force)


WIRE_OF_ONE_RUN = "--wire captures one run: leave --loop and --find-capacity"

DEFAULTS: Mapping[str, Any] = {
    field.name: field.default for field in fields(Request) if field.default is not MISSING
}
"""By field, for whoever offers them as options."""


def _set(request: object, **values: object) -> None:
    for name, value in values.items():
        object.__setattr__(request, name, value)


def _chosen(option: str, kind: type[Chosen], value: str) -> Chosen:
    try:
        return kind(value)
    except ValueError:
        raise UsageError(f"{option} {quoted(value)} is none: it is {' or '.join(kind)}") from None
