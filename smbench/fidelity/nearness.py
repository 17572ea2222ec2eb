"""How near two requests of a user are, in place and time: what decides between requests that are alike.

Sure pairs say where the sides correspond: requests that a user sent equally often on both sides, the first
with the first and so on, without those that stand in another order. The *place* of an exchange is how many
of its user's sure pairs stand before it; between two of them its *time* counts, on the candidate's clock, on
which a replay at another speed lies elsewhere.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from smbench.fidelity.placing import Placed
from smbench.fidelity.rows import NONE, Rows

Numbers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Nearness:
    """By row, the reference's first."""

    places: tuple[Numbers, Numbers]
    times: tuple[Numbers, Numbers]
    """Nanoseconds on the candidate's clock."""


def nearness(
    reference: Rows, candidate: Rows, placed: tuple[Placed, Placed], other_user: Mapping[int, int]
) -> Nearness:
    """Places and times of all rows."""
    here, there = _sure(reference, candidate, placed, other_user)
    places = np.zeros(len(reference), np.int64), np.zeros(len(candidate), np.int64)
    expected = np.zeros(len(reference), np.int64)
    everyone = _clock(reference, candidate, here, there)
    for user in np.unique(reference["user"]).tolist():
        rows = np.flatnonzero(reference["user"] == user)
        own = reference["user"][here] == user
        mine, its = here[own], there[own]
        kept = _ascending(its)
        mine, its = mine[kept], its[kept]
        others = np.flatnonzero(candidate["user"] == other_user.get(user, NONE))
        places[0][rows] = np.searchsorted(mine, rows)
        places[1][others] = np.searchsorted(its, others)
        clock = _Clock(reference["time_ns"][mine], candidate["time_ns"][its]) if len(mine) else everyone
        expected[rows] = clock(reference["time_ns"][rows])
    return Nearness(places, (expected, candidate["time_ns"]))


def _sure(
    reference: Rows, candidate: Rows, placed: tuple[Placed, Placed], other_user: Mapping[int, int]
) -> tuple[Numbers, Numbers]:
    """Rows of both sides, ascending in the reference's."""
    as_reference = {other: user for user, other in other_user.items()}
    alone = len(reference.users)
    users = [as_reference.get(user, alone) for user in range(len(candidate.users))]
    side = np.repeat([0, 1], [len(reference), len(candidate)])
    columns = (
        side,
        np.concatenate((placed[0].request, placed[1].request)),
        np.concatenate((placed[0].path, placed[1].path)),
        np.concatenate((reference["user"], np.array(users, np.int64)[candidate["user"]])),
    )
    order = np.lexsort(columns)
    _, *words = (column[order] for column in columns)
    begins = np.ones(len(order), bool)
    begins[1:] = np.logical_or.reduce([np.diff(column) != 0 for column in words])
    word = np.cumsum(begins) - 1
    ours = side[order] == 0
    often = [np.bincount(word[mine], minlength=int(begins.sum())) for mine in (ours, ~ours)]
    sure = (often[0] == often[1])[word]
    here, there = order[ours & sure], order[~ours & sure] - len(reference)
    ascending = np.argsort(here, kind="stable")
    return here[ascending], there[ascending]


def _ascending(values: Numbers) -> Numbers:
    """Positions of a longest ascending subsequence."""
    if not len(values) or bool((np.diff(values) > 0).all()):
        return np.arange(len(values))
    ends: list[int] = []
    at_end: list[int] = []
    before: list[int] = []
    for at, value in enumerate(values.tolist()):
        length = bisect_left(ends, value)
        before.append(at_end[length - 1] if length else NONE)
        if length == len(ends):
            ends.append(value)
            at_end.append(at)
        else:
            ends[length], at_end[length] = value, at
    chain, at = [], at_end[-1]
    while at != NONE:
        chain.append(at)
        at = before[at]
    return np.array(chain[::-1], np.int64)


class _Clock:
    """From the reference's times to the candidate's: straight between pairs, and beyond them at the pace that
    they have on the whole."""

    def __init__(self, here_ns: Numbers, there_ns: Numbers) -> None:
        self._here_ns, first = np.unique(here_ns, return_index=True)
        self._there_ns = there_ns[first]

    def __call__(self, times_ns: Numbers) -> Numbers:
        here, there = self._here_ns, self._there_ns
        # Relative to the first, so that nanoseconds stay exact as floats.
        lasted, took = (int(side[-1] - side[0]) for side in (here, there))
        pace = took / lasted if lasted else 1.0
        between = np.interp(times_ns - here[0], here - here[0], there - there[0])
        before, behind = np.minimum(times_ns - here[0], 0), np.maximum(times_ns - here[-1], 0)
        return np.asarray(np.rint(between + pace * (before + behind)).astype(np.int64) + there[0], np.int64)


def _clock(reference: Rows, candidate: Rows, here: Numbers, there: Numbers) -> _Clock:
    """Of all users together; where they have no sure pair, by the nearest of three guesses."""
    ours, theirs = reference["time_ns"], candidate["time_ns"]
    if len(here):
        by_time = np.argsort(ours[here], kind="stable")
        here, there = here[by_time], there[by_time]
        kept = _ascending(theirs[there])
        return _Clock(ours[here[kept]], theirs[there[kept]])
    nothing = np.zeros(1, np.int64)
    if not len(ours) or not len(theirs):
        return _Clock(nothing, nothing)
    # One clock for both; the same beginning; the same end.
    shifts = [0, int(theirs[0] - ours[0]), int(theirs[-1] - ours[-1])]
    ascending = np.sort(theirs)
    return _Clock(nothing, nothing + min(shifts, key=lambda shift: _apart(ours + shift, ascending)))


def _apart(times_ns: Numbers, ascending_ns: Numbers) -> int:
    """The sum of the distances to the nearest of the others."""
    after = np.minimum(np.searchsorted(ascending_ns, times_ns), len(ascending_ns) - 1)
    before = np.maximum(after - 1, 0)
    nearest = np.minimum(np.abs(ascending_ns[after] - times_ns), np.abs(ascending_ns[before] - times_ns))
    return int(nearest.sum())
