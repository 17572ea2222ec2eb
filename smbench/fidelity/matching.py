"""Matching: which exchange of the candidate is which of the reference, per user and path, in order.

Of several ways to match equally much of a path, the one is taken that keeps the order of all of the
user's exchanges. Where the reference itself defines no order, because requests were in flight together,
the candidate's may be another; `swapped` counts those. Everything else is a longest common subsequence.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from smbench.fidelity.alignment import align
from smbench.fidelity.parameters import compared_names
from smbench.fidelity.paths import Folders, without
from smbench.fidelity.rows import NONE, Rows, Vocabulary
from smbench.fidelity.users import UserPair

Numbers = NDArray[np.int64]
_WHOLE_USER = 1 << 32
"""Exchanges of one user, times those of the other side's, up to which all of them are put in order."""
_TRIED = 16
"""Places of the reference at which a request that was in flight with others is looked for."""


@dataclass(frozen=True, slots=True)
class Matching:
    """Row of the other side for each row, NONE where it has no like."""

    of_reference: Numbers
    of_candidate: Numbers
    swapped: int
    """Pairs that stand in another order than in the reference, where it had them in flight together."""
    moved: int
    """Unmatched exchanges whose like stands elsewhere in the order of its path."""


@dataclass(frozen=True, slots=True)
class Placed:
    """Rows with their paths relative to the side's folder: the numbers are words both sides share."""

    path: Numbers
    request: Numbers
    """Key and target: equal numbers are the same request of their path."""


def place(rows: Rows, folder: str, vocabulary: Vocabulary) -> Placed:
    """Give a side's rows the words of the comparison."""
    words = [vocabulary.paths.number(without(spelled, folder).casefold()) for spelled in rows.spellings]
    of_spelling = np.array([*words, NONE], np.int64)  # the last one answers for NONE
    number = vocabulary.requests.number
    requests = [
        number(pair) for pair in zip(rows["key"].tolist(), of_spelling[rows["target"]].tolist(), strict=True)
    ]
    return Placed(of_spelling[rows["path"]], np.array(requests, np.int64))


def sides_placed(
    reference: Rows, candidate: Rows, folders: Folders, vocabulary: Vocabulary
) -> tuple[Placed, Placed]:
    """Both sides in the words of the comparison."""
    return (
        place(reference, folders.reference, vocabulary),
        place(candidate, folders.candidate, vocabulary),
    )


def match(reference: Rows, candidate: Rows, placed: tuple[Placed, Placed], users: list[UserPair]) -> Matching:
    """Match two sides."""
    other_user = {pair.reference: pair.candidate for pair in users}
    ours, theirs = _groups(reference, placed[0]), _groups(candidate, placed[1])
    of_reference = np.full(len(reference), NONE, np.int64)
    of_candidate = np.full(len(candidate), NONE, np.int64)
    swapped = moved = 0
    anchors = _anchors(reference, candidate, placed, other_user)
    for (user, path), here in ours.items():
        there = theirs.get((other_user.get(user, NONE), path))
        if there is None:
            continue
        group = _Group(reference, candidate, placed, here, there, anchors)
        of_reference[here] = np.where(group.left == NONE, NONE, there[group.left])
        of_candidate[there] = np.where(group.right == NONE, NONE, here[group.right])
        swapped += group.swapped
        moved += group.moved
    return Matching(of_reference, of_candidate, swapped, moved)


def _anchors(
    reference: Rows, candidate: Rows, placed: tuple[Placed, Placed], other_user: dict[int, int]
) -> Numbers:
    """For each row of the reference the candidate's, in an order that holds over all paths of a user."""
    anchors = np.full(len(reference), NONE, np.int64)
    # A request and its path as one number.
    words = [(side.path << 32) + side.request for side in placed]
    for user, other in other_user.items():
        here = np.flatnonzero(reference["user"] == user)
        there = np.flatnonzero(candidate["user"] == other)
        if len(here) * len(there) <= _WHOLE_USER:
            pairs = align(words[0][here].tolist(), words[1][there].tolist())
            found = np.array(pairs, np.int64).reshape(-1, 2)
            anchors[here[found[:, 0]]] = there[found[:, 1]]
    return anchors


def _groups(rows: Rows, placed: Placed) -> dict[tuple[int, int], Numbers]:
    """Rows by user and path, each in order."""
    if not len(rows):
        return {}
    order = np.lexsort((placed.path, rows["user"]))
    users, paths = rows["user"][order], placed.path[order]
    cuts = np.flatnonzero((np.diff(users) != 0) | (np.diff(paths) != 0)) + 1
    return {
        (int(users[start]), int(paths[start])): part
        for start, part in zip([0, *cuts.tolist()], np.split(order, cuts), strict=True)
    }


class _Group:
    """One user's exchanges on one path, of both sides; positions count within the group."""

    def __init__(
        self,
        reference: Rows,
        candidate: Rows,
        placed: tuple[Placed, Placed],
        here: Numbers,
        there: Numbers,
        anchors: Numbers,
    ) -> None:
        self._requests = placed[0].request[here].tolist(), placed[1].request[there].tolist()
        self._compared = reference["compared"][here], candidate["compared"][there]
        self._sent, self._answered = reference["time_ns"][here], reference["answered_ns"][here]
        pairs = self._aligned(np.searchsorted(there, anchors[here]), anchors[here] != NONE)
        self.left = np.full(len(here), NONE, np.int64)
        self.right = np.full(len(there), NONE, np.int64)
        self.left[pairs[:, 0]] = pairs[:, 1]
        self.right[pairs[:, 1]] = pairs[:, 0]
        self.swapped = self.moved = 0
        if len(pairs) < min(len(here), len(there)):
            self._swap()
        self._prefer_alike()

    def _aligned(self, anchors: Numbers, anchored: NDArray[np.bool_]) -> Numbers:
        """The alignment that runs through the anchors, unless it is shorter than the longest."""
        left, right = self._requests
        longest = align(left, right)
        through: list[tuple[int, int]] = []
        start, begin = 0, 0
        fixed = [*np.flatnonzero(anchored).tolist(), len(left)]
        for one in fixed:
            other = int(anchors[one]) if one < len(left) else len(right)
            if one > start and other > begin:
                between = align(left[start:one], right[begin:other])
                through += [(start + here, begin + there) for here, there in between]
            if one < len(left):
                through.append((one, other))
            start, begin = one + 1, other + 1
        chosen = through if len(through) == len(longest) else longest
        return np.array(chosen, np.int64).reshape(-1, 2)

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
            found = next((place for place in places[:_TRIED] if self._together(place, *span)), None)
            if found is not None:
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

    def _prefer_alike(self) -> None:
        """Of several that match a request equally, take the one whose compared parameters are the same."""
        ours, theirs = self._compared
        matched = np.flatnonzero(self.left != NONE)
        unlike = matched[ours[matched] != theirs[self.left[matched]]]
        free = self.right == NONE
        if not len(unlike) or not free.any():
            return
        for at in unlike.tolist():
            now = int(self.left[at])
            better = self._alike_beside(at, now, free)
            if better is not None:
                free[now], free[better] = True, False
                self.right[now], self.right[better] = NONE, at
                self.left[at] = better

    def _alike_beside(self, at: int, now: int, free: NDArray[np.bool_]) -> int | None:
        request, alike = self._requests[0][at], int(self._compared[0][at])
        for step in (-1, 1):
            place = now + step
            while 0 <= place < len(free) and free[place]:
                if self._requests[1][place] == request and self._compared[1][place] == alike:
                    return place
                place += step
        return None


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
