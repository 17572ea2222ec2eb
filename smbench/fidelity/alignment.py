"""The longest common subsequence of two sequences, exactly, at a hundred thousand elements each.

Where few elements are like each other (offsets that do not come back), the pairs that are equal are gone
through (J. W. Hunt and T. G. Szymanski, 1977). Else bit-parallel (H. Hyyrö, "Bit-parallel LCS-length
computation revisited", 2004): a row of the table is one large integer, so that it costs a few operations
on as many words as 1/64 of the other sequence; where the table would not fit, it is halved as
D. S. Hirschberg (1975) does.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Sequence
from functools import reduce
from operator import or_

import numpy as np
from numpy.typing import NDArray

_TABLE_BITS = 1 << 29
"""64 MiB of rows kept for the way back; larger problems are halved."""

_SPARSE = 8
"""Equal pairs for each element, up to which they are gone through one by one."""
_SELDOM = 32
"""Occurrences up to which an element's mask is made anew each time: all of them would fill the memory."""

Pair = tuple[int, int]


def align(left: Sequence[int], right: Sequence[int]) -> list[Pair]:
    """Positions in `left` and `right` of one longest common subsequence, ascending in both."""
    head = 0
    shortest = min(len(left), len(right))
    while head < shortest and left[head] == right[head]:
        head += 1
    tail = 0
    while tail < shortest - head and left[-1 - tail] == right[-1 - tail]:
        tail += 1
    pairs = [(at, at) for at in range(head)]
    # What the other side has nowhere can be in no common subsequence.
    in_left, in_right = set(left[head : len(left) - tail]), set(right[head : len(right) - tail])
    from_left = [at for at in range(head, len(left) - tail) if left[at] in in_right]
    from_right = [at for at in range(head, len(right) - tail) if right[at] in in_left]
    pairs += [
        (from_left[one], from_right[other])
        for one, other in _align([left[at] for at in from_left], [right[at] for at in from_right])
    ]
    pairs += [(len(left) - at, len(right) - at) for at in range(tail, 0, -1)]
    return pairs


def _align(left: list[int], right: list[int]) -> list[Pair]:
    if not left or not right:
        return []
    ours, theirs = Counter(left), Counter(right)
    if sum(count * theirs[token] for token, count in ours.items()) <= _SPARSE * (len(left) + len(right)):
        return _through_pairs(left, right)
    if len(left) * len(right) <= _TABLE_BITS or len(right) == 1:
        return _traced(left, right)
    middle = len(right) // 2
    before = _lengths(left, right[:middle])
    after = _lengths(left[::-1], right[: middle - 1 : -1])[::-1]
    cut = int(np.argmax(before + after))
    return _align(left[:cut], right[:middle]) + [
        (one + cut, other + middle) for one, other in _align(left[cut:], right[middle:])
    ]


def _through_pairs(left: list[int], right: list[int]) -> list[Pair]:
    """The longest ascending chain of equal pairs."""
    places: dict[int, list[int]] = {}
    for at in range(len(right) - 1, -1, -1):
        places.setdefault(right[at], []).append(at)
    ends: list[int] = []
    links: list[tuple[int, int, object]] = []
    for one, token in enumerate(left):
        for other in places.get(token, ()):
            length = bisect_left(ends, other)
            before = links[length - 1] if length else None
            if length == len(ends):
                ends.append(other)
                links.append((one, other, before))
            elif other < ends[length]:
                ends[length] = other
                links[length] = (one, other, before)
    pairs: list[Pair] = []
    link: object = links[-1] if links else None
    while isinstance(link, tuple):
        pairs.append(link[:2])
        link = link[2]
    return pairs[::-1]


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


def _rows(left: list[int], right: list[int]) -> list[int]:
    """After each element of `right`: an integer whose bit i is 0 where the length grows at left[i]."""
    mask, full = _masks(left), (1 << len(left)) - 1
    row, rows = full, []
    for token in right:
        hits = row & mask(token)
        row = ((row + hits) | (row - hits)) & full
        rows.append(row)
    return rows


def _lengths(left: list[int], right: list[int]) -> NDArray[np.int64]:
    """Length of the longest common subsequence of `right` and left[:i], for every i up to len(left)."""
    mask, full = _masks(left), (1 << len(left)) - 1
    row = full
    for token in right:
        hits = row & mask(token)
        row = ((row + hits) | (row - hits)) & full
    packed = np.frombuffer(row.to_bytes((len(left) + 7) // 8, "little"), np.uint8)
    grows = 1 - np.unpackbits(packed, bitorder="little")[: len(left)].astype(np.int64)
    return np.concatenate(([0], np.cumsum(grows)))


def _traced(left: list[int], right: list[int]) -> list[Pair]:
    rows = _rows(left, right)
    pairs = []
    one, other = len(left), len(right)
    while one and other:
        if rows[other - 1] >> (one - 1) & 1:
            one -= 1
        elif other > 1 and not rows[other - 2] >> (one - 1) & 1:
            other -= 1
        else:
            one -= 1
            other -= 1
            pairs.append((one, other))
    return pairs[::-1]
