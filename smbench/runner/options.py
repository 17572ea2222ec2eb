"""How a plan is carried out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from smbench.executors.base import OLD_HABITS, Habits, ShareAccess
from smbench.runner.worker import Acting
from smbench.units import whole_ns


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How a plan is carried out. `roots` has one directory a user: its mount, or a shared directory."""

    executor: str
    roots: list[Path]
    streams: Sequence[Path | None] = ()
    """Each user's second directory, for alternate data streams; empty, or None: the first has them too."""
    profile: str = "wire"
    habits: Habits = OLD_HABITS
    """Of the system's client."""
    keeps_directories: Sequence[bool] = ()
    """Of each user, as `ExecutorContext` has it; empty: of none."""
    identity: tuple[int, int] | None = None
    """User and group that the workers change to, where they are root; None: nobody changes."""
    deadline_s: float | None = None
    """The run is stopped when it has taken so long."""
    give_up_s: float = 60.0
    """The run is stopped when nobody was answered for so long (`runner.giving_up`); 0: never."""
    seed: int = 0
    """Of the data that writes carry."""
    grace_s: float = 5.0
    """How long a stopped worker may take to end its present call before it is killed."""
    acting: Sequence[Acting | None] = ()
    """Who each user's threads act as, where the system has logons (Windows); empty: as this process."""
    shares: Sequence[ShareAccess] = ()
    """How each user reaches the share, for executors that are clients themselves; `roots` mean nothing."""
    warm_up_s: float = 0.0
    """What is intended before this time since the start is carried out, and stays out of the histograms."""
    scratch: Path | None = None
    """The folder to keep the log and the calls in, which stays; None: one that goes with the result, in
    memory where that has room."""

    @property
    def give_up_ns(self) -> int:
        """`give_up_s` in the unit of the run's times."""
        return whole_ns(self.give_up_s)

    @property
    def warm_up_ns(self) -> int:
        """`warm_up_s` in the unit of the run's times."""
        return whole_ns(self.warm_up_s)
