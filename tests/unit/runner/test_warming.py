"""What is warmed for whom, and what executors counted."""

from __future__ import annotations

import json
from pathlib import Path

from smbench.runner.statistics import read_statistics


def test_statistics_by_user_without_what_is_empty_or_broken_off(tmp_path: Path) -> None:
    (tmp_path / "0.json").write_text(json.dumps({"0": {"a": 1}, "1": {}}))
    (tmp_path / "1.json").write_text('{"2": {"b"')
    (tmp_path / "2.json").write_text(json.dumps({"3": {"c": [1]}}))
    assert read_statistics([tmp_path], ["x", "y", "z", "w"]) == {"x": {"a": 1}, "w": {"c": [1]}}
