"""What a lane knows to be done whenever it issues its next operation: vector clocks, and the edges that
they do not imply.

A *requirement* says that lane `lane` must have completed `done` operations. It becomes a stored edge
only where nothing that the lane has waited for before (or waits for now) implies it already.

Clocks are arrays over all lanes, and of each lane's past only some are kept, so memory does not grow
with the workload. What is not kept prunes less and orders no less: beyond some number of lanes only a
lane's own waits are remembered.
"""

from __future__ import annotations

from array import array
from collections import defaultdict, deque
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

_LANES_WITH_CLOCKS = 1024
_CLOCKS_KEPT = 16

Clock = NDArray[np.int64]


@dataclass(slots=True)
class Access:
    """The latest access of one lane to one object, which owns this value."""

    row: int
    lane: int
    position: int
    end_ns: int
    """When the capture had its answer."""
    before: int = 0
    """What the lane must have completed for its access before this one to be done."""
    needs: tuple[Requirement, ...] = ()
    """What this access waits for on the object itself: it holds for whoever overlaps with it too."""

    def own(self) -> Access:
        """The same access for another object to own."""
        return Access(self.row, self.lane, self.position, self.end_ns)

    def succeed(self, previous: Access) -> None:
        """Take the place of the lane's previous access to the same object."""
        # One operation may come to an object twice: it never waits for itself.
        self.before = max(self.before, min(previous.position + 1, self.position))


class Requirement(NamedTuple):
    """`row`: the last of the operations that must be completed, -1 where it is not known."""

    row: int
    lane: int
    done: int


class Edges:
    """Takes each operation's requirements in order of arrival and keeps the edges that count."""

    def __init__(self, lanes: int) -> None:
        self.found = 0
        self.floor = 0
        """Operations of rows before this wait for none of those that came later."""
        self.lane = array("q")
        self.position = array("q")
        self.after_lane = array("q")
        self.count = array("q")
        self.lags: dict[tuple[int, int], int] = {}
        """By lane and position: so long (ns) after all that it waits for that operation is issued."""
        self._has_clocks = lanes <= _LANES_WITH_CLOCKS
        self._known: list[Any] = [
            np.zeros(lanes, np.int64) if self._has_clocks else defaultdict(int) for _ in range(lanes)
        ]
        self._past: list[deque[tuple[int, Clock]]] = [deque(maxlen=_CLOCKS_KEPT) for _ in range(lanes)]

    def add(self, lane: int, position: int, required: list[Requirement]) -> None:
        """Store what operation `position` of `lane` has to wait for and does not know yet."""
        self.found += len(required)
        known = self._known[lane]
        unknown = [one for one in required if one.done > known[one.lane]]
        if not unknown:
            return
        # Only a later operation can have waited for an earlier one: the latest first.
        unknown.sort(reverse=True)
        known = known.copy()
        for _, other, done in unknown:
            if done <= known[other]:
                continue
            self.lane.append(lane)
            self.position.append(position)
            self.after_lane.append(other)
            self.count.append(done)
            known[other] = done
            if (then := self._clock(other, done - 1)) is not None:
                np.maximum(known, then, out=known)
        self._known[lane] = known
        if self._has_clocks:
            self._past[lane].append((position, known))

    def add_late(self, waiting: Access, late: dict[int, int], after: Access) -> None:
        """Let an operation that was added already, if none of its edges is frozen, wait for one that came
        after it; `late` has, by lane, the edges by which it waits so already. What others know of its lane
        stays as it was."""
        if waiting.row < self.floor:
            return
        self.found += 1
        if (edge := late.get(after.lane)) is not None:
            self.count[edge] = max(self.count[edge], after.position + 1)
            return
        late[after.lane] = len(self.count)
        self.lane.append(waiting.lane)
        self.position.append(waiting.position)
        self.after_lane.append(after.lane)
        self.count.append(after.position + 1)

    def lag(self, access: Access, ns: int) -> None:
        """Let an operation be issued so long after all that it waits for."""
        at = access.lane, access.position
        self.lags[at] = max(self.lags.get(at, 0), ns)

    def _clock(self, lane: int, position: int) -> Clock | None:
        """What was done when a lane issued that operation, as far as it is kept."""
        for then, clock in reversed(self._past[lane]):
            if then <= position:
                return clock
        return None


class BriefEdges:
    """What waits briefly for another lane's operation (`smbench.plan.model.BriefWaits`), by edge."""

    def __init__(self) -> None:
        self.lane, self.position, self.after_lane, self.count = (array("q") for _ in range(4))
        self.answered = array("b")
        self._known: dict[tuple[int, int, bool], int] = {}

    def add(self, mine: Access, after: Access, *, answered: bool) -> None:
        """Let an operation wait until another one, of whose lane it has not waited for a later one, is under
        way, or answered."""
        key, count = (mine.lane, after.lane, answered), after.position + 1
        if mine.lane == after.lane or self._known.get(key, 0) >= count:
            return
        self._known[key] = count
        self.lane.append(mine.lane)
        self.position.append(mine.position)
        self.after_lane.append(after.lane)
        self.count.append(count)
        self.answered.append(answered)


def require(access: Access, lane: int, arrival_ns: int, into: list[Requirement]) -> None:
    """What an operation of `lane` that arrived at `arrival_ns` must wait for because of `access`.

    Only what had its answer by then: what overlapped in the capture may overlap again.
    """
    if access.lane == lane:
        return
    if access.end_ns <= arrival_ns:
        into.append(Requirement(access.row, access.lane, access.position + 1))
        return
    if access.before:
        into.append(Requirement(-1, access.lane, access.before))
    into.extend(need for need in access.needs if need.lane != lane)


def require_always(access: Access, lane: int, into: list[Requirement]) -> None:
    """The same where the later operation has no meaning before the earlier one is done."""
    if access.lane != lane:
        into.append(Requirement(access.row, access.lane, access.position + 1))
