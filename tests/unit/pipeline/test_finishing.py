"""Signals between a run's first call and its written result."""

from __future__ import annotations

import pytest

from smbench.pipeline import finishing as module
from smbench.pipeline.finishing import GIVE_UP_S, Finishing


class Clock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def monotonic(self) -> float:
        return self.now_s


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    return clock


def test_while_there_is_nothing_to_lose_a_signal_ends_it(clock: Clock) -> None:
    with pytest.raises(KeyboardInterrupt, match="SIGTERM"):
        Finishing(lambda _: None).heard("SIGTERM")


def test_then_only_a_second_one_soon_after_does(clock: Clock) -> None:
    said: list[str] = []
    finishing = Finishing(said.append)
    finishing.begin()
    finishing.heard("SIGINT")
    assert said == ["SIGINT: writing the result; once more within 5 s to give up"]
    clock.now_s += GIVE_UP_S + 0.1
    finishing.heard("SIGTERM")  # too late for a second one
    clock.now_s += GIVE_UP_S
    with pytest.raises(KeyboardInterrupt, match="SIGINT"):
        finishing.heard("SIGINT")
    assert len(said) == 2
