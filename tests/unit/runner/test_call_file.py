"""The calls reach their lanes as they were, in order."""

from __future__ import annotations

import numpy as np
import pytest
from helpers.load import Load

from smbench.plan import plan_run
from smbench.runner import call_file as module
from smbench.runner.call_file import calls_of, stored, write_calls
from smbench.runner.segments import Segments
from smbench.smb2.constants import CREATE
from smbench.workload.calls import (
    Create,
    List,
    MakeDirectory,
    Notify,
    Open,
    Rename,
    SetTimes,
    Stat,
    Unlink,
)  # fmt: skip
from smbench.workload.model import Break


def varied() -> Load:
    load = Load()
    for turn in range(40):
        user, lane = turn % 2, turn // 2 % 3
        load.opens(user, turn, f"f{turn}", lane=lane)
        load.writes(user, turn, turn * 10, 1000 + turn, lane=lane)
        load.add(user, Stat("x", levels=(4, 5)), lane)
        load.add(user, Stat("y", create=Create(0x81, lease_state=turn, lease_key=f"{turn:032x}")), lane)
        load.add(
            user,
            MakeDirectory(f"d{turn}", Create(0x100, disposition=CREATE, attributes=turn)),
            lane,
        )
        load.add(user, Unlink(f"f{turn}", create=Create(0x10080, contexts="RqLs")), lane)
        load.add(user, SetTimes(turn, None, 5, None), lane)
        load.add(user, Rename(turn, f"f{turn}", "to", True), lane)
        load.add(user, List(turn, "*", 37, True), lane)
    return load


@pytest.mark.parametrize("gathered", [50, 1 << 17])
def test_every_lane_gets_its_calls(tmp_path, monkeypatch, gathered):
    monkeypatch.setattr(module, "_GATHERED_ROWS", gathered)
    monkeypatch.setattr(module, "_ROWS_A_LANE", 1)
    load = varied()
    plan = plan_run(load.workload, load.users)
    calls = write_calls(stored(load.workload, tmp_path), plan, tmp_path / "calls")
    assert plan.lanes == 6
    assert calls.max_io_bytes == 1039
    for lane in range(plan.lanes):
        rows = plan.row[plan.lane_start[lane] : plan.lane_start[lane + 1]]
        wanted = [load.operations[row].call for row in rows]
        got = [call for batch in calls.of_lane(lane) for call in calls_of(batch)]
        assert list(map(repr, got)) == list(map(repr, wanted))  # also what takes no part in comparison


def test_a_list_that_is_empty_in_every_row_stays_one(tmp_path):
    load = Load()
    load.add(0, Stat("x", levels=()))
    load.add(0, Stat("y", levels=()))
    plan = plan_run(load.workload, load.users)
    calls = write_calls(stored(load.workload, tmp_path), plan, tmp_path / "calls")
    assert [call for batch in calls.of_lane(0) for call in calls_of(batch)] == [Stat("x", ()), Stat("y", ())]


def test_segments_are_cut_where_the_board_is_needed():
    load = Load()
    load.opens(0, 1, "a", 2)
    load.writes(0, 1)
    load.opens(1, 2, "a")
    load.reads(1, 2)
    load.writes(0, 1)
    plan = plan_run(load.workload, load.users)
    segments = Segments(plan)
    alice = list(segments.of(0, 0, 3))
    bob = list(segments.of(1, 0, 2))
    assert [segment.end for segment in alice][-1] == 3
    assert [(segment.end, segment.post) for segment in alice if segment.post] != []
    posted = {segment.end for segment in alice if segment.post}
    awaited = {count for segment in bob for lane, count in segment.waits if lane == 0}
    assert awaited == posted
    assert sum(len(segment.waits) for segment in alice + bob) == len(plan.waits)


def test_a_notification_that_others_wait_for_is_alone_in_its_segment():
    load = Load()
    load.opens(0, 1, "d")
    load.add(0, Notify(1, 3, False), lane=1, takes_ns=1500)
    load.opens(1, 2, "d/f", 2)
    load.add(0, Notify(1, 3, False), lane=1, takes_ns=1500)
    load.opens(1, 3, "d/g", 2)
    load.add(0, Notify(1, 3, False), lane=1, takes_ns=10**6)
    load.closes(0, 1)
    plan = plan_run(load.workload, load.users)
    segments = Segments(plan)
    watching = int(plan.lane_of(np.array([0]), np.array([1]))[0])
    told = list(segments.of(watching, 0, 3))
    assert [segment.end for segment in told] == [1, 2, 3]
    assert [segment.arms for segment in told] == [True, True, True]
    other = int(plan.lane_of(np.array([1]), np.array([0]))[0])
    assert [segment.brief for segment in segments.of(other, 0, 2)] == [
        [(watching, 1, False)], [(watching, 2, False)],
    ]  # fmt: skip


def test_an_open_that_a_close_waits_for_is_alone_in_its_segment():
    load = Load()
    leased = Create(3, 7, 1, 0, 0, 0xFF, 7)
    load.add(0, Open(1, "a", leased))
    load.add(1, Stat("b"), at_ns=50_000)
    load.add(1, Open(2, "a", leased), at_ns=100_000, takes_ns=50_000)
    load.closes(0, 1, at_ns=140_000)
    load.add(1, Stat("b"), at_ns=200_000)
    load.breaks.append(Break(1, 120_000, 3, 140_000))
    plan = plan_run(load.workload, load.users, keeps_breaks=True)
    segments = Segments(plan)
    alice, bob = list(segments.of(0, 0, 2)), list(segments.of(1, 0, 3))
    assert [(segment.end, segment.arms) for segment in bob] == [(1, False), (2, True), (3, False)]
    assert [(segment.brief, segment.lag_ns) for segment in alice] == [([], 0), ([(1, 2, False)], 20_000)]
