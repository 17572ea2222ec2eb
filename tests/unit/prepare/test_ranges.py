"""Ranges of bytes: sets of them, against sets of numbers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smbench.prepare import ranges as module
from smbench.prepare.content import BLOCK
from smbench.prepare.ranges import Gathered, Ranges, clipped, covers, length, ranges_of, whole

PAIRS = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), max_size=8)


def numbers(ranges: Ranges) -> set[int]:
    return {at for begin, end in ranges.tolist() for at in range(begin, end)}


@given(PAIRS)
def test_any_pairs_become_ranges_in_order_that_do_not_touch(pairs: list[tuple[int, int]]) -> None:
    ranges = ranges_of(pairs)
    assert numbers(ranges) == {at for begin, end in pairs for at in range(begin, end)}
    assert (ranges[:, 0] < ranges[:, 1]).all()
    assert (ranges[1:, 0] > ranges[:-1, 1]).all()
    assert length(ranges) == len(numbers(ranges))


@given(PAIRS, st.integers(0, 45))
def test_a_file_has_what_lies_before_its_end(pairs: list[tuple[int, int]], size: int) -> None:
    assert numbers(clipped(ranges_of(pairs), size)) == {at for at in numbers(ranges_of(pairs)) if at < size}


@given(PAIRS, PAIRS)
def test_covers_is_a_subset(outer: list[tuple[int, int]], inner: list[tuple[int, int]]) -> None:
    one, other = ranges_of(outer), ranges_of(inner)
    assert covers(one, other) == (numbers(other) <= numbers(one))


def test_all_of_a_file() -> None:
    assert whole(7).tolist() == [[0, 7]]
    assert whole(0).tolist() == []


MANY = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 30), st.integers(0, 30)), max_size=30)


@given(MANY, st.integers(1, 7), st.integers(1, 40))
def test_gathered_are_the_blocks_of_each_file(
    reads: list[tuple[int, int, int]], batch: int, pending: int
) -> None:
    """Also where it merges now and then."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(module, "_PENDING", pending)
        gathered = Gathered()
        for first in range(0, len(reads), batch):
            rows = np.array(reads[first : first + batch], np.int64)
            gathered.add(rows[:, 0], rows[:, 1] * BLOCK + 5, rows[:, 2] * BLOCK + 6)
        found = {file: numbers(ranges // BLOCK) for file, ranges in gathered.by_file().items()}
    expected: dict[int, set[int]] = {}
    for file, begin, end in reads:
        if begin <= end:
            expected.setdefault(file, set()).update(range(begin, end + 1))
    assert found == expected
    assert gathered.block == BLOCK


def test_memory_is_bounded_by_larger_blocks() -> None:
    """Known answer: 4,096 blocks, every second one is read; more than 1,000 ranges are not kept."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(module, "MOST", 1_000)
        gathered = Gathered()
        begins = np.arange(0, 4096, 2, dtype=np.int64) * BLOCK
        gathered.add(np.zeros(len(begins), np.int64), begins, begins + 1)
        gathered.add(np.array([1]), np.array([9 * BLOCK]), np.array([9 * BLOCK + 1]))
        found = gathered.by_file()
    assert gathered.block == 2 * BLOCK
    assert found[0].tolist() == [[0, 4096 * BLOCK]]
    assert found[1].tolist() == [[8 * BLOCK, 10 * BLOCK]]
