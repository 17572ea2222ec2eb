"""What the workers counted."""

from __future__ import annotations

from pathlib import Path

import pytest

from smbench.runner.statistics import read_statistics, write_statistics


def test_statistics_by_user_without_what_is_empty_or_broken_off(tmp_path: Path) -> None:
    told = ((0, {0: {"a": 1}, 1: {}}, [5, None, 7], {}), (2, {3: {"c": [1]}}, [30], {3: "no server"}))
    for number, users, waited_ns, lost in told:
        with (tmp_path / f"{number}.json").open("w", encoding="utf-8") as file:
            write_statistics(file, users, waited_ns, lost)
    (tmp_path / "1.json").write_text('{"users": {"2": {"b"')
    counted = read_statistics([tmp_path], ["x", "y", "z", "w"])
    assert counted.users == {"x": {"a": 1}, "w": {"c": [1]}}
    assert counted.waited_ns == 42
    assert counted.lost == {"w": "no server"}


@pytest.mark.parametrize("waited_ns", [[], [None]])
def test_where_no_system_tells_how_long_a_thread_waited_nothing_is_said(tmp_path: Path, waited_ns) -> None:
    with (tmp_path / "0.json").open("w", encoding="utf-8") as file:
        write_statistics(file, {}, waited_ns, {})
    assert read_statistics([tmp_path], []).waited_ns is None
