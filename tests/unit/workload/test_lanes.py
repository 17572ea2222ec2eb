"""Lanes: nothing overlaps in one, and there are no more than were in flight."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from smbench.workload.lanes import FOREVER_NS, Lanes

OPERATIONS = st.lists(
    st.tuples(st.integers(0, 60), st.integers(0, 30), st.integers(-1, 4)), min_size=1, max_size=60
).map(sorted)


@given(OPERATIONS)
def test_never_overlapping_never_more_than_in_flight(operations: list[tuple[int, int, int]]) -> None:
    lanes = Lanes()
    ends: dict[int, int] = {}
    running: list[int] = []
    most = 0
    for arrival, length, handle in operations:
        lane = lanes.assign(arrival, arrival + length, handle)
        assert ends.get(lane, 0) <= arrival
        ends[lane] = arrival + length
        running = [end for end in running if end > arrival] + [arrival + length]
        most = max(most, len(running))
    assert len(lanes) == len(ends) <= most


def test_a_handle_keeps_its_lane_while_that_is_free() -> None:
    lanes = Lanes()
    assert lanes.assign(0, 10, 1) == 0
    assert lanes.assign(5, 15, 2) == 1
    assert lanes.assign(20, 30, 2) == 1
    assert lanes.assign(21, 25, 1) == 0
    assert lanes.assign(40, 50, 2, closes=True) == 1
    assert lanes.assign(60, 70, 2) in (0, 1)


def test_a_compound_stays_together() -> None:
    lanes = Lanes()
    assert [
        lanes.assign(0, 10, 1, chain=7),
        lanes.assign(0, 10, 1, chain=7),
        lanes.assign(0, 10, -1, chain=8),
    ] == [0, 0, 1]
    assert lanes.assign(10, 11, 1, chain=7) == 0


def test_what_blocks_for_ever_keeps_its_lane() -> None:
    lanes = Lanes()
    assert lanes.assign(0, FOREVER_NS, 1) == 0
    assert [lanes.assign(at, at + 1) for at in (100, 200, 300)] == [1, 1, 1]


def test_memory_does_not_grow_with_operations() -> None:
    lanes = Lanes()
    for number in range(10_000):
        lanes.assign(number * 10, number * 10 + 5, 1)
    assert len(lanes._free) + len(lanes._busy) <= 3
