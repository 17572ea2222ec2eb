"""Notifications beside the changes that they report: what waits for which, and what never waits."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from helpers.load import CREATE, OPEN, Load, stored_brief_edges, stored_edges
from hypothesis import given, settings
from hypothesis import strategies as st

from smbench.plan import Pace, Plan, clone, plan_run
from smbench.smb2.constants import DELETE_ON_CLOSE, NOTIFY_CHANGE_EA, NOTIFY_CHANGE_LAST_WRITE
from smbench.smb2.ntstatus import Status
from smbench.workload.calls import (
    MakeDirectory,
    Notify,
    Rename,
    SetAttributes,
    SetDelete,
    SetEa,
    Stat,
    Unlink,
)
from smbench.workload.lanes import Lanes

NAMES = 0x3
WATCH = 9
"""Lane of notifications."""
LONG_NS = 100_000


def planned(load: Load, pace: Pace = Pace.ORIGINAL) -> Plan:
    return plan_run(load.workload, load.users, pace=pace)


def briefly(load: Load | Plan, pace: Pace = Pace.ORIGINAL) -> list[tuple[int, int, str]]:
    """(notification, who waits for it, until what) by rows."""
    plan = load if isinstance(load, Plan) else planned(load, pace)
    words = np.where(plan.brief.answered != 0, "answered", "armed").tolist()
    return sorted((*edge, word) for edge, word in zip(stored_brief_edges(plan), words, strict=True))


def watches(load: Load, path: str = "d", tree: bool = False, asks: int = NAMES, **told: int | None) -> int:
    """Open handle 1 and ask for a change."""
    load.opens(0, 1, path)
    return notifies(load, tree, asks, **told)


def notifies(load: Load, tree: bool = False, asks: int = NAMES, **told: int | None) -> int:
    return load.add(0, Notify(1, asks, tree), WATCH, **told)


def test_what_answers_a_notification_comes_when_it_is_armed_and_the_close_after_both():
    load = Load()
    asked = watches(load, takes_ns=1500)
    made = load.opens(1, 2, "d/f", CREATE)
    closed = load.closes(0, 1)
    assert briefly(load) == [(asked, made, "armed"), (asked, closed, "answered")]
    assert (made, closed) in stored_edges(planned(load))


def test_nobody_waits_for_the_answer_of_one_that_no_captured_change_explains():
    load = Load()
    asked = watches(load, takes_ns=1500)
    load.add(1, Stat("d/f"))
    load.opens(1, 2, "e/f", CREATE)
    closed = load.closes(0, 1)
    assert briefly(load) == [(asked, closed, "armed")]


def test_behind_one_that_is_not_explained_nobody_waits_for_the_next_either():
    load = Load()
    first = watches(load)
    notifies(load, takes_ns=LONG_NS)
    made = load.opens(1, 2, "d/f", CREATE)
    closed = load.closes(0, 1)
    assert briefly(load) == [(first, made, "armed"), (first, closed, "armed")]


def test_what_was_changed_before_a_notification_comes_before_it():
    load = Load()
    load.opens(0, 1, "d")
    made = load.opens(1, 2, "d/f", CREATE)
    asked = notifies(load, takes_ns=LONG_NS, expected=int(Status.CANCELLED))
    assert (made, asked) in stored_edges(planned(load))


def test_a_close_waits_until_what_it_ends_is_armed_and_what_comes_after_it_for_the_close():
    load = Load()
    asked = watches(load, takes_ns=LONG_NS, expected=int(Status.NOTIFY_CLEANUP))
    closed = load.closes(0, 1)
    made = load.opens(1, 2, "d/f", CREATE)
    assert briefly(load) == [(asked, closed, "armed")]
    assert (closed, made) in stored_edges(planned(load))


def test_what_the_server_kept_between_two_goes_to_the_second():
    load = Load()
    first = watches(load, takes_ns=1500)
    answers = load.opens(1, 2, "d/f", CREATE)
    kept = load.opens(1, 3, "d/g", CREATE)
    second = notifies(load)
    later = load.opens(1, 4, "d/h", CREATE)
    closed = load.closes(0, 1)
    assert briefly(load) == [
        (first, answers, "armed"), (second, later, "armed"), (second, closed, "answered"),
    ]  # fmt: skip
    assert (kept, second) in stored_edges(planned(load))
    # Without times, what came after an answer is kept behind it.
    assert briefly(load, Pace.FAST) == [
        (first, answers, "armed"), (first, kept, "answered"),
        (second, later, "answered"), (second, closed, "answered"),
    ]  # fmt: skip


def test_a_change_that_was_under_way_when_it_was_asked_for_waits_too():
    load = Load()
    load.opens(0, 1, "d")
    made = load.opens(1, 2, "d/f", CREATE, takes_ns=3000)
    asked = notifies(load, takes_ns=2500)
    assert briefly(load) == [(asked, made, "armed")]


@pytest.mark.parametrize(
    ("asks", "tree", "change", "seen"),
    [
        (NAMES, False, lambda load: load.add(1, MakeDirectory("D/sub")), True),
        (NAMES, False, lambda load: load.add(1, Unlink("d/f")), True),
        (NAMES, False, lambda load: load.add(1, Unlink("d/f"), expected=int(Status.ACCESS_DENIED)), False),
        (NAMES, False, lambda load: load.add(1, Unlink("d/sub/f")), False),
        (NAMES, True, lambda load: load.add(1, Unlink("d/sub/f")), True),
        (NAMES, True, lambda load: load.add(1, Unlink("dd/f")), False),
        (NAMES, False, lambda load: load.add(1, Rename(2, "d/there", "e/g", replace=True)), True),
        (NAMES, False, lambda load: load.opens(1, 3, "d/f", OPEN), False),
        (NAMES, False, lambda load: load.writes(1, 2), False),
        (NOTIFY_CHANGE_LAST_WRITE, False, lambda load: load.writes(1, 2), True),
        (NOTIFY_CHANGE_LAST_WRITE, False, lambda load: load.add(1, SetAttributes(2, 1)), False),
        (0x4, False, lambda load: load.add(1, SetAttributes(2, 1)), True),
        (NOTIFY_CHANGE_EA, False, lambda load: load.add(1, SetEa(2, "a", 1)), True),
        (NOTIFY_CHANGE_LAST_WRITE, False, lambda load: load.add(1, SetEa(2, "a", 1)), False),
    ],
)
def test_what_a_filter_asks_for_and_where(asks, tree, change, seen):
    load = Load(step_ns=1000)
    load.opens(1, 2, "d/there")
    asked = watches(load, "d", tree, asks, takes_ns=LONG_NS)
    changed = change(load)
    assert briefly(load) == ([(asked, changed, "armed")] if seen else [])


def test_the_root_s_own_entries_are_beneath_the_root():
    load = Load()
    asked = watches(load, "", takes_ns=LONG_NS)
    load.add(1, MakeDirectory("a/b"))
    made = load.add(1, MakeDirectory("a"))
    assert briefly(load) == [(asked, made, "armed")]


@pytest.mark.parametrize("how", ["option", "disposition", "write"])
def test_a_close_that_takes_its_file_away_or_has_written_it_is_a_change(how):
    load = Load()
    load.opens(1, 2, "d/f", options=DELETE_ON_CLOSE if how == "option" else 0)
    if how == "disposition":
        load.add(1, SetDelete(2, "d/f", delete=True))
    if how == "write":
        load.writes(1, 2)
    asked = watches(load, asks=NOTIFY_CHANGE_LAST_WRITE if how == "write" else NAMES, takes_ns=LONG_NS)
    closed = load.closes(1, 2)
    assert briefly(load) == [(asked, closed, "armed")]


def test_clones_wait_for_their_own():
    load = Load()
    asked = watches(load, takes_ns=1500)
    made = load.opens(1, 2, "d/f", CREATE)
    plan = clone(planned(load), 3)
    assert briefly(plan) == [(asked, made, "armed")] * 3
    lanes = plan.lanes_at(plan.brief.place)
    assert (plan.brief.lane // (plan.lanes // 3) == lanes // (plan.lanes // 3)).all()


@st.composite
def watched(draw: st.DrawFn) -> Load:
    """Users who change directories and watch them, overlapping at random, on lanes as lifting gives them."""
    load, lanes = Load(), [Lanes(), Lanes()]
    opened: dict[int, int] = {}
    for number in range(draw(st.integers(2, 40))):
        at_ns = load.now_ns + draw(st.integers(0, 2000))
        takes_ns = draw(st.sampled_from([100, 1000, 5000]))
        user, path = draw(st.integers(0, 1)), draw(st.sampled_from(["", "d", "d/e"]))
        mine = [handle for handle, owner in opened.items() if owner == user]
        what = draw(st.sampled_from(["open", "make", "watch", "watch", "close"]))
        expected = draw(st.sampled_from([0, 0, int(Status.CANCELLED), int(Status.NOTIFY_CLEANUP)]))
        if what == "make" or (what in ("watch", "close") and not mine):
            lane = lanes[user].assign(at_ns, at_ns + takes_ns)
            load.add(user, MakeDirectory(f"{path}/n{number}".strip("/")), lane, takes_ns, at_ns=at_ns)
        elif what == "open":
            lane = lanes[user].assign(at_ns, at_ns + takes_ns, number)
            load.opens(user, number, path, lane=lane, takes_ns=takes_ns, at_ns=at_ns)
            opened[number] = user
        elif what == "watch":
            call = Notify(draw(st.sampled_from(mine)), NAMES, draw(st.booleans()))
            lane = lanes[user].assign_watch(at_ns, at_ns + takes_ns * 4, call.handle)
            load.add(user, call, lane, takes_ns * 4, expected, at_ns)
        else:
            handle = draw(st.sampled_from(mine))
            lane = lanes[user].assign(at_ns, at_ns + takes_ns, handle, closes=True)
            load.closes(user, handle, lane, takes_ns=takes_ns, at_ns=at_ns)
            del opened[handle]
    return load


@given(watched(), st.sampled_from(Pace))
@settings(max_examples=150, deadline=None)
def test_nothing_but_another_notification_ever_hangs_on_one(load: Load, pace: Pace) -> None:
    """By order alone, with notifications that never come back, all else is carried out."""
    plan = planned(load, pace)
    notes = {row for row, one in enumerate(load.operations) if isinstance(one.call, Notify)}
    done: set[int] = set()
    edges = stored_edges(plan)
    for lane in range(plan.lanes):
        rows = plan.row[plan.lane_start[lane] : plan.lane_start[lane + 1]].tolist()
        assert notes.issuperset(rows) or notes.isdisjoint(rows)
        edges += list(itertools.pairwise(rows))
    while True:
        ready = {
            row for row in range(plan.operations)
            if row not in done | notes and all(a in done for a, b in edges if b == row)
        }  # fmt: skip
        if not ready:
            break
        done |= ready
    assert set(range(plan.operations)) - done <= notes


@given(watched(), st.sampled_from(Pace))
@settings(max_examples=150, deadline=None)
def test_with_the_brief_waits_there_is_an_order_of_all(load: Load, pace: Pace) -> None:
    """Armed as soon as issued, answered as soon as armed: nobody waits in a circle."""
    plan = planned(load, pace)
    edges = stored_edges(plan) + [(a, b) for a, b, _ in briefly(plan)]
    for lane in range(plan.lanes):
        rows = plan.row[plan.lane_start[lane] : plan.lane_start[lane + 1]].tolist()
        edges += list(itertools.pairwise(rows))
    done: set[int] = set()
    while ready := {
        row
        for row in range(plan.operations)
        if row not in done and all(a in done for a, b in edges if b == row)
    }:
        done |= ready
    assert len(done) == plan.operations


@given(watched(), st.sampled_from(Pace))
@settings(max_examples=50, deadline=None)
def test_of_each_lane_only_the_latest_counts(load: Load, pace: Pace) -> None:
    plan = planned(load, pace)
    brief = plan.brief
    places = brief.place.tolist()
    assert places == sorted(places)
    known: dict[tuple[int, int, int], int] = {}
    for waiter, lane, count, answered in zip(
        plan.lanes_at(brief.place).tolist(), brief.lane.tolist(), brief.count.tolist(),
        brief.answered.tolist(), strict=True,
    ):  # fmt: skip
        assert waiter != lane
        assert count > known.get((waiter, lane, answered), 0) or answered == 0
        known[waiter, lane, answered] = max(count, known.get((waiter, lane, answered), 0))
