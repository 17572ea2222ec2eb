"""What a client of other habits loses of a call."""

from __future__ import annotations

import pytest

from smbench.executors.base import Habits, TimesSet
from smbench.executors.posix.executor import PosixExecutor
from smbench.workload.calls import Call, Create, Open, SetTimes, Truncate

ON, BY, NOT = TimesSet.ON_THE_OPEN, TimesSet.BY_THE_NAME, TimesSet.NOT_AT_ALL
TIMES = (-1, -1, 5, 5)
EMPTIES = Create(0x40000080, 7, 5)


@pytest.mark.parametrize(
    ("habits", "lost"),
    [
        (Habits(), False),  # not known
        (Habits(after_truncating=NOT, grows_in_one=False), False),
        (Habits(after_truncating=ON), True),
    ],
)
def test_how_a_file_grows(habits: Habits, lost: bool) -> None:
    told = PosixExecutor.loss(Truncate(1, 5, allocated=True), habits)
    assert bool(told and "the size alone is set by this client" in told) is lost


@pytest.mark.parametrize(
    ("call", "habits", "lost"),
    [
        (Truncate(1, 5), Habits(after_truncating=ON), None),  # of no client of Linux
        (Truncate(1, 5, times=TIMES), Habits(after_truncating=ON), None),
        (Truncate(1, 5, times=TIMES), Habits(), None),  # not known
        (Truncate(1, 5, times=TIMES), Habits(after_truncating=BY), (ON, BY)),
        (Truncate(1, 5, times=TIMES, times_by_name=True), Habits(after_truncating=NOT), (BY, NOT)),
        (Truncate(1, 5, flushed=True), Habits(after_truncating=NOT), None),
        (Truncate(1, 5, flushed=True), Habits(after_truncating=BY), (NOT, BY)),
        (Open(1, "a", EMPTIES, times=TIMES), Habits(after_truncating=NOT, after_emptying=ON), None),
        (Open(1, "a", EMPTIES, times=TIMES), Habits(after_emptying=NOT), (ON, NOT)),
        (SetTimes(1, None, None, 5), Habits(of_open=BY), None),
        (SetTimes(1, None, None, 5, flushed=True), Habits(of_open=BY), (ON, BY)),
        (SetTimes(1, None, None, 5, flushed=True, times_by_name=True), Habits(of_open=BY), None),
    ],
)
def test_how_times_are_set(call: Call, habits: Habits, lost: tuple[str, str] | None) -> None:
    words = None if lost is None else f"times are set {lost[0]} in the capture, {lost[1]} by this client"
    before, told = PosixExecutor.loss(call), PosixExecutor.loss(call, habits)
    assert told == ("; ".join(filter(None, (before, words))) or None)
    assert (told != before) == (lost is not None)
