"""Random workloads, what the meaning of their calls asks of any order (the oracle), and random schedules."""

from __future__ import annotations

import random
from collections.abc import Iterator

import numpy as np
from helpers.load import CREATE, OPEN, OPEN_IF, Load
from hypothesis import strategies as st
from numpy.typing import NDArray

from smbench.measure.oplog import COMPLETED
from smbench.plan import Plan
from smbench.workload.calls import (
    Call,
    Close,
    Create,
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
            Open(
                number,
                path,
                Create(3, dice.choice([7, 7, 0]), dice.choice([OPEN, CREATE, OPEN_IF]), 0, 0),
            )
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
            if same_handle(earlier, later) or (
                done and (_on_names(earlier, later) or _on_ranges(earlier, later))
            ):
                yield earlier.index, later.index


def same_handle(earlier: Operation, later: Operation) -> bool:
    one, other = getattr(earlier.call, "handle", None), getattr(later.call, "handle", None)
    return (
        one is not None and one == other and (isinstance(earlier.call, Open) or isinstance(later.call, Close))
    )


def _names(operation: Operation) -> tuple[set[str], set[str]]:
    """The names that an operation changes, and those that it looks up."""
    call = operation.call
    if isinstance(call, Rename):
        return {call.path, call.target}, set()
    if isinstance(call, Unlink | MakeDirectory) or (
        isinstance(call, Open) and call.create.disposition != OPEN
    ):
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
        and 0 in (opens[0].create.share_access, opens[1].create.share_access)
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


def without_renames(load: Load) -> Load:
    """A rename moves what was written to a new path, which the oracle does not follow."""
    load.operations = [one for one in load.operations if not isinstance(one.call, Rename)]
    load.operations = [
        Operation(number, one.user, one.lane, one.arrival_ns, one.service_ns, 0, (), "", one.path, one.call)
        for number, one in enumerate(load.operations)
    ]
    return load


def simulate(plan: Plan, dice: random.Random) -> NDArray[np.int64]:
    """Lanes that run by the plan's waits alone, with service times and speeds at random; what a run's log
    would hold, by place (`measure.oplog`), with the run's start at 1 ns."""
    records = np.zeros((plan.operations, 3), np.int64)
    waits: dict[int, list[tuple[int, int]]] = {}
    for place, lane, count in zip(plan.waits.place, plan.waits.lane, plan.waits.count, strict=True):
        waits.setdefault(int(place), []).append((int(lane), int(count)))
    speed = [dice.choice([10, 1000, 100_000]) for _ in range(plan.lanes)]
    start = plan.lane_start.tolist()
    done = [0] * plan.lanes
    moved = True
    while moved:
        moved = False
        for lane in range(plan.lanes):
            place = start[lane] + done[lane]
            needed = waits.get(place, [])
            if place == start[lane + 1] or any(done[other] < count for other, count in needed):
                continue
            before = [start[other] + count - 1 for other, count in needed]
            before += [place - 1] if done[lane] else []
            ready = max((int(records[one, COMPLETED]) for one in before), default=1)
            records[place] = ready, 0, ready + 1 + dice.randrange(speed[lane])
            done[lane] += 1
            moved = True
    return records


def place_of_row(plan: Plan) -> NDArray[np.int64]:
    """Where in the first copy of a plan each of the workload's operations is."""
    return np.argsort(plan.row[: plan.operations // plan.copies])
