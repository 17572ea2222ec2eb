"""Differences planted in a capture: a candidate that is the capture but for them, and what is to be said.

What is expected follows from what was planted, by definitions of its own: nothing of `smbench.fidelity` but
the table of parameters is asked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from smbench.fidelity.parameters import PARAMETERS, Parameters
from smbench.fidelity.sides import Side
from smbench.smb2.ntstatus import Status
from smbench.trace.model import Exchange, command_name
from smbench.trace.values import CopyChunk, LockElement

DENIED, IO_ERROR = Status.ACCESS_DENIED, Status.IO_DEVICE_ERROR
YES_OR_NO = ("sparse", "delete", "replace", "watch_tree")
PLANTED_FRAME = 10_000_000
"""Exchanges that were planted have frames from here on."""


def parameters_of(one: Exchange, names: Sequence[str]) -> list[Any]:
    """A request's values of these, and where a rename goes."""
    return [getattr(one.request, name, None) for name in (*names, "target")]


@dataclass(slots=True)
class Ground:
    """A capture to plant in; places are positions in `exchanges`."""

    name: str
    side: Side
    exchanges: list[Exchange]
    counted: list[int]
    """Places of the exchanges that a replay is answerable for."""

    @classmethod
    def of(cls, name: str, side: Side) -> Ground:
        # A compound's requests share a frame; here each has a number of its own.
        exchanges = [replace(one, frame=number) for number, one in enumerate(side.exchanges, 1)]
        answerable = side.dispositions.answerable()
        counted = [at for at, one in enumerate(exchanges) if side.dispositions[one.index] in answerable]
        return cls(name, side, exchanges, counted)

    def word(self, at: int) -> tuple[Any, ...]:
        """What makes two exchanges the same request of their user and path."""
        one = self.exchanges[at]
        values = parameters_of(one, PARAMETERS.get(one.command, Parameters()).key)
        # With several shares, each has its paths; what came on none of them is with the only one.
        trees = self.side.info.trees
        several = len({tree.share.casefold() for tree in trees if not tree.is_pipe}) > 1
        share = trees[one.tree].share.casefold() if several and one.tree >= 0 else None
        # The main stream of a file or stream is that file or stream.
        path = (one.path or "").casefold().removesuffix(":$data").removesuffix(":")
        return (one.user, share, path, one.path is None, one.command, *values)


@dataclass(slots=True)
class Planted:
    """A candidate, and what a comparison must say of it."""

    what: str
    candidate: Side
    missing: list[int] = field(default_factory=list)
    """Frames of the original."""
    extra: list[int] = field(default_factory=list)
    """Frames of the candidate."""
    either: list[tuple[set[int], set[int]]] = field(default_factory=list)
    """Of each of these (missing, extra) one more pair of frames, whichever."""
    inverted: int = 0
    statuses: Counter[tuple[str, int, int]] = field(default_factory=Counter)
    """Command, the original's status, the planted one."""
    parameters: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Command and name of compared parameters."""
    keys: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Command and name of the parameters of the key that were changed, for the record."""


class Bed:
    """A plant in the making: exchanges of the candidate by their place, each with what it was."""

    def __init__(self, ground: Ground) -> None:
        self.ground = ground
        self.rows: list[tuple[int, Exchange]] = list(enumerate(ground.exchanges))
        """(place in the original, -1 for none; exchange)"""
        self.planted = Planted("", ground.side)
        self._frame = PLANTED_FRAME

    def frame(self) -> int:
        self._frame += 1
        return self._frame

    def original(self, at: int) -> int:
        return self.ground.exchanges[at].frame

    def done(self, what: str, **side: Any) -> Planted:
        """The plant; pairs that stand the other way round are counted one by one."""
        self.planted.what = what
        exchanges = [one for _, one in self.rows]
        self.planted.candidate = replace(self.ground.side, name="planted", exchanges=exchanges, **side)
        gone = set(self.planted.missing)
        counted = set(self.ground.counted)
        places = [at for at, _ in self.rows if at in counted and self.original(at) not in gone]
        self.planted.inverted = sum(
            one > other for at, one in enumerate(places) for other in places[at + 1 :] if one != other
        ) if places != sorted(places) else 0  # fmt: skip
        return self.planted


def drop(bed: Bed, places: Sequence[int]) -> None:
    gone = set(places)
    bed.rows = [row for row in bed.rows if row[0] not in gone]
    bed.planted.missing += [bed.original(at) for at in places]


def double(bed: Bed, places: Sequence[int]) -> None:
    """Right behind their originals, before whatever comes next."""
    twice, rows = set(places), []
    for number, (at, one) in enumerate(bed.rows):
        rows.append((at, one))
        if at in twice:
            next_ns = bed.rows[number + 1][1].time_ns if number + 1 < len(bed.rows) else one.time_ns + 50_000
            later_ns = min(20_000, max(0, next_ns - one.time_ns) // 2)
            answered = None if one.response_ns is None else one.response_ns + later_ns
            again = replace(one, frame=bed.frame(), time_ns=one.time_ns + later_ns, response_ns=answered)
            rows.append((-1, again))
            bed.planted.extra.append(again.frame)
    bed.rows = rows


def refuse(bed: Bed, places: Sequence[int]) -> None:
    """Other statuses, where there is an answer."""
    wanted = set(places)
    for number, (at, one) in enumerate(bed.rows):
        if at in wanted and one.status not in (None, int(Status.PENDING)):
            status = DENIED if one.status != DENIED else IO_ERROR
            bed.rows[number] = at, replace(one, status=status)
            bed.planted.statuses[(command_name(one.command), one.status or 0, status)] += 1


def alter(bed: Bed, at: int, name: str, key: bool) -> None:
    """Another value of a request's parameter."""
    number = next(number for number, row in enumerate(bed.rows) if row[0] == at)
    one = bed.rows[number][1]
    request: Any = replace(one.request, **{name: other(name, getattr(one.request, name))})  # type: ignore[type-var]
    named = command_name(one.command), name
    if key:
        bed.rows[number] = -1, replace(one, frame=bed.frame(), request=request)
        bed.planted.missing.append(bed.original(at))
        bed.planted.extra.append(bed.rows[number][1].frame)
        bed.planted.keys[named] += 1
    else:
        bed.rows[number] = at, replace(one, request=request)
        bed.planted.parameters[named] += 1


def other(name: str, value: Any) -> Any:
    """Another value of a parameter, which no capture has."""
    if name == "locks":
        return (LockElement(value[0].offset + 7, value[0].length, value[0].flags), *value[1:]) if value else (
            LockElement(7, 7, 2),
        )  # fmt: skip
    if name == "chunks":
        return (*value, CopyChunk(7, 7, 7))
    if name == "contexts":
        return (*value, "zzzz")
    if name in ("pattern", "target"):
        return f"{value or ''}.planted"
    if name in YES_OR_NO:
        return not value
    return 77_777 if value is None else value + 77_777


def exchange(bed: Bed, one: int, next_: int) -> None:
    first = next(number for number, row in enumerate(bed.rows) if row[0] == one)
    second = next(number for number, row in enumerate(bed.rows) if row[0] == next_)
    (at, mine), (beside, its) = bed.rows[first], bed.rows[second]
    bed.rows[first] = beside, _moved(its, mine.time_ns - its.time_ns)
    bed.rows[second] = at, _moved(mine, its.time_ns - mine.time_ns)


def _moved(one: Exchange, by_ns: int) -> Exchange:
    answered = None if one.response_ns is None else one.response_ns + by_ns
    return replace(one, time_ns=one.time_ns + by_ns, response_ns=answered)
