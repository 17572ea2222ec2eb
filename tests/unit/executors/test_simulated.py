"""The server that takes known times."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from smbench.errors import UsageError
from smbench.executors.base import ExecutorContext
from smbench.executors.simulated import TIMETABLE, SimulatedExecutor, Timetable
from smbench.workload.calls import CALLS, Flush, Read, Stat, Write

TIMES = Timetable({"Read": 50, "Flush": 7}, other_ns=3, byte_ns=2, freezes_ns=[(100, 200), (300, 310)])


def test_the_service_time_follows_from_the_call():
    assert TIMES.takes_ns(Read(1, 0, 10)) == 70
    assert TIMES.takes_ns(Write(1, 0, 10)) == 23
    assert TIMES.takes_ns(Flush(1)) == 7
    assert Timetable().takes_ns(Flush(1)) == 100_000


def test_what_a_freeze_meets_is_answered_so_much_later():
    assert TIMES.answered_ns(0, 100) == 100
    assert TIMES.answered_ns(90, 20) == 210
    assert TIMES.answered_ns(150, 20) == 220
    assert TIMES.answered_ns(200, 20) == 220
    assert TIMES.answered_ns(150, 120) == 330
    assert TIMES.answered_ns(0, 1000) == 1110


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("nonsense", "is no JSON (JSON is malformed"),
        ("[]", "is not whole (Expected `object`, got `array`)"),
        ('{"service_ns": {"Reed": 1}}', "has times of Reed, which is no call"),
        ('{"other": 1}', "contains unknown field `other`"),
        ('{"service_ns": {"Read": "long"}}', "Expected `int`, got `str`"),
        ('{"service_ns": {"Read": -1}}', "Expected `int` >= 0"),
        ('{"freezes_ns": [1, 2]}', "Expected `array`, got `int`"),
    ],
)
def test_what_is_no_timetable_is_said_before_anything_runs(tmp_path: Path, text: str, why: str):
    (tmp_path / TIMETABLE).write_text(text)
    with pytest.raises(UsageError, match="write it as") as caught:
        SimulatedExecutor.check_target(tmp_path)
    assert why in str(caught.value)
    assert "\n" not in str(caught.value)


def test_without_a_timetable_it_says_what_calls_take(tmp_path: Path):
    assert SimulatedExecutor.check_target(tmp_path) == (
        f"{tmp_path} has no simulated.json: each simulated call takes 100 µs",
    )
    (tmp_path / TIMETABLE).write_text('{"other_ns": 100000}')
    assert SimulatedExecutor.check_target(tmp_path) == ()


def test_a_call_takes_its_time_and_no_less(tmp_path: Path):
    (tmp_path / TIMETABLE).write_text(json.dumps({"service_ns": {"Stat": 5_000_000}, "byte_ns": 1000}))
    executor = SimulatedExecutor(ExecutorContext(tmp_path, 0))
    handlers = executor.handlers()
    assert handlers.keys() == set(CALLS.values())
    began = time.monotonic_ns()
    assert handlers[Stat](Stat("x", ())) == 0
    assert time.monotonic_ns() - began >= 5_000_000
    executor.close()
