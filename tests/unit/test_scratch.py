"""Scratch folders: whose they are, and those of dead processes."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import pytest

from smbench import scratch as module
from smbench.owner import this_process
from smbench.scratch import OWNER, make_scratch, orphans, own, owner_of, scratch


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(module, "_MEMORY", tmp_path / "memory")
    return tmp_path


def dead(folder: Path) -> Path:
    """The same, of a process that has ended."""
    told = json.loads((folder / OWNER).read_text())
    (folder / OWNER).write_text(json.dumps({**told, "started_ticks": 1, "pid": 2**22 + 1}))
    return folder


def test_it_says_whose_it_is_and_is_gone_afterwards(place: Path) -> None:
    with scratch("smbench-x-") as folder:
        assert folder.parent == place
        owner = owner_of(folder)
        assert owner is not None
        assert (owner.pid, owner.lives) == (this_process().pid, True)
        assert folder.stat().st_mode & 0o777 == 0o700
    assert not folder.exists()


def test_only_those_of_the_dead_are_orphans(place: Path) -> None:
    make_scratch()
    gone = dead(make_scratch())
    (place / "smbench-of-nobody").mkdir()
    other = place / "another-name"
    other.mkdir()
    own(other)
    dead(other)
    assert gone in orphans()
    assert {path for path in orphans() if path.parent == place} == {gone}


def test_a_file_of_that_name_which_others_made_says_nothing(place: Path) -> None:
    folder = dead(make_scratch())
    told = json.loads((folder / OWNER).read_text())
    del told["kind"]
    (folder / OWNER).write_text(json.dumps(told))
    assert folder not in orphans()
    (place / "smbench-link").symlink_to(dead(make_scratch()))
    assert place / "smbench-link" not in orphans()


@pytest.mark.parametrize("content", ["", "{}", '{"pid": -1}', '{"pid": 1, "started_ticks": "x"}'])
def test_what_does_not_say_it_is_nobody_s(place: Path, content: str) -> None:
    folder = make_scratch()
    (folder / OWNER).write_text(content)
    assert owner_of(folder) is None
    assert folder not in orphans()
