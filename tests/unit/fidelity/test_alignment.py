"""The longest common subsequence against the textbook's table, and at size."""

from __future__ import annotations

import itertools
import random
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smbench.fidelity import alignment
from smbench.fidelity.alignment import align


def textbook(left: list[int], right: list[int]) -> int:
    row = [0] * (len(right) + 1)
    for one in left:
        before = row[:]
        for at, other in enumerate(right):
            row[at + 1] = before[at] + 1 if one == other else max(before[at + 1], row[at])
    return row[-1]


def check(left: list[int], right: list[int]) -> None:
    pairs = align(left, right)
    assert all(left[one] == right[other] for one, other in pairs)
    assert all(a < c and b < d for (a, b), (c, d) in itertools.pairwise(pairs))
    assert len(pairs) == textbook(left, right)


tokens = st.lists(st.integers(0, 4), max_size=40)


@given(tokens, tokens)
def test_it_is_as_long_as_the_textbooks(left: list[int], right: list[int]) -> None:
    check(left, right)


@given(tokens, tokens)
def test_every_way_gives_the_same_length(left: list[int], right: list[int]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(alignment, "_SPARSE", 0)
        check(left, right)
        patch.setattr(alignment, "_SELDOM", 2)
        check(left, right)
        patch.setattr(alignment, "_TABLE_BITS", 8)
        check(left, right)


@pytest.mark.parametrize(("words", "size"), [(3, 100_000), (1_000, 40_000), (50_000, 100_000)])
def test_a_hundred_thousand_exchanges_on_one_path_take_seconds(words: int, size: int) -> None:
    chance = random.Random(1)
    left = [chance.randrange(words) for _ in range(size)]
    right = [token for token in left if chance.random() > 0.02]
    started = time.process_time()
    pairs = align(left, right)
    assert len(pairs) == len(right)
    assert time.process_time() - started < 30
