"""Matching: which exchange of the candidate is which of the reference, per user and path, in order.

As much as can be is matched: a longest common subsequence of each path's requests. Of those that are as
long the one is taken whose pairs are most alike: the status, then what is compared of the parameters, then
the nearest in place and time (`nearness.py`). Where the reference itself defines no order, because requests
were in flight together, the candidate's may be another; `swapped` counts those.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from smbench.fidelity.alignment import Traits, align
from smbench.fidelity.nearness import nearness
from smbench.fidelity.parameters import compared_names
from smbench.fidelity.placing import Placed
from smbench.fidelity.rows import NONE, Rows, Vocabulary
from smbench.fidelity.users import UserPair

Numbers = NDArray[np.int64]
_NEVER = (1 << 63) - 1
_TRIED = 16
"""Places of the reference, the nearest, at which a request that was in flight with others is looked for."""


@dataclass(frozen=True, slots=True)
class Matching:
    """Row of the other side for each row, NONE where it has no like."""

    of_reference: Numbers
    of_candidate: Numbers
    swapped: int
    """Pairs that stand in another order than in the reference, where it had them in flight together."""
    moved: int
    """Unmatched exchanges whose like stands elsewhere in the order of its path."""
    alike: tuple[int, int]
    """Of the missing and of the extra: those that have a like on their side, of the same path, request,
    status and compared parameters, that is matched. Which of them is the one, nearness alone says."""


def match(reference: Rows, candidate: Rows, placed: tuple[Placed, Placed], users: list[UserPair]) -> Matching:
    """Match two sides."""
    other_user = {pair.reference: pair.candidate for pair in users}
    ours, theirs = _groups(reference, placed[0]), _groups(candidate, placed[1])
    of_reference = np.full(len(reference), NONE, np.int64)
    of_candidate = np.full(len(candidate), NONE, np.int64)
    near = nearness(reference, candidate, placed, other_user)
    traits = [
        Traits(side["status"], side["compared"], near.places[number], near.times[number])
        for number, side in enumerate((reference, candidate))
    ]
    # What has no answer was in flight until the capture's end.
    answered_ns = np.where(reference["answered_ns"] == NONE, _NEVER, reference["answered_ns"])
    swapped = moved = 0
    for (user, path), here in ours.items():
        there = theirs.get((other_user.get(user, NONE), path))
        if there is None:
            continue
        requests = placed[0].request[here].tolist(), placed[1].request[there].tolist()
        in_flight = reference["time_ns"][here], answered_ns[here]
        group = _Group(requests, (traits[0][here], traits[1][there]), in_flight)
        of_reference[here] = np.where(group.left == NONE, NONE, there[group.left])
        of_candidate[there] = np.where(group.right == NONE, NONE, here[group.right])
        swapped += group.swapped
        moved += group.moved
    alike = (
        _alike(reference, placed[0], of_reference != NONE),
        _alike(candidate, placed[1], of_candidate != NONE),
    )
    return Matching(of_reference, of_candidate, swapped, moved, alike)


def _groups(rows: Rows, placed: Placed) -> dict[tuple[int, int], Numbers]:
    """Rows by user and path, each in order."""
    if not len(rows):
        return {}
    order = np.lexsort((placed.path, rows["user"]))
    users, paths = rows["user"][order], placed.path[order]
    ends = np.flatnonzero((np.diff(users) != 0) | (np.diff(paths) != 0)) + 1
    return {
        (int(users[start]), int(paths[start])): part
        for start, part in zip([0, *ends.tolist()], np.split(order, ends), strict=True)
    }


def _alike(rows: Rows, placed: Placed, matched: NDArray[np.bool_]) -> int:
    """How many unmatched rows have a like that is matched."""
    if not len(rows) or bool(matched.all()):
        return 0
    kinds = np.stack((rows["user"], placed.path, placed.request, rows["status"], rows["compared"]))
    kind = np.unique(kinds, axis=1, return_inverse=True)[1].reshape(-1)
    return int(np.isin(kind[~matched], kind[matched]).sum())


class _Group:
    """One user's exchanges on one path, of both sides; positions count within the group."""

    def __init__(
        self,
        requests: tuple[list[int], list[int]],
        traits: tuple[Traits, Traits],
        in_flight: tuple[Numbers, Numbers],
    ) -> None:
        self._requests, self._traits = requests, traits
        self._sent, self._answered = in_flight
        pairs = np.array(align(*requests, *traits), np.int64).reshape(-1, 2)
        self.left = np.full(len(requests[0]), NONE, np.int64)
        self.right = np.full(len(requests[1]), NONE, np.int64)
        self.left[pairs[:, 0]] = pairs[:, 1]
        self.right[pairs[:, 1]] = pairs[:, 0]
        self.swapped = self.moved = 0
        if len(pairs) < min(len(self.left), len(self.right)):
            self._swap()
        self._cross()

    def _swap(self) -> None:
        """Pair what is left where the reference had no order."""
        waiting: dict[int, list[int]] = defaultdict(list)
        for at in np.flatnonzero(self.left == NONE).tolist():
            waiting[self._requests[0][at]].append(at)
        aligned = self.right.copy()
        known = np.where(aligned == NONE, -1, aligned)
        before = np.maximum.accumulate(known) if len(known) else known
        after = np.where(aligned == NONE, len(self.left), aligned)
        after = np.minimum.accumulate(after[::-1])[::-1]
        for at in np.flatnonzero(aligned == NONE).tolist():
            places = waiting.get(self._requests[1][at], [])
            span = int(before[at]), int(after[at])
            middle = bisect_left(places, span[0])
            near = places[max(0, middle - _TRIED // 2) : middle + _TRIED // 2]
            fitting = [place for place in near if self._together(place, *span)]
            if fitting:
                found = min(fitting, key=partial(self._unlike, there=at))
                places.remove(found)
                self.left[found], self.right[at] = at, found
                self.swapped += 1
            elif places:
                self.moved += 1

    def _together(self, place: int, before: int, after: int) -> bool:
        """Whether all that stands between `place` and the gap (before, after) was in flight with it."""
        if place <= before:
            return bool(self._sent[before] < self._answered[place])
        answered = self._answered[after:place]
        return len(answered) > 0 and bool(answered.min() > self._sent[place])

    def _unlike(self, here: int, there: int) -> tuple[bool, bool, int, int]:
        """How unlike two exchanges are, by what counts most first."""
        ours, theirs = self._traits
        return (
            bool(ours.status[here] != theirs.status[there]),
            bool(ours.compared[here] != theirs.compared[there]),
            abs(int(ours.place[here] - theirs.place[there])),
            abs(int(ours.time[here] - theirs.time[there])),
        )

    def _cross(self) -> None:
        """Of equal requests that were in flight together, pair those whose status is the same."""
        ours, theirs = self._traits
        matched = np.flatnonzero(self.left != NONE)
        unlike = matched[ours.status[matched] != theirs.status[self.left[matched]]].tolist()
        for number, at in enumerate(unlike):
            if ours.status[at] == theirs.status[self.left[at]]:
                continue
            for later in unlike[number + 1 : number + 1 + _TRIED]:
                if (
                    self._requests[0][at] == self._requests[0][later]
                    and self._sent[later] < self._answered[at]
                    and ours.status[at] == theirs.status[self.left[later]]
                    and ours.status[later] == theirs.status[self.left[at]]
                ):
                    first, second = int(self.left[at]), int(self.left[later])
                    self.left[at], self.left[later] = second, first
                    self.right[first], self.right[second] = later, at
                    self.swapped += 1
                    break


def parameters_that_differ(
    reference: Rows, candidate: Rows, matching: Matching, vocabulary: Vocabulary
) -> dict[int, dict[str, int]]:
    """Of matched pairs, by command: how many differ in each compared parameter."""
    here = np.flatnonzero(matching.of_reference != NONE)
    there = matching.of_reference[here]
    one, other = reference["compared"][here], candidate["compared"][there]
    differing = one != other
    pairs, counts = np.unique(np.stack((one[differing], other[differing])), axis=1, return_counts=True)
    found: dict[int, dict[str, int]] = {}
    words = vocabulary.compared.values
    for left, right, count in zip(*pairs.tolist(), counts.tolist(), strict=True):
        command, *ours = words[left]
        _, *theirs = words[right]
        for name, mine, its in zip(compared_names(command), ours, theirs, strict=True):
            if mine != its:
                row = found.setdefault(command, {})
                row[name] = row.get(name, 0) + count
    return found
