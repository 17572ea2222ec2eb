"""This program's own names in a target are nobody else's, in whatever case a server takes for the same."""

import errno
import os
from pathlib import Path

import pytest

from smbench.paths.beneath import Beneath, UnsafePathError, split
from smbench.paths.nt_names import NameRefusedError, relative_name
from smbench.paths.own_names import REFUSED, is_own

OWN = [
    ".smbench-prepared.jsonl", ".SMBENCH-prepared.jsonl", ".smbench-prepared.jsonl.new", ".smbench-trials-x",
    ".smbench-", ".\u017fmbench-prepared.jsonl", ".smbench-prepared.jsonl.", ".smbench-prepared.jsonl:stream",
]  # fmt: skip
OTHERS = ["", ".", "smbench-x", ".smbench", "a.smbench-x", ".git", "\u202e.smbench-x", " .smbench-x"]


def test_which_they_are() -> None:
    assert [name for name in OWN if not is_own(name)] == []
    assert [name for name in OTHERS if is_own(name)] == []


@pytest.mark.parametrize("name", OWN)
@pytest.mark.parametrize("path", ["{}", "clone-0001/{}", "{}/f", "a/{}/f"])
def test_no_capture_reaches_them(tmp_path: Path, name: str, path: str) -> None:
    path = path.format(name)
    with pytest.raises(UnsafePathError, match="this program's own") as refused:
        split(path)
    assert refused.value.errno == REFUSED == getattr(errno, "ENOTNAM", REFUSED)
    with pytest.raises(NameRefusedError, match=r"own|more|colon"):
        relative_name(path)
    names = Beneath(tmp_path)
    for folder in ("a", "clone-0001"):
        (tmp_path / folder).mkdir()
    (tmp_path / "plain").touch()
    for act in (
        lambda: names.open(path, os.O_RDWR | os.O_CREAT),
        lambda: names.stat(path),
        lambda: names.unlink(path),
        lambda: names.rename("plain", path),
        lambda: names.rename(path, "plain"),
        lambda: names.link("plain", path),
        lambda: names.mkdir(path),
    ):
        with pytest.raises(UnsafePathError, match="this program's own"):
            act()
    assert sorted(each.name for each in tmp_path.iterdir()) == ["a", "clone-0001", "plain"]


def test_prepare_itself_reaches_them(tmp_path: Path) -> None:
    names = Beneath(tmp_path, captured=False)
    os.close(names.open(".smbench-prepared.jsonl", os.O_WRONLY | os.O_CREAT | os.O_EXCL))
    assert names.stat(".smbench-prepared.jsonl").st_size == 0
    assert relative_name(".smbench-trials-x/f", captured=False) == ".smbench-trials-x\\f"
