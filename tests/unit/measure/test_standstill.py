"""Heartbeats and clocks told by clocks that the test moves."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from smbench.measure.standstill import STANDSTILL_NS, ClockStep, ClockWatch, Gap, Pulse, Reading, read_clocks

MS = 1_000_000
S = 1000 * MS
PERIOD = 250 * MS


@dataclass
class Thread:
    """A thread, and how long it computed or waited for a processor."""

    now: int = 5 * S
    busy: int = 0

    def pulse(self) -> Pulse:
        return Pulse(3, PERIOD, lambda: self.now, lambda: self.busy)

    def goes_on(self, ns: int, busy: int = 0) -> None:
        self.now += ns
        self.busy += busy


def test_a_beat_in_time_tells_nothing():
    thread = Thread()
    pulse = thread.pulse()
    for _ in range(40):
        thread.goes_on(PERIOD + STANDSTILL_NS)
        assert pulse.beat() is None


def test_a_beat_that_is_too_late_tells_from_when_to_when():
    thread = Thread()
    pulse = thread.pulse()
    thread.goes_on(PERIOD)
    assert pulse.beat() is None
    begin = thread.now
    thread.goes_on(20 * S)
    assert pulse.beat() == Gap(3, begin, begin + 20 * S)
    thread.goes_on(PERIOD)
    assert pulse.beat() is None


@pytest.mark.parametrize(("busy", "still"), [(19 * S, False), (17 * S, True)])
def test_who_computed_or_waited_for_a_processor_did_not_stand_still(busy, still):
    thread = Thread()
    pulse = thread.pulse()
    thread.goes_on(20 * S, busy)
    assert (pulse.beat() is not None) is still


def test_what_a_thread_did_before_hides_no_standstill_for_long():
    thread = Thread()
    pulse = thread.pulse()
    for _ in range(64):
        thread.goes_on(PERIOD, PERIOD // 2)
        pulse.beat()
    thread.goes_on(5 * S)
    assert pulse.beat() is not None


class Clocks:
    """Three clocks, which go on together but for what a test does to them."""

    def __init__(self, since_boot: bool = True) -> None:
        self.at, self.wall, self.boot, self.unsure = 5 * S, 1000 * S, 9 * S, 1000
        self.since_boot = since_boot

    def __call__(self) -> Reading:
        return Reading(self.at, self.wall, self.boot if self.since_boot else None, self.unsure)

    def goes_on(self, ns: int, wall: int = 0, asleep: int = 0) -> None:
        self.at += ns
        self.wall += ns + asleep + wall
        self.boot += ns + asleep


@pytest.mark.parametrize(
    ("wall", "asleep", "told"),
    [
        (0, 0, []),
        (50 * MS, 0, []),
        (-50 * MS, 0, []),
        (3600 * S, 0, [(3600 * S, False)]),
        (-2 * S, 0, [(-2 * S, False)]),
        (0, 30 * S, [(30 * S, True)]),
        (7 * S, 30 * S, [(30 * S, True), (7 * S, False)]),
    ],
)
def test_clocks_that_were_set_and_machines_that_slept(wall, asleep, told):
    clocks = Clocks()
    watch = ClockWatch(clocks)
    clocks.goes_on(100 * MS)
    assert watch.look() == []
    clocks.goes_on(100 * MS, wall, asleep)
    assert watch.look() == [ClockStep(clocks.at, by, suspended) for by, suspended in told]
    clocks.goes_on(100 * MS)
    assert watch.look() == []


def test_a_clock_that_is_adjusted_is_not_set():
    clocks = Clocks()
    watch = ClockWatch(clocks)
    clocks.goes_on(20 * S, wall=int(1.6 * S))  # chronyd's most, seen by who stood still for long
    assert watch.look() == []


def test_what_took_long_to_read_is_not_held_against_a_clock():
    clocks = Clocks()
    watch = ClockWatch(clocks)
    clocks.unsure = 500 * MS
    clocks.goes_on(100 * MS, wall=400 * MS)
    assert watch.look() == []


def test_a_system_without_such_a_clock_knows_no_suspend():
    clocks = Clocks(since_boot=False)
    watch = ClockWatch(clocks)
    clocks.goes_on(100 * MS, asleep=30 * S)
    assert [step.suspended for step in watch.look()] == [False]


def test_the_clocks_of_this_machine_can_be_read():
    before, after = read_clocks(), read_clocks()
    assert after.at_ns >= before.at_ns
    assert before.unsure_ns >= 0
