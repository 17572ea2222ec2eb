"""The Plan: arrays over all operations, in the order in which lanes issue them.

A *lane* here is one sequence of one user, numbered over the whole plan, process by process. Operations
are numbered by *place*: lane 0's first, then lane 1's, … (`lane_start` says where each begins); `row`
leads from a place to the workload's row. No object exists per operation, so a plan of five million is
some arrays of as many numbers, which forked workers share.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.signedinteger[Any]]


_LANE_BITS = 32


def lane_keys(user: Integers, lane: Integers) -> NDArray[np.int64]:
    """A number a lane of a user, in the order in which a plan has them."""
    return np.asarray(user.astype(np.int64) << _LANE_BITS | lane)


def lanes_of_keys(keys: NDArray[np.int64]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """User and lane of `lane_keys`."""
    return (keys >> _LANE_BITS).astype(np.int32), (keys & (1 << _LANE_BITS) - 1).astype(np.int32)


class Pace(StrEnum):
    """When an operation is issued, besides what it has to wait for."""

    ORIGINAL = "original"
    """Open loop: at its time in the capture, divided by the speed, late or not."""
    THINK = "think"
    """Closed loop: so long after its lane's last answer as in the capture, divided by the speed."""
    FAST = "fast"
    """As soon as its lane is free and the order allows."""


@dataclass(frozen=True, slots=True)
class Waits:
    """Edges of the happens-before relation: `place` is not issued before lane `lane` has completed at
    least `count` of its operations. Sorted by place; only edges that no other one implies."""

    place: Integers
    lane: Integers
    count: Integers

    def __len__(self) -> int:
        return len(self.place)


def _none() -> NDArray[np.int64]:
    return np.zeros(0, np.int64)


@dataclass(frozen=True, slots=True)
class BriefWaits:
    """What waits for a notification, or an open that breaks, but not for long, whatever comes of it: `place`
    is not issued before the last of lane `lane`'s first `count` operations is armed (a notification) or
    under way (an open), or (`answered`) answered. Sorted by place."""

    place: Integers = field(default_factory=_none)
    lane: Integers = field(default_factory=_none)
    count: Integers = field(default_factory=_none)
    answered: Integers = field(default_factory=_none)

    def __len__(self) -> int:
        return len(self.place)


@dataclass(frozen=True, slots=True)
class Lags:
    """What is not issued at once when all that it waits for is done, but `ns` later. Sorted by place."""

    place: Integers = field(default_factory=_none)
    ns: Integers = field(default_factory=_none)

    def __len__(self) -> int:
        return len(self.place)


@dataclass(frozen=True, slots=True)
class Plan:
    """A workload placed on processes and lanes."""

    pace: Pace
    speed: float
    users: list[str]
    processes: int
    lane_user: Integers
    lane_number: Integers
    """The workload's number of the lane within its user."""
    lane_process: Integers
    """Ascending: a process has neighbouring lanes."""
    lane_start: Integers
    """Place of each lane's first operation, and at the end the number of operations."""
    row: Integers
    """Workload row of each place; ascending within a lane."""
    intended_ns: Integers | None
    """When each place is to be issued, since the start of the run; only of the pace `original`."""
    think_ns: Integers | None
    """How long after the end of its lane's previous operation (of the first: after the start of the
    run) each place is to be issued; only of the pace `think`."""
    waits: Waits
    edges_found: int
    """Edges before those that others imply were left out."""
    clones: int = 1
    loops: int = 1
    """How often the workload is in the plan: side by side, and one after the other (`plan.amplify`)."""
    stagger_ns: int = 0
    """How long after a clone the next one begins."""
    closed: tuple[int, ...] = ()
    """How long the gaps were (ns, in the capture's time) that were shortened."""
    lane_begin_ns: Integers | None = None
    """When each lane could begin, since the start of the run; None: all with it."""
    outside: int | None = None
    """Which of the workload's users stands for somebody outside the capture, in each clone; None: none does.
    What that one does is carried out, and no figure has it."""
    brief: BriefWaits = field(default_factory=BriefWaits)
    lags: Lags = field(default_factory=Lags)

    @property
    def operations(self) -> int:
        return len(self.row)

    @property
    def copies(self) -> int:
        """How often each operation of the workload is in the plan."""
        return self.clones * self.loops

    def lane_of(self, user: Integers, lane: Integers) -> Integers:
        """The plan's lane of rows of the workload, by their user and lane; in the first copy."""
        own = slice(0, self.lanes // self.copies)
        keys = lane_keys(self.lane_user[own], self.lane_number[own])
        return np.asarray(np.searchsorted(keys, lane_keys(user, lane)))

    @property
    def lanes(self) -> int:
        return len(self.lane_user)

    @property
    def captured_users(self) -> int:
        """Users, without those who stand for somebody outside."""
        return len(self.users) - (0 if self.outside is None else self.clones)

    def of_outside(self, places: Integers | slice) -> NDArray[np.bool_]:
        """Which of the places somebody outside does."""
        if isinstance(places, slice):
            places = np.arange(*places.indices(self.operations))
        if self.outside is None:
            return np.zeros(len(places), bool)
        each = len(self.users) // self.clones
        return np.asarray(self.lane_user[self.lanes_at(places)] % each == self.outside)

    def lanes_of(self, process: int) -> range:
        """The lanes that one process runs."""
        first, last = np.searchsorted(self.lane_process, [process, process + 1])
        return range(int(first), int(last))

    def users_of(self, process: int) -> list[str]:
        """The users whose lanes one process runs."""
        return list(dict.fromkeys(self.users[int(self.lane_user[lane])] for lane in self.lanes_of(process)))

    def lanes_at(self, places: Integers) -> Integers:
        """The lanes of some places."""
        return np.asarray(np.searchsorted(self.lane_start, places, side="right") - 1)
