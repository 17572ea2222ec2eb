"""Which operation waits for which: stories of two users or two lanes on the same things."""

from __future__ import annotations

import pytest
from helpers.load import CREATE, OPEN_IF, READ, SHARING_VIOLATION, WRITE, Load, all_before, stored_edges

from smbench.plan import Pace, plan_run
from smbench.workload.calls import (
    CopyRange,
    Flush,
    Link,
    List,
    Lock,
    MakeDirectory,
    Notify,
    Read,
    RemoveDirectory,
    Rename,
    SetAttributes,
    SetDelete,
    SetEa,
    Stat,
    Truncate,
    Unlink,
    Unlock,
    Write,
)

NOT_FOUND = 0xC0000034


def edges(load: Load) -> list[tuple[int, int]]:
    return stored_edges(plan_run(load.workload, load.users, pace=Pace.FAST))


def _opens(*told, **more):
    return lambda load: load.opens(*told, **more)


def _adds(*told, **more):
    return lambda load: load.add(*told, **more)


def test_an_open_comes_before_what_another_lane_does_with_it_and_the_close_after():
    load = Load()
    opened = load.opens(0, 1, "a")
    used = load.reads(0, 1, lane=1)
    closed = load.closes(0, 1, lane=2)
    assert edges(load) == [(opened, used), (used, closed)]


def test_that_holds_even_where_the_capture_had_no_answer_in_between():
    load = Load()
    opened = load.opens(0, 1, "a", takes_ns=10_000)
    used = load.reads(0, 1, lane=1, takes_ns=10_000)
    closed = load.closes(0, 1, lane=2)
    assert edges(load) == [(opened, used), (used, closed)]


def test_a_notify_that_ends_with_the_close_does_not_hold_the_close():
    load = Load()
    opened = load.opens(0, 1, "d")
    load.add(0, Notify(1, 0xFFF, False), lane=1, takes_ns=1_000_000)
    closed = load.closes(0, 1, lane=2)
    assert (opened, closed) in edges(load)
    assert (1, closed) not in edges(load)


@pytest.mark.parametrize("call", [Read, Write])
def test_what_goes_on_under_way_does_not_come_before_what_the_one_before_it_had_waited_for(call):
    """A client reads ahead: the third read is sent a moment before the second is answered, and the fourth
    before the third is. None of them may be the first of the file."""
    load = Load()
    load.opens(0, 1, "a")
    first = load.add(0, call(1, 0, 16), takes_ns=500)
    load.add(0, call(1, 16, 64), takes_ns=1100)
    third = load.add(0, call(1, 80, 256), lane=1, takes_ns=1100)
    fourth = load.add(0, call(1, 336, 16), lane=2, takes_ns=500)
    elsewhere = load.add(0, call(1, 9000, 16), lane=3, takes_ns=500)
    assert {(first, third), (first, fourth)} <= {*edges(load)}
    assert not any(then == elsewhere and before != 0 for before, then in edges(load))


def test_what_goes_on_in_another_lane_waits_for_an_answer_that_was_there():
    load = Load()
    load.opens(0, 1, "a")
    load.reads(0, 1, 0, 64, lane=1)
    first, second = load.reads(0, 1, 64, 64, lane=2), load.reads(0, 1, 128, 64, lane=3)
    assert (first, second) in edges(load)


def test_users_on_different_files_do_not_wait():
    load = Load()
    load.opens(0, 1, "a", CREATE)
    load.opens(1, 2, "b", CREATE)
    load.writes(0, 1)
    load.writes(1, 2)
    assert edges(load) == []


@pytest.mark.parametrize(
    ("first", "then"),
    [
        (_opens(0, 1, "a", CREATE), _opens(1, 2, "A")),
        (_opens(0, 1, "a", CREATE), _adds(1, Stat("a"))),
        (_adds(0, Stat("a"), expected=NOT_FOUND), _opens(1, 2, "a", CREATE)),
        (_adds(0, MakeDirectory("d")), _opens(1, 2, "d/e/f", CREATE)),
        (_adds(0, Unlink("d/x")), _adds(1, RemoveDirectory("d"))),
        (_adds(0, Unlink("x")), _opens(1, 2, "x", CREATE)),
        (_adds(0, Stat("x:stream")), _adds(1, Unlink("x"))),
        (_opens(0, 1, "a"), _opens(1, 2, "a", share=0, expected=SHARING_VIOLATION)),
    ],
)
def test_names(first, then):
    load = Load()
    assert edges(load) == []
    one, two = first(load), then(load)
    assert (one, two) in edges(load)


def test_what_overlapped_in_the_capture_may_overlap_again():
    load = Load()
    load.opens(0, 1, "a", CREATE, takes_ns=5000)
    load.opens(1, 2, "a")
    assert edges(load) == []


def test_two_opens_that_share_do_not_wait_and_those_that_do_not_share_wait_for_the_close():
    load = Load()
    load.opens(0, 1, "a", share=1, access=READ)
    load.opens(1, 2, "a", share=1, access=READ)
    closed_first = load.closes(0, 1)
    closed_second = load.closes(1, 2)
    writer = load.opens(0, 3, "a", share=0, access=WRITE, lane=1)
    assert set(edges(load)) == {(closed_first, writer), (closed_second, writer)}


def test_a_refused_open_comes_before_the_close_that_would_have_let_it_in():
    load = Load()
    holder = load.opens(0, 1, "a", share=0)
    refused = load.opens(1, 2, "a", expected=SHARING_VIOLATION)
    closed = load.closes(0, 1)
    assert set(edges(load)) == {(holder, refused), (refused, closed)}


def test_a_refused_removal_too():
    load = Load()
    holder = load.opens(0, 1, "a", share=0)
    refused = load.add(1, Unlink("a"), expected=SHARING_VIOLATION)
    closed = load.closes(0, 1)
    assert set(edges(load)) == {(holder, refused), (refused, closed)}


def test_delete_on_close_removes_the_name_at_the_close():
    load = Load()
    load.opens(0, 1, "a", options=0x1000)
    closed = load.closes(0, 1)
    again = load.opens(1, 2, "a", CREATE)
    assert edges(load) == [(closed, again)]


def test_set_delete_does_too():
    load = Load()
    load.opens(0, 1, "a")
    load.add(0, SetDelete(1, "a", True))
    closed = load.closes(0, 1)
    gone = load.add(1, Stat("a"), expected=NOT_FOUND)
    assert edges(load) == [(closed, gone)]


def test_rename_comes_before_the_new_name_and_takes_what_was_written_along():
    load = Load()
    load.opens(0, 1, "a")
    load.opens(1, 2, "a")
    written = load.writes(0, 1, 0, 100, lane=1)
    renamed = load.add(0, Rename(1, "a", "b", False))
    load.paths[2] = "b"
    read = load.reads(1, 2, 50, 10, lane=1)
    used = load.opens(1, 3, "b", lane=2)
    found = edges(load)
    assert (renamed, used) in found
    assert (written, read) in found


def test_a_read_waits_for_the_write_of_its_range_and_for_no_other():
    load = Load()
    load.opens(0, 1, "a")
    load.opens(1, 2, "a")
    load.writes(0, 1, 0, 100)
    load.reads(1, 2, 0, 100)  # from here on the file is shared, and its ranges are kept apart
    written = load.writes(0, 1, 1000, 100)
    load.writes(0, 1, 5000, 100)
    read = load.reads(1, 2, 1050, 10)
    assert (written, read) in edges(load)
    assert all(later != read or earlier == written for earlier, later in edges(load))


@pytest.mark.parametrize("change", [Truncate(1, 10), CopyRange(1, 1, 0, 90, 20), Lock(1, 90, 5, True, False)])
def test_what_changes_a_range_comes_before_a_read_of_it_and_after_an_earlier_one(change):
    load = Load()
    load.opens(0, 1, "a")
    load.opens(1, 2, "a")
    read = load.reads(1, 2, 0, 100)
    changed = load.add(0, change)
    again = load.reads(1, 2, 50, 100)
    assert set(edges(load)) >= {(read, changed), (changed, again)}


def test_a_lock_waits_for_the_unlock_of_its_range_and_a_flush_for_the_writes():
    load = Load()
    load.opens(0, 1, "a")
    load.opens(1, 2, "a")
    locked = load.add(0, Lock(1, 0, 10, True, False))
    refused = load.add(1, Lock(2, 0, 10, True, False), expected=0xC0000055)
    unlocked = load.add(0, Unlock(1, 0, 10))
    granted = load.add(1, Lock(2, 0, 10, True, False))
    written = load.writes(0, 1, 100, 10)
    flushed = load.add(1, Flush(2))
    assert set(edges(load)) >= {
        (locked, refused), (refused, unlocked), (unlocked, granted), (written, flushed)
    }  # fmt: skip


def test_closing_releases_locks():
    load = Load()
    load.opens(0, 1, "a")
    load.opens(1, 2, "a")
    load.add(0, Lock(1, 0, 10, True, False))
    closed = load.closes(0, 1)
    granted = load.add(1, Lock(2, 0, 10, True, False))
    assert (closed, granted) in edges(load)


def test_a_listing_goes_on_where_the_last_ended():
    load = Load()
    load.opens(0, 1, "d")
    first = load.add(0, List(1, "*", 37, True), lane=1)
    second = load.add(0, List(1, "*", 37, False), lane=2)
    assert (first, second) in edges(load)


def test_a_search_for_one_name_is_a_look_up():
    load = Load()
    load.opens(0, 1, "d")
    created = load.opens(1, 2, "d/x", CREATE)
    found = load.add(0, List(1, "x", 37, True))
    assert (created, found) in edges(load)


def test_a_link_makes_its_name_and_attributes_decide_who_may_open():
    load = Load()
    load.opens(0, 1, "a")
    linked = load.add(0, Link(1, "a", "b", False))
    seen = load.add(1, Stat("b"))
    load.add(0, SetAttributes(1, 1))
    refused = load.opens(1, 2, "a", access=WRITE, expected=0xC0000022)
    assert {(linked, seen), (3, refused)} <= set(edges(load))


def test_who_asks_for_extended_attributes_comes_after_who_set_them():
    load = Load()
    before = load.add(1, Stat("a", (15,)))
    load.opens(0, 1, "a", access=0x10)
    done = load.add(0, SetEa(1, "one", 5))
    after = load.add(1, Stat("a", (15,)))
    assert {(before, done), (done, after)} <= set(edges(load))


def test_an_edge_that_others_imply_is_not_stored():
    load = Load(users=["a", "b", "c"])
    created = load.opens(0, 1, "x", CREATE)
    second = load.opens(1, 2, "x", OPEN_IF)
    third = load.opens(2, 3, "x", OPEN_IF)
    assert edges(load) == [(created, second), (second, third)]
    plan = plan_run(load.workload, load.users, pace=Pace.FAST)
    assert plan.edges_found >= len(plan.waits)
    assert created in all_before(plan)[third]


def test_whoever_overlaps_with_a_change_still_waits_for_what_the_change_waited_for():
    load = Load(users=["a", "b", "c"])
    first = load.opens(0, 1, "x", CREATE)
    slow = load.opens(1, 2, "x", OPEN_IF, takes_ns=50_000)
    third = load.opens(2, 3, "x", OPEN_IF)
    found = edges(load)
    assert (first, third) in found
    assert (slow, third) not in found
