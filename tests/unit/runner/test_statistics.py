"""What the workers counted."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from helpers.executors import Quiet

from smbench.executors.base import Reported
from smbench.runner.statistics import counted_by, read_documents, reported_by, write_statistics


def test_statistics_by_user_without_what_is_empty_or_broken_off(tmp_path: Path) -> None:
    told: tuple[Any, ...] = (
        (0, {0: {"a": 1}, 1: {}}, [5, None, 7], {}),
        (2, {3: {"c": [1]}}, [30], {3: "no server"}),
    )
    for number, users, waited_ns, lost in told:
        with (tmp_path / f"{number}.json").open("w", encoding="utf-8") as file:
            write_statistics(file, users, waited_ns, lost)
    (tmp_path / "1.json").write_text('{"users": {"2": {"b"')
    counted = counted_by([read_documents(tmp_path)], ["x", "y", "z", "w"])
    assert counted.users == {"x": {"a": 1}, "w": {"c": [1]}}
    assert counted.waited_ns == 42
    assert counted.lost == {"w": "no server"}


@pytest.mark.parametrize("waited_ns", [[], [None]])
def test_where_no_system_tells_how_long_a_thread_waited_nothing_is_said(tmp_path: Path, waited_ns) -> None:
    with (tmp_path / "0.json").open("w", encoding="utf-8") as file:
        write_statistics(file, {}, waited_ns, {})
    assert counted_by([read_documents(tmp_path)], []).waited_ns is None


class Reporting(Quiet):
    @classmethod
    def report(cls, users: Mapping[str, Any]) -> Reported:
        return Reported({"breaks": sum(users.values())}, [f"{name} broke" for name in users])


def test_what_executors_tell_is_added_up_over_the_loops(tmp_path: Path) -> None:
    folders = [tmp_path / "1", tmp_path / "2"]
    for folder, users in zip(folders, [{0: 2, 1: 3}, {1: 4}], strict=True):
        folder.mkdir()
        with (folder / "0.json").open("w", encoding="utf-8") as file:
            write_statistics(file, users, [], {})
    loops = [read_documents(folder) for folder in folders]
    told = reported_by(Reporting, loops, ["x", "y"])
    assert told.counters == {"breaks": 9}
    assert list(told.warnings) == ["in loop 1 x broke", "in loop 1 y broke", "in loop 2 y broke"]
    assert list(reported_by(Reporting, loops[1:], ["x", "y"]).warnings) == ["y broke"]
    assert reported_by(Quiet, loops, ["x", "y"]) == Reported()
