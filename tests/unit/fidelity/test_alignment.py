"""The longest common subsequence against the textbook's table, the most alike against all others; at size."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smbench.fidelity import alignment
from smbench.fidelity.alignment import Pair, Traits, align

Element = tuple[int, int, int, int, int]
"""Token, status, compared parameters, place, time."""


def traits(elements: Sequence[Element]) -> Traits:
    columns = np.array(elements, np.int64).reshape(-1, 5).T
    return Traits(*columns[1:])


def aligned(left: Sequence[Element], right: Sequence[Element]) -> list[Pair]:
    return align([one[0] for one in left], [one[0] for one in right], traits(left), traits(right))


def plain(tokens: Sequence[int]) -> list[Element]:
    return [(token, 0, 0, 0, at) for at, token in enumerate(tokens)]


def textbook(left: Sequence[int], right: Sequence[int]) -> int:
    row = [0] * (len(right) + 1)
    for one in left:
        before = row[:]
        for at, other in enumerate(right):
            row[at + 1] = before[at] + 1 if one == other else max(before[at + 1], row[at])
    return row[-1]


def check(left: list[int], right: list[int]) -> None:
    pairs = aligned(plain(left), plain(right))
    assert all(left[one] == right[other] for one, other in pairs)
    assert all(a < c and b < d for (a, b), (c, d) in itertools.pairwise(pairs))
    assert len(pairs) == textbook(left, right)


tokens = st.lists(st.integers(0, 4), max_size=40)


@given(tokens, tokens)
def test_it_is_as_long_as_the_textbooks(left: list[int], right: list[int]) -> None:
    check(left, right)


@given(tokens, tokens, st.sampled_from([1, 3, 10]))
def test_halved_it_is_as_long(left: list[int], right: list[int], shortest: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(alignment, "_SHORTEST", shortest)
        check(left, right)
        patch.setattr(alignment, "_SELDOM", 2)
        check(left, right)
        patch.setattr(alignment, "_TABLE", 8)
        check(left, right)


def every(left: Sequence[Element], right: Sequence[Element]) -> Iterator[list[Pair]]:
    """All common subsequences."""
    yield []
    for one, other in itertools.product(range(len(left)), range(len(right))):
        if left[one][0] == right[other][0]:
            for further in every(left[one + 1 :], right[other + 1 :]):
                yield [(one, other), *((one + 1 + a, other + 1 + b) for a, b in further)]


def likeness(pairs: list[Pair], left: Sequence[Element], right: Sequence[Element]) -> tuple[int, ...]:
    """What counts, most first, by definition."""
    both = [(left[one], right[other]) for one, other in pairs]
    return (
        len(pairs),
        sum(one[1] == other[1] for one, other in both),
        sum(one[2] == other[2] for one, other in both),
        -sum(abs(one[3] - other[3]) for one, other in both),
        -sum(abs(one[4] - other[4]) for one, other in both),
    )


elements = st.lists(
    st.tuples(st.integers(0, 1), st.integers(0, 1), st.integers(0, 1), st.integers(0, 3), st.integers(0, 9)),
    max_size=6,
)  # fmt: skip


@given(elements, elements)
def test_of_all_that_are_as_long_it_is_the_most_alike(left: list[Element], right: list[Element]) -> None:
    """What both have equally often at their ends is paired in order, whatever its traits."""
    left.sort(key=lambda one: one[4])
    right.sort(key=lambda one: one[4])
    found = aligned(left, right)
    assert len(found) == textbook([one[0] for one in left], [one[0] for one in right])
    head, tail = alignment._ends([one[0] for one in left], [one[0] for one in right])
    inner = [(one - head, other - head) for one, other in found[head : len(found) - tail]]
    left, right = left[head : len(left) - tail], right[head : len(right) - tail]
    assert likeness(inner, left, right) == max(likeness(pairs, left, right) for pairs in every(left, right))


@pytest.mark.parametrize("extra", [0, 7, 123, 254, 400, 599])
def test_one_more_among_many_is_found_by_its_time(extra: int) -> None:
    left = [(1, 0, 0, 0, 1000 * at) for at in range(600)]
    right = [*left[: extra + 1], (1, 0, 0, 0, 1000 * extra + 300), *left[extra + 1 :]]
    free = set(range(601)) - {other for _, other in aligned(left, right)}
    assert free == {extra + 1}
    assert {other for other, _ in aligned(right, left)} == set(range(601)) - {extra + 1}


def test_the_status_goes_before_the_time() -> None:
    listing = [(1, 0, 0, 0, 10), (1, 6, 0, 0, 20)]
    longer = [(1, 0, 0, 0, 10), (1, 0, 0, 0, 20), (1, 6, 0, 0, 30)]
    assert aligned(listing, longer) == [(0, 0), (1, 2)]


@pytest.mark.long
@pytest.mark.parametrize(("words", "size"), [(1, 100_000), (3, 100_000), (1_000, 40_000), (50_000, 100_000)])
def test_a_hundred_thousand_exchanges_on_one_path(words: int, size: int) -> None:
    chance = random.Random(1)
    left = plain([chance.randrange(words) for _ in range(size)])
    right = [one for one in left if chance.random() > 0.02]
    pairs = aligned(left, right)
    assert len(pairs) == len(right)
    # Each has its time: nearly all are found where they are.
    assert sum(left[one] == right[other] for one, other in pairs) > 0.999 * len(right)
