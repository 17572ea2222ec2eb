"""The shared memory of heartbeats: what a worker writes, the parent reads."""

from __future__ import annotations

import mmap
import pickle
from pathlib import Path

import numpy as np

from smbench.measure.oplog import COMPLETED
from smbench.measure.standstill import STANDSTILL_NS, Gap
from smbench.runner.flight import Flight
from smbench.runner.heartbeat import PERIOD_NS, Heartbeat, Heartbeats, InFlight

S = 1_000_000_000


def test_gaps_are_kept_by_process_and_the_first_of_many(tmp_path: Path) -> None:
    beats = Heartbeats(tmp_path / "beats", 2, 1)
    beats.beat(1, 5 * S, Gap(1, 1 * S, 5 * S))
    beats.beat(0, 6 * S, None)
    assert list(beats.gaps()) == [Gap(1, 1 * S, 5 * S)]
    for number in range(100):
        beats.beat(0, number, Gap(0, number, number + 1))
    gaps = list(beats.gaps())
    assert gaps[0] == Gap(0, 0, 1)
    assert len([gap for gap in gaps if gap.process == 0]) == 15
    assert gaps[-1] == Gap(1, 1 * S, 5 * S)
    assert list(pickle.loads(pickle.dumps(beats)).gaps()) == gaps


def test_who_gives_no_sign_of_life_stands_still_since_its_last_one(tmp_path: Path) -> None:
    beats = Heartbeats(tmp_path / "beats", 3, 1)
    beats.beat(0, 10 * S, None)
    beats.beat(1, 12 * S, None)
    now = 12 * S + PERIOD_NS
    assert beats.still(range(3), now) == [Gap(0, 10 * S, now)]  # the third has not begun
    assert beats.still([1], now + STANDSTILL_NS) == []
    assert beats.still([1], now + STANDSTILL_NS + 1) == [Gap(1, 12 * S, now + STANDSTILL_NS + 1)]


def test_a_call_is_out_until_its_record_is_there(tmp_path: Path) -> None:
    beats = Heartbeats(tmp_path / "beats", 1, 3)
    records = np.zeros((10, 3), np.int64)
    beats.fly(0, 0, 1 * S)
    beats.fly(2, 7, 3 * S)
    whole = [InFlight(0, 0, 1 * S, 9 * S), InFlight(2, 7, 3 * S, 9 * S)]
    assert beats.in_flight(slice(None), records, 9 * S) == whole
    assert beats.in_flight(range(1, 3), records, 9 * S) == whole[1:]
    records[0, COMPLETED] = 2 * S
    assert beats.in_flight(slice(None), records, 9 * S) == whole[1:]
    assert beats.in_flight(slice(None), records[:0], 9 * S) == []


def test_the_more_workers_the_rarer_beats_up_to_a_bound(tmp_path: Path) -> None:
    periods = [Heartbeats(tmp_path / str(count), count, 1).period_ns for count in (1, 1000, 5000)]
    assert periods == [PERIOD_NS, 1 * S, 2 * S]


def test_a_heartbeat_beats_once_more_when_it_ends_and_tells_what_is_out(tmp_path: Path) -> None:
    beats = Heartbeats(tmp_path / "beats", 1, 2)
    log = mmap.mmap(-1, 24 * 3)
    out = Flight()
    out.items, out.since_ns = [(lambda _: 0, None, 48, 0)], 7 * S  # type: ignore[list-item]
    heart = Heartbeat(beats, 0, {0: Flight(), 1: out}, log)
    heart.stop()
    assert beats.still([0], 1 << 62)
    assert beats.in_flight(slice(None), np.zeros((3, 3), np.int64), 9 * S) == [InFlight(1, 2, 7 * S, 9 * S)]
