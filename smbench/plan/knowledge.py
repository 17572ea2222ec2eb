"""What a lane knows to be done whenever it issues its next operation: vector clocks, and the edges that
they do not imply.

A *requirement* says that lane `lane` must have completed `done` operations. It becomes a stored edge
only where nothing that the lane has waited for before (or waits for now) implies it already.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from typing import NamedTuple

Known = Mapping[int, int]
"""Completed operations by lane; never changed once made, so that it can be shared."""


class Access(NamedTuple):
    """The latest access of one lane to one object."""

    row: int
    lane: int
    position: int
    end_ns: int
    """When the capture had its answer."""
    known: list[Known]
    """One item: what is done when this access is, which is settled once its own waits are."""
    before: int = 0
    """What the lane must have completed for its access before this one to be done."""
    needs: tuple[Requirement, ...] = ()
    """What this access waits for on the object itself: it holds for whoever overlaps with it too."""


class Requirement(NamedTuple):
    """`known`: what had been done before the last of these operations was issued."""

    row: int
    lane: int
    done: int
    known: Known | None


class Edges:
    """Takes each operation's requirements in order of arrival and keeps the edges that count."""

    def __init__(self, lanes: int) -> None:
        self.known: list[Known] = [{} for _ in range(lanes)]
        """By lane."""
        self.found = 0
        self.lane = array("q")
        self.position = array("q")
        self.after_lane = array("q")
        self.count = array("q")

    def add(self, lane: int, position: int, required: list[Requirement]) -> None:
        """Store what operation `position` of `lane` has to wait for and does not know yet."""
        self.found += len(required)
        known = self.known[lane]
        unknown = [one for one in required if one.done > known.get(one.lane, 0)]
        if not unknown:
            return
        # Only a later operation can have waited for an earlier one: the latest first.
        unknown.sort(reverse=True, key=_row)
        merged = dict(known)
        for _, other, done, behind in unknown:
            if done <= merged.get(other, 0):
                continue
            self.lane.append(lane)
            self.position.append(position)
            self.after_lane.append(other)
            self.count.append(done)
            merged[other] = done
            if behind:
                for further, by_then in behind.items():
                    if by_then > merged.get(further, 0) and further != lane:
                        merged[further] = by_then
        self.known[lane] = merged


def _row(requirement: Requirement) -> int:
    return requirement.row


def after(access: Access, previous: Access) -> Access:
    """The access, when it takes the place of its lane's previous one to the same object."""
    # One operation may come to an object twice: it never waits for itself.
    return access._replace(before=max(access.before, min(previous.position + 1, access.position)))


def require(access: Access, lane: int, arrival_ns: int, into: list[Requirement]) -> None:
    """What an operation of `lane` that arrived at `arrival_ns` must wait for because of `access`.

    Only what had its answer by then: what overlapped in the capture may overlap again.
    """
    if access.lane == lane:
        return
    if access.end_ns <= arrival_ns:
        into.append(Requirement(access.row, access.lane, access.position + 1, access.known[0]))
        return
    if access.before:
        into.append(Requirement(-1, access.lane, access.before, None))
    into.extend(need for need in access.needs if need.lane != lane)


def require_always(access: Access, lane: int, into: list[Requirement]) -> None:
    """The same where the later operation has no meaning before the earlier one is done."""
    if access.lane != lane:
        into.append(Requirement(access.row, access.lane, access.position + 1, access.known[0]))
