"""What a lane has out, by its records."""

from __future__ import annotations

import mmap

from smbench.measure.oplog import RECORD, RECORD_BYTES
from smbench.runner.flight import Flight
from smbench.runner.refused import Item
from smbench.workload.calls import Flush

FIRST = 10
"""Place of the lane's first operation."""


def lane(count: int) -> tuple[Flight, mmap.mmap, list[Item]]:
    log = mmap.mmap(-1, (FIRST + count) * RECORD_BYTES)
    items: list[Item] = [(lambda _: 0, Flush(1), (FIRST + at) * RECORD_BYTES, 0) for at in range(count)]
    flight = Flight()
    flight.since_ns = 100
    flight.items = items
    return flight, log, items


def done(log: mmap.mmap, place: int, issued_ns: int, completed_ns: int) -> None:
    RECORD.pack_into(log, place * RECORD_BYTES, issued_ns, 0, completed_ns)


def test_the_first_without_a_record_is_out_since_the_one_before_came_back():
    flight, log, _ = lane(5)
    assert flight.under_way(log) == (FIRST, 100)
    for at in range(5):
        assert flight.under_way(log) == (FIRST + at, 100 if not at else 200 + 10 * at)
        done(log, FIRST + at, 205 + 10 * at, 210 + 10 * at)
    assert flight.under_way(log) is None


def test_who_sleeps_has_nothing_out_and_afterwards_since_it_woke():
    flight, log, _ = lane(3)
    done(log, FIRST, 100, 200)
    flight.asleep = True
    assert flight.under_way(log) is None
    flight.asleep, flight.since_ns = False, 900
    assert flight.under_way(log) == (FIRST + 1, 900)


def test_between_two_segments_nothing_is_out():
    flight, log, items = lane(3)
    flight.items = ()
    assert flight.under_way(log) is None
    flight.items = items
    items.clear()  # so a lane is stopped
    assert flight.under_way(log) is None


def test_what_a_lane_skips_is_not_out():
    flight, log, items = lane(3)
    del items[1]
    done(log, FIRST, 100, 200)
    assert flight.under_way(log) == (FIRST + 2, 200)
