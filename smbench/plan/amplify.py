"""One plan several times: by clones side by side, or by loops one after the other. Pure.

Copies lie behind each other, loop by loop, in each clone by clone, in each the lanes of the workload: place
`copy * n + p` is place `p` of the workload's own plan. Only numbers are repeated: all copies share the
workload's rows, and the calls that are made of them. Order is kept within each copy; between copies the
capture knows of none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from smbench.plan.model import BriefWaits, Integers, Lags, Plan, Waits


def clone_names(users: Sequence[str], clones: int) -> list[str]:
    """The users of all clones: `alice@2` is alice of the second; with one clone they keep their names."""
    if clones == 1:
        return list(users)
    return [f"{user}@{clone}" for clone in range(1, clones + 1) for user in users]


def default_stagger_ns(plan: Plan, clones: int) -> int:
    """How long after a clone the next one arrives, so that the arrivals of all interleave evenly: the mean
    time between two arrivals of the workload at the plan's speed, divided by the clones; 0 without times."""
    if plan.intended_ns is None or plan.operations < 2:
        return 0
    return int(plan.intended_ns.max()) // (plan.operations - 1) // clones


def clone(plan: Plan, clones: int, *, stagger_ns: int = 0, users_per_process: int = 1) -> Plan:
    """The plan of `clones` clones, each `stagger_ns` after the one before (not in the pace `fast`)."""
    if clones == 1:
        return plan
    if plan.intended_ns is None and plan.think_ns is None:
        stagger_ns = 0
    later = np.repeat(np.arange(clones) * stagger_ns, plan.operations)
    with_work, rank = np.unique(plan.lane_user, return_inverse=True)
    place = _tiled(rank.astype(np.int32), clones, len(with_work))
    think_ns = plan.think_ns
    if think_ns is not None:
        think_ns = np.tile(think_ns, clones)
        first = _tiled(plan.lane_start[:-1], clones, plan.operations)
        think_ns[first] += later[first]
    return replace(
        _copied(plan, clones),
        users=clone_names(plan.users, clones),
        processes=-(-len(with_work) * clones // users_per_process),
        lane_user=_tiled(plan.lane_user, clones, len(plan.users)),
        lane_process=place // users_per_process,
        intended_ns=None if plan.intended_ns is None else np.tile(plan.intended_ns, clones) + later,
        think_ns=think_ns,
        clones=clones,
        stagger_ns=stagger_ns,
    )


def loop(plan: Plan, begins_ns: Sequence[int]) -> Plan:
    """The plan of as many loops as there are beginnings, by the same users. It is not for carrying out, in
    one go, but says what was intended of loops that were carried out one by one."""
    loops = len(begins_ns)
    if loops == 1:
        return plan
    begins = np.array(begins_ns, np.int64)
    intended_ns = plan.intended_ns
    if intended_ns is not None:
        intended_ns = np.tile(intended_ns, loops) + np.repeat(begins, plan.operations)
    return replace(
        _copied(plan, loops),
        lane_user=np.tile(plan.lane_user, loops),
        lane_process=np.tile(plan.lane_process, loops),
        intended_ns=intended_ns,
        think_ns=None if plan.think_ns is None else np.tile(plan.think_ns, loops),
        lane_begin_ns=np.repeat(begins, plan.lanes),
        loops=loops,
    )


def _copied(plan: Plan, copies: int) -> Plan:
    waits, brief, lags = plan.waits, plan.brief, plan.lags
    return replace(
        plan,
        lane_number=np.tile(plan.lane_number, copies),
        lane_start=np.append(_tiled(plan.lane_start[:-1], copies, plan.operations), plan.operations * copies),
        row=np.tile(plan.row, copies),
        waits=Waits(
            _tiled(waits.place, copies, plan.operations),
            _tiled(waits.lane, copies, plan.lanes),
            np.tile(waits.count, copies),
        ),
        brief=BriefWaits(
            _tiled(brief.place, copies, plan.operations),
            _tiled(brief.lane, copies, plan.lanes),
            np.tile(brief.count, copies),
            np.tile(brief.answered, copies),
        ),
        lags=Lags(_tiled(lags.place, copies, plan.operations), np.tile(lags.ns, copies)),
        edges_found=plan.edges_found * copies,
    )


def _tiled(numbers: Integers, copies: int, each: int) -> NDArray[Any]:
    """The numbers once a copy, raised by `each` from copy to copy."""
    return np.tile(numbers, copies) + np.repeat(np.arange(copies, dtype=numbers.dtype) * each, len(numbers))
