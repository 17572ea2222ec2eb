"""A reading of the run's clock as time of day."""

from __future__ import annotations

import itertools
import time

import pytest

from smbench.measure import clock


def test_now_is_now() -> None:
    assert abs(clock.epoch_of(clock.now_ns()) - time.time_ns()) < 50_000_000


def test_an_interruption_between_the_two_clocks_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every read takes 1 µs; the machine is away for 5 ms after most of them, not all."""
    moment, away = itertools.count(), {0, 1, 2, 4, 5, 7, 10, 11, 16, 17, 20, 22, 25}
    now = 0

    def read() -> int:
        nonlocal now
        now += 1000 + (5_000_000 if next(moment) in away else 0)
        return now

    monkeypatch.setattr(clock, "now_ns", read)
    monkeypatch.setattr(time, "time_ns", lambda: read() + 10**18)
    assert clock.epoch_of(7) == pytest.approx(10**18 + 7, abs=1000)
