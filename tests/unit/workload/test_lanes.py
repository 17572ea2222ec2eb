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


# Notifications


@st.composite
def mixed(draw: st.DrawFn) -> list[tuple[int, int, int, str]]:
    """(arrival, end, handle, what) in order of arrival: operations, notifications and closes of some opens;
    nothing on a handle that is closed."""
    told, closed, at = [], set(), 0
    for gap, length, handle in draw(OPERATIONS):
        at += 1 + gap % 5
        end = at + length + 1
        what = draw(st.sampled_from(["use", "use", "watch", "watch", "close"]))
        if handle < 0 or handle in closed:
            handle, what = -1, "use"
        if what == "close":
            closed.add(handle)
        if what == "watch":
            end = draw(st.sampled_from([end, FOREVER_NS]))
        told.append((at, end, handle, what))
    return told


def assigned(told: list[tuple[int, int, int, str]]) -> list[int]:
    lanes = Lanes()
    found = [
        lanes.assign_watch(arrival, end, handle)
        if what == "watch"
        else lanes.assign(arrival, end, handle, what == "close")
        for arrival, end, handle, what in told
    ]
    assert len(lanes) == len(set(found))
    return found


@given(mixed())
def test_notifications_share_no_lane_with_others_and_change_nothing_for_these(told) -> None:
    lanes = assigned(told)
    watches = {lane for lane, one in zip(lanes, told, strict=True) if one[3] == "watch"}
    others = [lane for lane, one in zip(lanes, told, strict=True) if one[3] != "watch"]
    assert not watches & set(others)
    without = assigned([one for one in told if one[3] != "watch"])
    renumbered = {lane: number for number, lane in enumerate(dict.fromkeys(others))}
    before = {lane: number for number, lane in enumerate(dict.fromkeys(without))}
    assert [renumbered[lane] for lane in others] == [before[lane] for lane in without]


@given(mixed())
def test_of_one_open_notifications_do_not_overlap_in_a_lane_and_no_open_shares_one_meanwhile(told) -> None:
    closes = {handle: arrival for arrival, _, handle, what in told if what == "close"}
    last: dict[int, tuple[int, int]] = {}
    for lane, (arrival, end, handle, what) in zip(assigned(told), told, strict=True):
        if what != "watch":
            continue
        if lane in last:
            before, ended = last[lane]
            if before == handle:
                assert ended <= arrival
            else:
                assert closes[before] <= arrival
                assert ended <= arrival or ended == FOREVER_NS
        last[lane] = handle, end


@given(mixed())
def test_there_are_no_more_lanes_of_notifications_than_could_be_needed_at_once(told) -> None:
    """An open needs as many as it had notifications at once, until it is closed."""
    closes = {handle: arrival for arrival, _, handle, what in told if what == "close"}
    lanes = {lane for lane, one in zip(assigned(told), told, strict=True) if one[3] == "watch"}
    watches = [one for one in told if one[3] == "watch"]

    def outstanding(at: int, handle: int) -> int:
        mine = [one for one in watches if one[2] == handle and one[0] <= at]
        return max((sum(a <= one[0] < b for a, b, *_ in mine) for one in mine), default=0)

    def needed(at: int) -> int:
        count = 0
        for handle in {one[2] for one in watches}:
            ends = [
                min(end, closes.get(handle, end)) if end == FOREVER_NS else end
                for arrival, end, own, _ in watches
                if own == handle and arrival <= at
            ]
            if closes.get(handle, FOREVER_NS) > at or any(end > at for end in ends):
                count += outstanding(at, handle)
        return count

    assert len(lanes) <= max((needed(one[0]) for one in watches), default=0)


def test_an_open_keeps_its_lane_of_notifications_and_leaves_it_with_its_close() -> None:
    lanes = Lanes()
    assert lanes.assign(0, 1, 1) == 0
    assert lanes.assign_watch(10, 20, 1) == 1
    assert lanes.assign_watch(15, 25, 1) == 2, "outstanding beside the first"
    assert lanes.assign_watch(30, FOREVER_NS, 1) == 1
    assert lanes.assign_watch(30, 40, 7) == 3, "another open"
    assert lanes.assign(50, 60, 1, closes=True) == 0
    assert lanes.assign_watch(70, 80, 8) == 1
    assert lanes.assign_watch(70, 80, 9) == 2
    assert lanes.assign_watch(70, 80, 10) == 4


def test_the_notifications_of_many_folders_take_few_lanes() -> None:
    lanes = Lanes()
    for number in range(1000):
        lanes.assign(number * 10, number * 10 + 1, number)
        lanes.assign_watch(number * 10 + 1, FOREVER_NS, number)
        lanes.assign(number * 10 + 5, number * 10 + 6, number, closes=True)
    assert len(lanes) == 2
