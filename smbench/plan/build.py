"""From a workload to its Plan: placement, times, order."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from smbench.plan.columns import ORDER, column_batches, placement
from smbench.plan.model import Integers, Pace, Plan, Waits
from smbench.plan.order import Order
from smbench.workload.model import Workload


def plan_run(
    workload: Workload,
    users: Sequence[str],
    *,
    pace: Pace = Pace.ORIGINAL,
    speed: float = 1.0,
    users_per_process: int = 1,
) -> Plan:
    """Place a workload: `users` names the captured users, `users_per_process` neighbours share a process.

    The first operation is due at the start of the run, whenever the capture had it.
    """
    user, lane, arrival_ns, service_ns = placement(workload.operations)
    lanes = int(lane.max(initial=-1)) + 1
    key = user.astype(np.int64) * lanes + lane
    present, lane_of_row = np.unique(key, return_inverse=True)
    lane_of_row = lane_of_row.astype(np.int32)
    lane_user = (present // max(lanes, 1)).astype(np.int32)
    row = np.argsort(lane_of_row, kind="stable")
    lane_start = np.concatenate([[0], np.cumsum(np.bincount(lane_of_row, minlength=len(present)))])
    # A user without operations takes no process.
    with_work, user_rank = np.unique(lane_user, return_inverse=True)
    arrival_ns = (arrival_ns - (arrival_ns[0] if len(arrival_ns) else 0))[row]
    think_ns = _since_lanes_last_end(arrival_ns, service_ns[row], lane_start)
    waits, found = _order(workload, lane_of_row, row, lane_start, lane_user)
    return Plan(
        pace=pace,
        speed=speed,
        users=list(users),
        processes=-(-len(with_work) // users_per_process),
        lane_user=lane_user,
        lane_number=(present % max(lanes, 1)).astype(np.int32),
        lane_process=(user_rank // users_per_process).astype(np.int32),
        lane_start=lane_start,
        row=row,
        intended_ns=(arrival_ns / speed).astype(np.int64) if pace is Pace.ORIGINAL else None,
        think_ns=(think_ns / speed).astype(np.int64) if pace is Pace.THINK else None,
        waits=waits,
        edges_found=found,
    )


def _since_lanes_last_end(arrival_ns: Integers, service_ns: Integers, lane_start: Integers) -> Integers:
    """By place: from the end of the lane's previous operation to the arrival; of a first one, since 0."""
    ended = arrival_ns + np.maximum(service_ns, 0)
    last_end = np.concatenate([[0], ended[:-1]])[: len(arrival_ns)]
    first = lane_start[:-1]
    last_end[first] = 0
    return np.asarray(np.maximum(arrival_ns - last_end, 0))


def _order(
    workload: Workload, lane_of_row: Integers, row: Integers, lane_start: Integers, lane_user: Integers
) -> tuple[Waits, int]:
    lanes = len(lane_start) - 1
    none = np.zeros(0, np.int64)
    if lanes < 2:
        return Waits(none, none, none), 0
    place_of_row = np.empty(len(row), np.int64)
    place_of_row[row] = np.arange(len(row))
    position_of_row = place_of_row - lane_start[lane_of_row]
    order = Order(lane_user.tolist())
    first = 0
    for columns in column_batches(workload.operations, (*ORDER, "arrival_ns")):
        last = first + len(columns["kind"])
        order.feed(columns, lane_of_row[first:last].tolist(), position_of_row[first:last].tolist(), first)
        first = last
    edges = order.edges
    place = lane_start[np.array(edges.lane, np.int64)] + np.array(edges.position, np.int64)
    by_place = np.argsort(place, kind="stable")
    waits = Waits(
        place[by_place],
        np.array(edges.after_lane, np.int64)[by_place],
        np.array(edges.count, np.int64)[by_place],
    )
    return waits, edges.found
