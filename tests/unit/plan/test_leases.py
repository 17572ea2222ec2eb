"""What leases tie together: stories of two users of one file, and that nothing waits for itself."""

from __future__ import annotations

from collections import defaultdict
from graphlib import TopologicalSorter
from itertools import pairwise

import pytest
from helpers.load import READ, WRITE, Load, stored_brief_edges, stored_edges
from hypothesis import given
from hypothesis import strategies as st

from smbench.plan import Pace, Plan, clone, plan_run
from smbench.smb2.constants import FILE_READ_ATTRIBUTES, OVERWRITE
from smbench.workload.calls import Create, Lock, Open, Rename, Stat, Truncate, Unlink, Unlock
from smbench.workload.model import Break

RWH, RH, H, R, NONE = 7, 3, 2, 1, 0
ALICE, BOB = 0, 1


def plan_of(load: Load) -> Plan:
    return plan_run(load.workload, load.users, pace=Pace.FAST)


def edges(load: Load) -> set[tuple[int, int]]:
    return set(stored_edges(plan_of(load)))


def leased(
    load: Load, user: int, handle: int, granted: int | None = None, asked: int = RWH, oplock: int = 0xFF,
    path: str = "a", access: int = READ | WRITE, share: int = 7, disposition: int = 1, **told: int,
) -> int:  # fmt: skip
    create = Create(access, share, disposition, 0, 0, oplock, asked)
    return load.add(user, Open(handle, path, create, granted=granted), **told)


def notified(load: Load, handle: int, at_ns: int, state: int, answered_ns: int = -1) -> None:
    load.breaks.append(Break(handle, at_ns, state, answered_ns))


# What was answered before


def test_opens_closes_and_changes_without_a_lease_are_free():
    load = Load()
    for user, handle in ((ALICE, 1), (BOB, 2)):
        load.opens(user, handle, "a")
        load.writes(user, handle, 8192 * user)
        load.closes(user, handle)
    assert edges(load) == set()


def test_of_a_server_that_grants_nothing_they_are_free_too():
    load = Load()
    for user, handle in ((ALICE, 1), (BOB, 2)):
        leased(load, user, handle, granted=NONE)
        load.writes(user, handle, 8192 * user)
        load.closes(user, handle)
    assert edges(load) == set()


@pytest.mark.parametrize("second", ["with a lease", "without"])
def test_an_open_comes_after_the_one_whose_lease_it_breaks_and_before_its_close(second):
    load = Load()
    held = leased(load, ALICE, 1, RWH)
    broke = leased(load, BOB, 2, RH) if second == "with a lease" else load.opens(BOB, 2, "A")
    closed = load.closes(ALICE, 1)
    assert edges(load) == {(held, broke), (broke, closed)}


def test_an_open_that_got_a_write_lease_comes_after_the_close_that_left_it_alone():
    load = Load()
    load.opens(ALICE, 1, "a")
    closed = load.closes(ALICE, 1)
    alone = leased(load, BOB, 2, RWH)
    assert edges(load) == {(closed, alone)}


def test_opens_that_ask_to_read_and_keep_the_handle_are_free():
    load = Load()
    leased(load, ALICE, 1, RH, asked=RH, access=READ)
    leased(load, BOB, 2, RH, asked=RH, access=READ)
    load.closes(ALICE, 1)
    load.closes(BOB, 2)
    assert edges(load) == set()


@pytest.mark.parametrize(
    "change",
    [
        lambda load: load.writes(BOB, 2, 8192),
        lambda load: load.add(BOB, Truncate(2, 0)),
        lambda load: load.add(BOB, Lock(2, 0, 1, True, False)),
    ],
)
def test_a_change_comes_between_the_open_and_the_close_of_who_reads_from_its_cache(change):
    load = Load()
    load.opens(BOB, 2, "a")
    held = leased(load, ALICE, 1, R, asked=R, access=READ)
    broke = change(load)
    closed = load.closes(ALICE, 1)
    assert edges(load) == {(held, broke), (broke, closed)}


def test_what_broke_nothing_before_the_close_holds_it_not_up():
    """The server tells a holder of a write or a lock by the way: this one was faster."""
    load = Load()
    leased(load, BOB, 2, R, asked=R)
    held = leased(load, ALICE, 1, R, asked=R)
    changed = load.writes(BOB, 2, 8192)
    closed = load.closes(ALICE, 1)
    again = load.writes(BOB, 2, 8192)
    assert {(held, changed), (changed, closed)} <= edges(load)  # a capture without breaks tells nothing
    notified(load, 2, 10**9, NONE)
    assert (held, changed) in edges(load)
    assert (changed, closed) not in edges(load)
    assert (closed, again) in edges(load)
    notified(load, 1, load.now_ns - 3000, NONE)
    assert (changed, closed) in edges(load)


def test_an_open_that_empties_the_file_breaks_a_read_lease():
    load = Load()
    held = leased(load, ALICE, 1, R, asked=R, access=READ)
    broke = load.opens(BOB, 2, "a", OVERWRITE)
    closed = load.closes(ALICE, 1)
    assert {(held, broke), (broke, closed)} <= edges(load)


def test_an_open_for_attributes_breaks_nothing_but_is_one_more():
    load = Load()
    alone = leased(load, ALICE, 1, RWH)
    looks = load.opens(BOB, 2, "a", access=FILE_READ_ATTRIBUTES)
    load.closes(ALICE, 1)
    load.closes(BOB, 2)
    assert edges(load) == {(alone, looks)}


def test_the_first_look_after_a_break_comes_after_what_broke_and_later_ones_are_free():
    load = Load()
    leased(load, ALICE, 1, RH)
    load.opens(BOB, 2, "a")
    broke = load.writes(BOB, 2, 8192)
    notified(load, 1, load.now_ns - 600, NONE)
    saw = load.add(ALICE, Stat("a"))
    again = load.writes(BOB, 2, 8192)
    load.add(ALICE, Stat("a"))
    assert (broke, saw) in edges(load)
    assert not any(earlier == again for earlier, _ in edges(load))


def lags(plan: Plan) -> dict[int, int]:
    return dict(zip(plan.row[plan.lags.place].tolist(), plan.lags.ns.tolist(), strict=True))


MS = 1_000_000


@pytest.mark.parametrize(("after_ns", "held_ns"), [(3 * MS, 3 * MS), (100 * MS, 20 * MS)])
def test_who_loses_the_right_to_read_goes_on_when_it_has_been_told_and_no_later_than_in_the_capture(
    after_ns, held_ns
):
    load = Load()
    leased(load, ALICE, 1, RH)
    load.opens(BOB, 2, "a")
    load.writes(BOB, 2, 8192)
    told_ns = load.now_ns
    notified(load, 1, told_ns, NONE)
    closed = load.closes(ALICE, 1, at_ns=told_ns + after_ns)
    assert lags(plan_of(load)) == {closed: held_ns}
    twice = clone(plan_run(load.workload, load.users), 2)
    assert (twice.lags.place % plan_of(load).operations == twice.lags.place[0]).all()
    assert twice.lags.ns.tolist() == [held_ns] * 2


def test_only_the_first_thing_after_that_break_is_held():
    load = Load()
    leased(load, ALICE, 1, RH)
    load.opens(BOB, 2, "a")
    load.writes(BOB, 2, 8192)
    notified(load, 1, load.now_ns - 600, NONE)
    read = load.reads(ALICE, 1)
    load.add(ALICE, Stat("a"))
    load.closes(ALICE, 1)
    assert lags(plan_of(load)) == {read: 600}


def test_nobody_is_held_after_a_break_that_whoever_broke_waited_for():
    load = Load()
    leased(load, ALICE, 1, RWH)
    load.opens(BOB, 2, "a")
    notified(load, 1, load.now_ns - 900, RH, load.now_ns - 700)
    load.reads(ALICE, 1)
    load.closes(ALICE, 1)
    assert lags(plan_of(load)) == {}


@pytest.mark.parametrize("looks", ["before", "after"])
def test_a_look_by_name_is_an_open_of_which_the_one_that_wants_a_write_lease_keeps_clear(looks):
    load = Load()
    saw = load.add(BOB, Stat("a")) if looks == "before" else -1
    alone = leased(load, ALICE, 1, RWH)
    if looks == "after":
        saw = load.add(BOB, Stat("a"))
    assert edges(load) == {(saw, alone) if looks == "before" else (alone, saw)}


@pytest.mark.parametrize("first", ["look", "open"])
def test_also_where_they_were_on_the_way_together(first):
    load = Load()
    leased(load, ALICE, 1, RWH)
    load.closes(ALICE, 1)
    if first == "look":
        saw = load.add(BOB, Stat("a"), takes_ns=5_000)
    alone = leased(load, ALICE, 3, RWH, takes_ns=5_000)
    if first == "open":
        saw = load.add(BOB, Stat("a"), takes_ns=5_000)
    assert ((saw, alone) if first == "look" else (alone, saw)) in edges(load)


def test_but_not_one_that_gets_none():
    load = Load()
    load.add(BOB, Stat("a"))
    leased(load, ALICE, 1, NONE)
    load.add(BOB, Stat("a"))
    assert edges(load) == set()


def test_a_renamed_file_takes_its_leases_along():
    load = Load()
    held = leased(load, ALICE, 1, RH)
    renamed = load.add(BOB, Rename(9, "a", "b", True))
    load.opens(BOB, 2, "b", lane=1)
    broke = load.writes(BOB, 2, 8192, lane=1)
    closed = load.closes(ALICE, 1)
    assert {(held, renamed), (broke, closed)} <= edges(load)


# What overlapped


@pytest.mark.parametrize("breaks", ["open", "unlink"])
def test_what_broke_a_lease_waits_for_all_that_was_written_back(breaks):
    load = Load()
    held = leased(load, ALICE, 1)
    if breaks == "open":
        waits = load.opens(BOB, 2, "A", takes_ns=10_000)
    else:
        waits = load.add(BOB, Unlink("A"), takes_ns=10_000)
    load.writes(ALICE, 1)
    last = load.writes(ALICE, 1, 8192)
    assert edges(load) == {(held, waits), (last, waits)}  # the lane's last write says it all


def test_an_exclusive_oplock_is_broken_likewise():
    load = Load()
    leased(load, ALICE, 1, asked=0, oplock=9)
    opened = load.opens(BOB, 2, "a", takes_ns=10_000)
    written = load.writes(ALICE, 1)
    assert (written, opened) in edges(load)


def test_what_was_sent_before_the_acknowledgement_was_written_back_though_it_was_answered_late():
    load = Load()
    leased(load, ALICE, 1, RWH)
    opened = leased(load, BOB, 2, RH, at_ns=10_000, takes_ns=5_000)
    written = load.writes(ALICE, 1, at_ns=12_000, takes_ns=9_000)
    notified(load, 1, 11_000, RH, answered_ns=12_500)
    assert (written, opened) in edges(load)


def test_what_was_sent_after_it_comes_after_the_open():
    load = Load()
    leased(load, ALICE, 1, RWH)
    opened = leased(load, BOB, 2, RH, at_ns=10_000, takes_ns=5_000)
    written = load.writes(ALICE, 1, at_ns=13_000, takes_ns=9_000)
    notified(load, 1, 11_000, RH, answered_ns=12_500)
    assert (opened, written) in edges(load)


def test_a_close_in_answer_to_a_break_comes_after_what_broke():
    load = Load()
    leased(load, ALICE, 1, RWH)
    opened = load.opens(BOB, 2, "a", OVERWRITE, at_ns=10_000, takes_ns=9_000)
    closed = load.closes(ALICE, 1, at_ns=12_000, takes_ns=1_000)
    notified(load, 1, 11_000, NONE, answered_ns=12_000)
    assert (opened, closed) in edges(load)
    assert (closed, opened) not in edges(load)


def test_unless_what_broke_could_not_have_been_granted_beside_it():
    load = Load()
    leased(load, ALICE, 1, RWH, share=0)
    opened = load.opens(BOB, 2, "a", at_ns=10_000, takes_ns=9_000)
    closed = load.closes(ALICE, 1, at_ns=12_000, takes_ns=1_000)
    notified(load, 1, 11_000, NONE, answered_ns=12_000)
    assert (closed, opened) in edges(load)
    assert (opened, closed) not in edges(load)


@pytest.mark.parametrize("crossed", [True, False])
def test_a_close_and_a_change_on_the_way_together_are_ordered_by_whether_it_broke(crossed):
    load = Load()
    load.opens(BOB, 2, "a")
    leased(load, ALICE, 1, RH)
    closed = load.closes(ALICE, 1, at_ns=10_000, takes_ns=5_000)
    written = load.writes(BOB, 2, at_ns=12_000, takes_ns=5_000)
    if crossed:
        notified(load, 1, 13_000, NONE)
    first, second = (written, closed) if crossed else (closed, written)
    assert (first, second) in edges(load)
    assert (second, first) not in edges(load)


@pytest.mark.parametrize("broke", [True, False])
def test_a_close_that_came_second_was_first_where_the_change_broke_nothing(broke):
    load = Load()
    load.opens(BOB, 2, "a")
    leased(load, ALICE, 1, RH)
    written = load.writes(BOB, 2, at_ns=10_000, takes_ns=5_000)
    closed = load.closes(ALICE, 1, at_ns=12_000, takes_ns=1_000)
    if broke:
        notified(load, 1, 11_000, NONE)
    else:
        notified(load, 2, 99_000, NONE)
    first, second = (written, closed) if broke else (closed, written)
    assert (first, second) in edges(load)
    assert (second, first) not in edges(load)


@pytest.mark.parametrize(("hers", "his", "ordered"), [(RH, RH, False), (RWH, RH, True), (RH, RWH, False)])
def test_of_two_opens_on_the_way_together_only_one_that_got_a_write_lease_is_first(hers, his, ordered):
    load = Load()
    first = leased(load, ALICE, 1, hers, takes_ns=5_000)
    second = leased(load, BOB, 2, his, takes_ns=5_000)
    assert edges(load) == ({(first, second)} if ordered else set())


@pytest.mark.parametrize(
    ("opens", "writes"),
    [({"path": "b"}, {}), ({"user": ALICE, "lane": 1}, {}), ({"takes_ns": -1}, {})],
    ids=["another file", "the same user", "unanswered open"],
)
def test_nothing_is_written_back_for_others(opens, writes):
    load = Load()
    leased(load, ALICE, 1)
    opened = load.opens(**{"user": BOB, "handle": 2, "path": "a", "takes_ns": 10_000} | opens)
    written = load.writes(ALICE, 1, **writes)
    assert (written, opened) not in edges(load)


def test_where_a_handle_is_used_before_its_open_was_answered_nobody_waits_for_what_comes_later():
    load = Load()
    leased(load, ALICE, 1, RWH)
    opened = load.opens(BOB, 2, "a", at_ns=10_000, takes_ns=9_000)
    used = load.reads(BOB, 2, at_ns=11_000, takes_ns=100, lane=1)
    written = load.writes(ALICE, 1, at_ns=12_000, takes_ns=100)
    assert (opened, used) in edges(load)
    assert (written, opened) not in edges(load)


# Locks and what is granted while there are some


def locked(load: Load, user: int, handle: int, **told: int) -> int:
    return load.add(user, Lock(handle, 0, 1, exclusive=True, wait=True), **told)


def test_who_may_not_read_from_a_cache_for_a_locks_sake_opens_between_lock_and_unlock():
    load = Load()
    leased(load, ALICE, 1, RWH, at_ns=0, takes_ns=10)
    lock = locked(load, ALICE, 1, at_ns=20, takes_ns=10)
    refused = leased(load, BOB, 2, H, at_ns=40, takes_ns=10)
    unlock = load.add(ALICE, Unlock(1, 0, 1), at_ns=60, takes_ns=50)
    granted = leased(load, BOB, 3, RH, at_ns=80, takes_ns=10)
    found = edges(load)
    assert {(lock, refused), (refused, unlock), (unlock, granted)} <= found


def test_a_lock_that_waited_breaks_what_was_granted_before_it_was():
    load = Load()
    leased(load, ALICE, 1, RWH, at_ns=0, takes_ns=10)
    leased(load, BOB, 2, H, at_ns=20, takes_ns=10)
    waited = locked(load, BOB, 2, at_ns=40, takes_ns=60)
    unlock = load.add(ALICE, Unlock(1, 0, 1), at_ns=60, takes_ns=50)
    granted = leased(load, ALICE, 3, RH, at_ns=80, takes_ns=10, path="a")
    assert (granted, waited) in edges(load)
    assert (waited, unlock) not in edges(load)


# A close that answers a break


def kept_by_alice(load: Load, *, bob_first: bool) -> tuple[int, int, int]:
    """Alice has the file open for her cache alone, and closes it when bob's open breaks her lease."""
    if bob_first:
        broke = leased(load, BOB, 2, RWH, at_ns=100, takes_ns=300)
    held = leased(load, ALICE, 1, RWH, at_ns=110, takes_ns=10)
    if not bob_first:
        broke = leased(load, BOB, 2, RWH, at_ns=150, takes_ns=250)
    closed = load.closes(ALICE, 1, at_ns=280)
    notified(load, 1, 200, RH, answered_ns=280)
    return held, broke, closed


@pytest.mark.parametrize("bob_first", [True, False])
def test_a_close_that_answers_a_break_comes_after_what_broke(bob_first):
    load = Load()
    held, broke, closed = kept_by_alice(load, bob_first=bob_first)
    assert edges(load) == {(held, broke), (broke, closed)}


@pytest.mark.parametrize("bob_first", [True, False])
def test_where_breaks_are_kept_it_comes_while_what_broke_waits(bob_first):
    load = Load()
    held, broke, closed = kept_by_alice(load, bob_first=bob_first)
    plan = plan_run(load.workload, load.users, pace=Pace.FAST, keeps_breaks=True)
    assert set(stored_edges(plan)) == {(held, broke)}
    assert stored_brief_edges(plan) == [(broke, closed)]
    assert plan.lags.ns.tolist() == [80]


def test_an_acknowledged_break_lets_the_close_wait_for_what_broke():
    load = Load()
    held = leased(load, ALICE, 1, RWH)
    broke = leased(load, BOB, 2, RH, at_ns=100, takes_ns=30)
    closed = load.closes(ALICE, 1, at_ns=125)
    notified(load, 1, 110, RH, answered_ns=120)
    plan = plan_run(load.workload, load.users, pace=Pace.FAST, keeps_breaks=True)
    assert set(stored_edges(plan)) == {(held, broke), (broke, closed)}
    assert not stored_brief_edges(plan)


def test_a_break_that_nothing_under_way_waited_for_ties_nothing():
    load = Load()
    first = leased(load, BOB, 2, RWH, at_ns=100, takes_ns=300)
    leased(load, ALICE, 1, RWH, at_ns=110, takes_ns=10)
    notified(load, 1, 500, RH, answered_ns=510)
    assert not [edge for edge in edges(load) if first in edge]


# No deadlock


@st.composite
def contended(draw: st.DrawFn) -> Load:
    """Three users, each on two lanes, who open, use and close one file again and again, at all times, with
    breaks at any time. What they do elsewhere has lanes of its own, and may last beyond the close."""
    drawn = []
    elsewhere = 2
    for lane in range(6):
        now = draw(st.integers(0, 20))
        for handle in range(lane, 6 * draw(st.integers(0, 3)), 6):
            lease = draw(st.sampled_from((NONE, R, RH, RWH)))
            uses = draw(st.lists(st.sampled_from(("write", "read", "elsewhere", "stat")), max_size=3))
            for what in ("open", *uses, "close"):
                takes = draw(st.integers(-1, 20))
                drawn.append((now, lane // 2, lane % 2, handle, lease, what, takes))
                if what == "elsewhere":
                    early = draw(st.integers(0, 5))
                    drawn[-1] = (max(0, now - early), lane // 2, elsewhere, handle, lease, what, takes)
                    elsewhere += 1
                    takes = 0
                now += max(takes, 0) + draw(st.integers(0, 5))
    load = Load(["alice", "bob", "carol"])
    opened: set[int] = set()
    for at, user, lane, handle, lease, what, takes in sorted(drawn, key=lambda one: one[0]):
        if what == "open":
            disposition, share = draw(st.sampled_from(((1, 7), (1, 1), (OVERWRITE, 7))))
            leased(
                load,
                user,
                handle,
                lease,
                share=share,
                disposition=disposition,
                at_ns=at,
                takes_ns=takes,
                lane=lane,
            )
            opened.add(handle)
        elif what == "stat":
            load.add(user, Stat("a"), at_ns=at, takes_ns=takes, lane=lane)
        elif what == "close":
            load.closes(user, handle, at_ns=at, takes_ns=takes, lane=lane)
        elif handle in opened:
            use = load.reads if what == "read" else load.writes
            use(user, handle, at_ns=at, takes_ns=takes, lane=lane)
    for _ in range(draw(st.integers(0, 8))):
        at = draw(st.integers(0, 200))
        answered = at + draw(st.integers(0, 20))
        notified(load, draw(st.integers(0, 17)), at, draw(st.sampled_from((NONE, RH))), answered)
    return load


@given(contended(), st.booleans())
def test_nothing_waits_for_itself(load, keeps_breaks):
    plan = plan_run(load.workload, load.users, pace=Pace.FAST, keeps_breaks=keeps_breaks)
    before = defaultdict(set)
    for lane in range(plan.lanes):
        for earlier, later in pairwise(plan.row[plan.lane_start[lane] : plan.lane_start[lane + 1]].tolist()):
            before[later].add(earlier)
    for earlier, later in stored_edges(plan):
        before[later].add(earlier)
    asked = {row: set(rows) for row, rows in before.items()}
    for waiting, answer in stored_brief_edges(plan):
        before[answer] |= asked.get(waiting, set())  # it is under way by then, and ends afterwards
        before[waiting].add(answer)
    TopologicalSorter(before).prepare()  # raises CycleError


@given(contended())
def test_what_came_later_is_waited_for_only_where_both_were_under_way(load):
    for before, after in stored_edges(plan_of(load)):
        first, then = load.operations[before], load.operations[after]
        if before > after:
            assert first.user != then.user
            assert then.arrival_ns <= first.arrival_ns < then.arrival_ns + then.service_ns
