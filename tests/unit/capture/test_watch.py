"""Whether a process gets on: by what is seen of it, and by its CPU; nobody waits for a clock here."""

from __future__ import annotations

import os

from smbench.capture.watch import TICK_S, Watch, cpu_of


class Process:
    """One whose CPU is what the test says."""

    def __init__(self) -> None:
        self.cpu_s, self.ready = 0.0, False

    def used(self, process: int) -> tuple[float, bool]:
        return self.cpu_s, self.ready


def looks(watch: Watch, seen: object, most: int = 100) -> int:
    """How many looks it takes until patience is at its end; `most` where it never is."""
    return next((look for look in range(most) if watch.stuck(seen)), most)


def test_patience_ends_where_nothing_moves() -> None:
    watch = Watch(0, 5 * TICK_S, Process().used)
    assert looks(watch, "here") == 5


def test_what_is_read_or_shown_begins_patience_anew() -> None:
    watch = Watch(0, 5 * TICK_S, Process().used)
    for place in range(20):
        assert not watch.stuck(place)
        assert not watch.stuck(place)
    assert looks(watch, 19) == 3


def test_who_computes_gets_on_and_who_only_looks_now_and_then_does_not() -> None:
    process = Process()
    watch = Watch(0, 10 * TICK_S, process.used)
    for _ in range(100):
        process.cpu_s += TICK_S / 2
        assert not watch.stuck("here")
    stuck = 0
    while not watch.stuck("here"):
        process.cpu_s += 0.000_1
        stuck += 1
        assert stuck < 100
    assert stuck >= 9


def test_who_would_compute_if_it_got_a_processor_is_not_stuck() -> None:
    process = Process()
    process.ready = True
    assert looks(Watch(0, 5 * TICK_S, process.used), "here") == 100


def test_the_cpu_of_a_process_is_the_systems_and_of_one_that_is_gone_none() -> None:
    assert cpu_of(os.getpid())[0] > 0
    assert cpu_of(2**22 + 1) == (0.0, False)
