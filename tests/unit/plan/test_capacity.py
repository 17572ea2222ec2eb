"""The search for the capacity."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from smbench.plan.capacity import RESOLUTION, clones_to_try


def searched(capacity: int, start: int = 1, most: int = 1024) -> tuple[int, list[int]]:
    """What is found and what was tried, on a target that bears so many clones."""
    tried = []
    search = clones_to_try(start, most)
    number = next(search)
    while True:
        tried.append(number)
        try:
            number = search.send(number <= capacity)
        except StopIteration as end:
            return end.value, tried


def test_it_doubles_until_it_breaks_then_halves_the_interval():
    assert searched(11) == (11, [1, 2, 4, 8, 16, 12, 10, 11])


def test_it_halves_where_the_first_breaks_already():
    assert searched(3, start=16) == (3, [16, 8, 4, 2, 3])
    assert searched(0) == (0, [1])


def test_it_ends_at_the_most():
    assert searched(5000, most=100) == (100, [1, 2, 4, 8, 16, 32, 64, 100])
    assert searched(5000, start=7, most=3) == (3, [3])


@given(st.integers(0, 3000), st.integers(1, 3000), st.integers(1, 3000))
def test_what_it_finds_holds_and_is_as_near_as_it_says(capacity, start, most):
    found, tried = searched(capacity, start, most)
    best = min(capacity, most)
    assert found <= best
    assert best - found <= max(0, found // RESOLUTION)
    assert len(tried) == len(set(tried)) <= 30
