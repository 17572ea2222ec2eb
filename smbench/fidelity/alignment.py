"""The longest common subsequence of two sequences, and of all that are as long the one that is most alike.

A table of scores, the length before anything else, finds it exactly where it fits. Longer sequences are
halved as D. S. Hirschberg (1975) does: the lengths before and after a cut come bit-parallel (H. Hyyrö,
"Bit-parallel LCS-length computation revisited", 2004; a row of the table is one large integer, so that it
costs a few operations on as many words as 1/64 of the other sequence), and of the cuts that lose nothing the
one is taken that is nearest in time.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.int64]
Pair = tuple[int, int]

_SHORTEST = 255
"""Of two sequences, the most that the shorter one may have to fit a table of scores …"""
_TABLE = 1 << 22
"""… and the most cells."""
_MOST_PLACES, _MOST_STEPS = 1 << 9, 1 << 30
"""How finely distances count at most: what is further in place is as far, and time has so many steps."""
_SELDOM = 32
"""Occurrences up to which an element's mask is made anew each time: all of them would fill the memory."""


@dataclass(frozen=True, slots=True)
class Traits:
    """By element of a sequence, what decides between those that are equal, in this order."""

    status: Numbers
    compared: Numbers
    place: Numbers
    time: Numbers

    def __getitem__(self, chosen: Numbers | slice) -> Traits:
        return Traits(self.status[chosen], self.compared[chosen], self.place[chosen], self.time[chosen])


def align(left: Sequence[int], right: Sequence[int], ours: Traits, theirs: Traits) -> list[Pair]:
    """Positions in `left` and `right` of one longest common subsequence, ascending in both.

    Of those that are as long it has the most pairs of equal status; of these the most whose compared
    parameters are equal; then the least distance in place, then in time; then the first. (Of sequences that
    are both longer than 255, this holds between cuts that time alone has chosen.)
    """
    if left == right:
        return [(at, at) for at in range(len(left))]
    head, tail = _ends(left, right)
    in_left, in_right = set(left[head : len(left) - tail]), set(right[head : len(right) - tail])
    # What the other side has nowhere can be in no common subsequence.
    one = np.array([at for at in range(head, len(left) - tail) if left[at] in in_right], np.int64)
    other = np.array([at for at in range(head, len(right) - tail) if right[at] in in_left], np.int64)
    inner = _aligned(
        [left[at] for at in one.tolist()], [right[at] for at in other.tolist()], ours[one], theirs[other]
    )
    return [
        *((at, at) for at in range(head)),
        *((int(one[here]), int(other[there])) for here, there in inner),
        *((len(left) - at, len(right) - at) for at in range(tail, 0, -1)),
    ]


def _ends(left: Sequence[int], right: Sequence[int]) -> tuple[int, int]:
    """How many elements at the beginning and at the end can only be paired with each other: equal ones, which
    both sequences have equally often."""
    often, its = Counter(left), Counter(right)
    shortest = min(len(left), len(right))
    head = tail = 0
    while head < shortest and left[head] == right[head] and often[left[head]] == its[left[head]]:
        head += 1
    while (
        tail < shortest - head
        and left[-1 - tail] == right[-1 - tail]
        and often[left[-1 - tail]] == its[left[-1 - tail]]
    ):
        tail += 1
    return head, tail


def _aligned(left: list[int], right: list[int], ours: Traits, theirs: Traits) -> list[Pair]:
    if not left or not right:
        return []
    if left == right:
        return [(at, at) for at in range(len(left))]
    if len(left) > len(right):
        return [(one, other) for other, one in _aligned(right, left, theirs, ours)]
    if len(left) <= _SHORTEST and len(left) * len(right) <= _TABLE:
        return _most_alike(left, right, ours, theirs)
    middle = _middle(theirs.time)
    before = _lengths(left, right[:middle])
    after = _lengths(left[::-1], right[: middle - 1 : -1])[::-1]
    whole = before + after
    best = np.flatnonzero(whole == whole.max())
    cut = int(best[np.argmin(np.abs(best - np.searchsorted(ours.time, theirs.time[middle])))])
    first = _aligned(left[:cut], right[:middle], ours[:cut], theirs[:middle])
    second = _aligned(left[cut:], right[middle:], ours[cut:], theirs[middle:])
    return first + [(one + cut, other + middle) for one, other in second]


def _middle(times: Numbers) -> int:
    """Where a sequence is cut: between two times, so that a compound stays whole, next to its half."""
    half = len(times) // 2
    cuts = np.flatnonzero(np.diff(times)) + 1
    return int(cuts[np.argmin(np.abs(cuts - half))]) if len(cuts) else half


def _most_alike(left: list[int], right: list[int], ours: Traits, theirs: Traits) -> list[Pair]:
    """By the whole table; a row an element of `left`, which is the shorter one."""
    tokens = np.array(right, np.int64)
    worth = _Worth(ours, theirs, len(left))
    columns: dict[int, Numbers] = {}
    row = np.zeros(len(right) + 1, np.int64)
    from_left, from_above = [], []
    for at, token in enumerate(left):
        if token not in columns:
            columns[token] = np.flatnonzero(tokens == token)
        hits = columns[token]
        new = row.copy()
        new[hits + 1] = np.maximum(row[hits + 1], row[hits] + worth(at, hits))
        new = np.maximum.accumulate(new)
        from_left.append(new[1:] == new[:-1])
        from_above.append(new[1:] == row[1:])
        row = new
    pairs = []
    one, other = len(left), len(right)
    while one and other:
        # What can be left out is left out from the end: of equals the first are paired.
        if from_left[one - 1][other - 1]:
            other -= 1
        elif from_above[one - 1][other - 1]:
            one -= 1
        else:
            one -= 1
            other -= 1
            pairs.append((one, other))
    return pairs[::-1]


class _Worth:
    """What a pair is worth, as one number: no sum of a lesser kind reaches one of a greater."""

    def __init__(self, ours: Traits, theirs: Traits, most_pairs: int) -> None:
        self._ours, self._theirs = ours, theirs
        sums = most_pairs + 1
        room = ((1 << 63) - 1) // sums**5
        self._places = min(_MOST_PLACES, max(1, math.isqrt(room) >> 3))
        steps = min(_MOST_STEPS, room // self._places)
        self._place = sums * steps
        self._alike = sums * self._place * self._places
        self._status = sums * self._alike
        self._pair = sums * self._status
        spread = max(
            int(ours.time.max()) - int(theirs.time.min()), int(theirs.time.max()) - int(ours.time.min())
        )
        self._step_ns = max(1, -(-spread // (steps - 1)))

    def __call__(self, one: int, others: Numbers) -> Numbers:
        ours, theirs = self._ours, self._theirs
        places = np.minimum(np.abs(theirs.place[others] - ours.place[one]), self._places - 1)
        times = -(-np.abs(theirs.time[others] - ours.time[one]) // self._step_ns)
        same_status = theirs.status[others] == ours.status[one]
        same_parameters = theirs.compared[others] == ours.compared[one]
        likeness = self._status * same_status + self._alike * same_parameters
        return np.asarray(self._pair + likeness - self._place * places - times, np.int64)


def _masks(left: list[int]) -> Callable[[int], int]:
    """From an element to the integer whose bit i says that it is left[i]."""
    places: dict[int, list[int]] = {}
    for at, token in enumerate(left):
        places.setdefault(token, []).append(at)
    often = {}
    for token, found in places.items():
        if len(found) > _SELDOM:
            bits = np.zeros(found[-1] + 1, np.uint8)
            bits[found] = 1
            often[token] = int.from_bytes(np.packbits(bits, bitorder="little").tobytes(), "little")

    def mask(token: int) -> int:
        known = often.get(token)
        return reduce(or_, [1 << at for at in places.get(token, ())], 0) if known is None else known

    return mask


def _lengths(left: list[int], right: list[int]) -> Numbers:
    """Length of the longest common subsequence of `right` and left[:i], for every i up to len(left)."""
    mask, full = _masks(left), (1 << len(left)) - 1
    row = full
    for token in right:
        hits = row & mask(token)
        row = ((row + hits) | (row - hits)) & full
    packed = np.frombuffer(row.to_bytes((len(left) + 7) // 8, "little"), np.uint8)
    grows = 1 - np.unpackbits(packed, bitorder="little")[: len(left)].astype(np.int64)
    return np.concatenate(([0], np.cumsum(grows)))
