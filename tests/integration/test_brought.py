"""An executor that another installed package brings, on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from helpers.command import THREE_USERS, run
from helpers.packages import install


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that every Python of this test finds packages in."""
    folder = tmp_path / "packages"
    folder.mkdir()
    monkeypatch.setenv("PYTHONPATH", str(folder))
    return folder


def test_it_is_offered_and_replays_in_workers_of_its_own(tmp_path: Path, packages: Path) -> None:
    install(packages, "brings-mine", "mine = brought:Mine")
    ran = run(
        "replay", THREE_USERS, tmp_path, "-o", tmp_path / "a.run", "--executor", "mine", "--pace", "fast"
    )
    assert ran.status == 0, ran.err
    document = json.loads((tmp_path / "a.run" / "run.json").read_text())
    assert document["configuration"]["executor"] == "mine"
    assert document["operations"]["executed"] == 127
    counted = json.loads((tmp_path / "a.run" / "client_stats.json").read_text())
    assert counted["users"] == {f"user0{number}": {"brought": True} for number in (1, 2, 3)}


def test_one_that_is_not_in_order_is_a_sentence_and_nobody_else_s_trouble(
    tmp_path: Path, packages: Path
) -> None:
    install(packages, "brings-rubbish", "rubbish = brought:Mine", "import no_such_thing")
    ran = run("replay", THREE_USERS, tmp_path, "-o", tmp_path / "a.run", "--executor", "rubbish")
    assert ran.status == 3
    assert "'rubbish' of the package brings-rubbish cannot be used (ModuleNotFoundError" in ran.sentence
    assert "rubbish" in run("replay", "--help").out


def test_one_that_lacks_calls_is_refused_before_the_run(tmp_path: Path, packages: Path) -> None:
    source = """
from smbench.executors.null import NullExecutor

class Mine(NullExecutor):
    name = "mine"
    def handlers(self):
        return {kind: do for kind, do in super().handlers().items() if kind.__name__ not in ("Lock", "Link")}
"""
    install(packages, "brings-mine", "mine = brought:Mine", source)
    ran = run("replay", THREE_USERS, tmp_path, "-o", tmp_path / "a.run", "--executor", "mine")
    assert ran.status == 3
    assert "the executor 'mine' has neither a handler nor a reason for Link, Lock" in ran.sentence
