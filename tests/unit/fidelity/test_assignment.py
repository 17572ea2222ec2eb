"""The assignment that is worth most, against all there are."""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from smbench.fidelity.assignment import assign


@given(arrays.arrays(np.int64, st.tuples(st.integers(1, 5), st.integers(1, 5)), elements=st.integers(0, 9)))
def test_no_other_assignment_is_worth_more(worth: np.ndarray) -> None:
    rows, columns = worth.shape
    pairs = assign(worth)
    assert len(pairs) == min(rows, columns)
    assert len({row for row, _ in pairs}) == len({column for _, column in pairs}) == len(pairs)
    got = sum(int(worth[pair]) for pair in pairs)
    if rows > columns:
        worth, rows, columns = worth.T, columns, rows
    most = max(
        sum(int(worth[row, column]) for row, column in enumerate(chosen))
        for chosen in itertools.permutations(range(columns), rows)
    )
    assert got == most


def test_a_thousand_users_find_their_own() -> None:
    chance = np.random.default_rng(1)
    who = chance.permutation(1000)
    worth = chance.integers(0, 50, (1000, 1000))
    worth[np.arange(1000), who] += 100
    assert assign(worth) == list(enumerate(who.tolist()))
