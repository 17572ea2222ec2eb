"""Renames that take no place which is taken, and two names that change places."""

from __future__ import annotations

from pathlib import Path

import pytest

from smbench import renaming
from smbench.renaming import exchange, rename_new


@pytest.fixture(params=["as it is", "without renameat2"])
def folder(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    if request.param != "as it is":
        monkeypatch.setattr(renaming, "_renameat2", None)
    return tmp_path


@pytest.mark.parametrize("taken_by", ["a folder", "a file", "a link to nowhere"])
def test_a_place_that_is_taken_is_left_alone(folder: Path, taken_by: str) -> None:
    source, target = folder / "source", folder / "target"
    source.mkdir()
    if taken_by == "a folder":
        target.mkdir()  # empty: rename(2) would replace it
    elif taken_by == "a file":
        target.touch()
    else:
        target.symlink_to(folder / "nowhere")
    before = target.lstat().st_ino
    with pytest.raises(FileExistsError):
        rename_new(source, target)
    assert target.lstat().st_ino == before
    assert source.is_dir()
    rename_new(source, folder / "free")
    assert sorted(path.name for path in folder.iterdir()) == ["free", "target"]


def test_two_names_change_places(tmp_path: Path) -> None:
    for name in ("one", "other"):
        (tmp_path / name / name).mkdir(parents=True)
    assert exchange(tmp_path / "one", tmp_path / "other")
    assert (tmp_path / "one" / "other").is_dir()
    assert (tmp_path / "other" / "one").is_dir()
    with pytest.raises(FileNotFoundError):
        exchange(tmp_path / "one", tmp_path / "nobody")


def test_where_they_cannot_it_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(renaming, "_renameat2", None)
    assert not exchange(tmp_path, tmp_path / "other")
