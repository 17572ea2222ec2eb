"""Plans of random workloads: every edge that the meaning of the calls asks for holds, under any schedule."""

from __future__ import annotations

import random
from collections.abc import Iterator

from helpers.load import CREATE, OPEN, OPEN_IF, Load, all_before, stored_edges
from hypothesis import given, settings
from hypothesis import strategies as st

from smbench.plan import Pace, Plan, plan_run
from smbench.workload.calls import (
    Call,
    Close,
    Flush,
    MakeDirectory,
    Open,
    Read,
    Rename,
    Stat,
    Truncate,
    Unlink,
    Write,
)
from smbench.workload.lanes import Lanes
from smbench.workload.model import Operation

PATHS = ["a", "b", "d", "d/a", "d/e", "d/e/f"]
USERS = ["u0", "u1", "u2"]


@st.composite
def loads(draw: st.DrawFn, most: int = 40) -> Load:
    """Calls of some users that overlap at random, on lanes as lifting gives them."""
    dice = random.Random(draw(st.integers(0, 1 << 32)))
    return random_load(dice, draw(st.integers(1, most)))


def random_load(dice: random.Random, count: int) -> Load:
    load = Load(users=USERS)
    lanes = [Lanes() for _ in USERS]
    opened: list[tuple[int, int]] = []  # (user, handle), answered
    pending: list[tuple[int, int, int]] = []
    for number in range(count):
        at_ns = load.now_ns + dice.randrange(3000)
        opened += [(user, handle) for end, user, handle in pending if end <= at_ns]
        pending = [one for one in pending if one[0] > at_ns]
        takes_ns = dice.choice([100, 1000, 10_000])
        user = dice.randrange(len(USERS))
        call, handle = _random_call(dice, number, [h for u, h in opened if u == user])
        closes = isinstance(call, Close)
        lane = lanes[user].assign(at_ns, at_ns + takes_ns, handle, closes)
        load.add(user, call, lane, takes_ns, at_ns=at_ns)
        if isinstance(call, Open):
            pending.append((at_ns + takes_ns, user, number))
        if closes:
            opened.remove((user, handle))
    return load


def _random_call(dice: random.Random, number: int, handles: list[int]) -> tuple[Call, int]:
    path = dice.choice(PATHS)
    if not handles or dice.random() < 0.3:
        named: list[Call] = [Unlink(path), MakeDirectory(path), Stat(path)]
        named += [
            Open(number, path, 3, dice.choice([7, 7, 0]), dice.choice([OPEN, CREATE, OPEN_IF]), 0, 0)
        ] * 4
        call = dice.choice(named)
        return call, number if isinstance(call, Open) else -1
    handle = dice.choice(handles)
    low, length = dice.randrange(10) * 10, dice.randrange(1, 30)
    calls: list[Call] = [
        Read(handle, low, length), Read(handle, low, length),
        Write(handle, low, length), Write(handle, low, length),
        Truncate(handle, low), Flush(handle), Close(handle), Rename(handle, path, dice.choice(PATHS), True),
    ]  # fmt: skip
    return dice.choice(calls), handle


def must_hold(load: Load) -> Iterator[tuple[int, int]]:
    """What the meaning of the calls asks for, pair by pair: the oracle."""
    for later in load.operations:
        for earlier in load.operations[: later.index]:
            done = earlier.arrival_ns + earlier.service_ns <= later.arrival_ns
            if _same_handle(earlier, later) or (
                done and (_on_names(earlier, later) or _on_ranges(earlier, later))
            ):
                yield earlier.index, later.index


def _same_handle(earlier: Operation, later: Operation) -> bool:
    one, other = getattr(earlier.call, "handle", None), getattr(later.call, "handle", None)
    return (
        one is not None and one == other and (isinstance(earlier.call, Open) or isinstance(later.call, Close))
    )


def _names(operation: Operation) -> tuple[set[str], set[str]]:
    """The names that an operation changes, and those that it looks up."""
    call = operation.call
    if isinstance(call, Rename):
        return {call.path, call.target}, set()
    if isinstance(call, Unlink | MakeDirectory) or (isinstance(call, Open) and call.disposition != OPEN):
        return {call.path}, set()
    if isinstance(call, Open | Stat):
        return set(), {call.path}
    return set(), set()


def _on_names(earlier: Operation, later: Operation) -> bool:
    (changed, looked), (changes, looks) = _names(earlier), _names(later)
    beneath = {(one, other) for one in changed for other in changes | looks}
    beneath |= {(one, other) for one in changes for other in changed | looked}
    if any(other == one or other.startswith(f"{one}/") for one, other in beneath):
        return True
    opens = [one.call for one in (earlier, later) if isinstance(one.call, Open)]
    return (
        len(opens) == 2
        and opens[0].path == opens[1].path
        and 0 in (opens[0].share_access, opens[1].share_access)
    )


def _range(operation: Operation) -> tuple[float, float, bool] | None:
    call = operation.call
    if isinstance(call, Read | Write):
        return call.offset, call.offset + call.length, isinstance(call, Write)
    if isinstance(call, Truncate | Flush):
        return 0, float("inf"), isinstance(call, Truncate)
    return None


def _on_ranges(earlier: Operation, later: Operation) -> bool:
    one, other = _range(earlier), _range(later)
    if one is None or other is None or earlier.path != later.path:
        return False
    return one[0] < other[1] and other[0] < one[1] and (one[2] or other[2])


def planned(load: Load) -> Plan:
    return plan_run(load.workload, load.users, pace=Pace.FAST)


def without_renames(load: Load) -> Load:
    """A rename moves what was written to a new path, which the oracle does not follow."""
    load.operations = [one for one in load.operations if not isinstance(one.call, Rename)]
    load.operations = [
        Operation(number, one.user, one.lane, one.arrival_ns, one.service_ns, 0, (), "", one.path, one.call)
        for number, one in enumerate(load.operations)
    ]
    return load


@given(loads())
@settings(max_examples=150, deadline=None)
def test_all_that_must_hold_is_in_the_plan(load: Load) -> None:
    before = all_before(planned(without_renames(load)))
    missing = [(earlier, later) for earlier, later in must_hold(load) if earlier not in before[later]]
    assert missing == []


@given(loads())
@settings(max_examples=150, deadline=None)
def test_edges_run_from_earlier_to_later_between_lanes_and_none_is_stored_twice(load: Load) -> None:
    plan = planned(load)
    lane_of_row = plan.lane_of_place()[plan.row.argsort()]
    found = stored_edges(plan)
    assert len(set(found)) == len(found)
    for earlier, later in found:
        assert earlier < later
        assert lane_of_row[earlier] != lane_of_row[later]


@given(loads())
@settings(max_examples=150, deadline=None)
def test_what_overlapped_waits_only_for_an_open_or_in_a_close(load: Load) -> None:
    for earlier, later in stored_edges(planned(load)):
        one, other = load.operations[earlier], load.operations[later]
        done = one.arrival_ns + one.service_ns <= other.arrival_ns
        assert done or _same_handle(one, other)


@given(loads())
@settings(max_examples=100, deadline=None)
def test_no_stored_edge_is_implied_by_what_its_lane_waited_for_before(load: Load) -> None:
    plan = planned(load)
    known: dict[tuple[int, int], int] = {}
    lane_of_place = plan.lane_of_place()
    waits = plan.waits
    for place, lane, count in zip(waits.place, waits.lane, waits.count, strict=True):
        waiter = int(lane_of_place[place])
        assert count > known.get((waiter, int(lane)), 0)
        known[waiter, int(lane)] = int(count)


@given(loads(most=60), st.integers(0, 1 << 32))
@settings(max_examples=100, deadline=None)
def test_a_random_schedule_breaks_no_edge_and_does_not_deadlock(load: Load, seed: int) -> None:
    plan = planned(without_renames(load))
    issued, completed = simulate(plan, random.Random(seed))
    assert len(completed) == plan.operations
    for earlier, later in must_hold(load):
        assert completed[earlier] <= issued[later]


def simulate(plan: Plan, dice: random.Random) -> tuple[dict[int, float], dict[int, float]]:
    """Lanes that run by the plan's waits alone, with service times and speeds at random."""
    issued: dict[int, float] = {}
    completed: dict[int, float] = {}
    done_at: list[list[float]] = [[] for _ in range(plan.lanes)]
    waits: dict[int, list[tuple[int, int]]] = {}
    for place, lane, count in zip(plan.waits.place, plan.waits.lane, plan.waits.count, strict=True):
        waits.setdefault(int(place), []).append((int(lane), int(count)))
    speed = [dice.choice([0.1, 1, 10]) for _ in range(plan.lanes)]
    moved = True
    while moved:
        moved = False
        for lane in range(plan.lanes):
            place = int(plan.lane_start[lane]) + len(done_at[lane])
            if place == plan.lane_start[lane + 1]:
                continue
            needed = waits.get(place, [])
            if any(len(done_at[other]) < count for other, count in needed):
                continue
            ready = max([0.0, *done_at[lane][-1:], *(done_at[other][count - 1] for other, count in needed)])
            row = int(plan.row[place])
            issued[row] = ready
            completed[row] = ready + dice.random() * speed[lane]
            done_at[lane].append(completed[row])
            moved = True
    return issued, completed
