"""Scratch folders: whose they are, and those of dead processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from smbench import scratch as module
from smbench.owner import this_process
from smbench.scratch import (
    OWNER,
    forget_folder,
    make_scratch,
    orphans,
    ours,
    own,
    owner_of,
    remove_folder,
    scratch,
)  # fmt: skip


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


def deep(folder: Path, levels: int) -> None:
    """Folders within each other, deeper than a path may be long."""
    descriptor = os.open(folder, os.O_RDONLY)
    for _ in range(levels):
        os.mkdir("d", dir_fd=descriptor)
        inside = os.open("d", os.O_RDONLY, dir_fd=descriptor)
        os.close(descriptor)
        descriptor = inside
    os.close(descriptor)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no descriptors of folders")
def test_a_folder_that_was_exchanged_for_another_stays(place: Path) -> None:
    """By whoever has the folder above it: that becomes a link to somebody's, with a name of the same kind."""
    results, theirs = place / "results", place / "theirs"
    results.mkdir()
    draft = dead(make_scratch(".a.run.", results))
    (theirs / draft.name).mkdir(parents=True)
    results.rename(place / "moved")
    results.symlink_to(theirs)
    with pytest.raises(OSError, match="another folder by now"):
        remove_folder(draft)
    assert (theirs / draft.name).is_dir()
    results.unlink()
    (place / "moved").rename(results)
    remove_folder(draft)
    assert not draft.exists()


def test_a_folder_of_a_living_process_stays(place: Path) -> None:
    folder = make_scratch()
    with pytest.raises(OSError, match="another folder by now"):
        remove_folder(folder)
    assert folder.exists()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no paths that are longer")
def test_a_folder_that_is_nested_too_deep_is_told(place: Path) -> None:
    folder = dead(make_scratch())
    deep(folder, 3 * sys.getrecursionlimit())
    told = ""
    try:
        remove_folder(folder)  # as Python 3.13 does
    except OSError as error:
        told = str(error)
    assert folder.exists() == ("nested too deep" in told)
    forget_folder(folder)
    subprocess.run(["rm", "-rf", folder], check=True)  # pytest could not


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() != 0, reason="only root gives folders away")
def test_ours_is_who_called_sudo_too_and_no_link(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = place / "theirs"
    theirs.mkdir()
    (place / "link").symlink_to(theirs)
    os.chown(theirs, 1234, 1234)
    assert ours(place / "link")
    assert not ours(theirs)
    monkeypatch.setenv("SUDO_UID", "1234")
    monkeypatch.setenv("SUDO_GID", "1234")
    assert ours(theirs)
