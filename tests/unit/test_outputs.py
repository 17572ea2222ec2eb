"""Files that commands write are whole or not there, and lead nowhere else."""

from __future__ import annotations

import os
import re
import stat
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import smbench
from smbench.errors import UsageError
from smbench.outputs import output_file, write_output

needs_links = pytest.mark.skipif(
    sys.platform == "win32", reason="links and FIFOs as others than Windows have"
)


def test_a_file_is_new_or_replaces_another_of_that_mode(tmp_path: Path) -> None:
    write_output(tmp_path / "new", "täxt\ud800\n")
    assert (tmp_path / "new").read_bytes() == "täxt?\n".encode()
    (tmp_path / "old").write_text("old, and longer than the new one")
    (tmp_path / "old").chmod(0o640)
    write_output(tmp_path / "old", "new")
    assert (tmp_path / "old").read_text() == "new"
    if sys.platform != "win32":
        assert stat.S_IMODE((tmp_path / "old").stat().st_mode) == 0o640
        assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o666 & ~_umask()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new", "old"]


def _umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask


@needs_links
@pytest.mark.parametrize(
    "make",
    [
        lambda path, other: path.symlink_to(other),
        lambda path, _: path.symlink_to(path.with_name("nowhere")),
        lambda path, _: os.mkfifo(path),
        lambda path, _: path.symlink_to(os.devnull),
    ],
    ids=["link", "dangling", "fifo", "device"],
)
def test_nothing_is_written_through_what_stands_there(
    tmp_path: Path, make: Callable[[Path, Path], None]
) -> None:
    (tmp_path / "precious").write_text("precious")
    make(tmp_path / "page.html", tmp_path / "precious")
    with pytest.raises(
        UsageError, match=r"page\.html is (a link|no ordinary file), and is not written through"
    ):
        write_output(tmp_path / "page.html", "new")
    assert (tmp_path / "precious").read_text() == "precious"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["page.html", "precious"]


@needs_links
def test_another_name_of_the_file_keeps_what_it_has(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("precious")
    (tmp_path / "page.html").hardlink_to(tmp_path / "precious")
    write_output(tmp_path / "page.html", "new")
    assert (tmp_path / "precious").read_text() == "precious"
    assert (tmp_path / "page.html").read_text() == "new"


def test_what_was_cut_off_leaves_what_was_there(tmp_path: Path) -> None:
    (tmp_path / "old").write_text("old")

    def cut_off(name: str) -> None:
        with output_file(tmp_path / name) as file:
            file.write(b"half")
            raise KeyboardInterrupt

    for name in ("old", "new"):
        with pytest.raises(KeyboardInterrupt):
            cut_off(name)
    assert [path.name for path in tmp_path.iterdir()] == ["old"]
    assert (tmp_path / "old").read_text() == "old"


def test_a_place_that_cannot_be_written_is_the_systems_to_say(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    for path, error in (
        (tmp_path / "folder", IsADirectoryError),
        (tmp_path / "none" / "page", FileNotFoundError),
        (tmp_path / ("x" * 300), OSError),
    ):
        with pytest.raises(error):
            write_output(path, "new")
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


@needs_links
@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() != 0, reason="only root writes others' files")
def test_root_lets_a_file_its_owner(tmp_path: Path) -> None:
    (tmp_path / "theirs").write_text("old")
    os.chown(tmp_path / "theirs", 1234, 1235)
    write_output(tmp_path / "theirs", "new")
    found = (tmp_path / "theirs").stat()
    assert (found.st_uid, found.st_gid) == (1234, 1235)


def test_whoever_writes_where_a_user_says_writes_by_it() -> None:
    """The rest writes into folders of this process's own, that become a result when they are whole."""
    package = Path(smbench.__file__).parent
    writes = re.compile(r"""\.write_(text|bytes)\(|\.open\(["'][wxa]|\bopen\([^)]*["'][wxa]b?["']""")
    found = [
        f"{path.relative_to(package)}: {line.strip()}"
        for folder in ("cli", "report", "fidelity", "anonymize")
        for path in (package / folder).rglob("*.py")
        for line in path.read_text(encoding="utf-8").splitlines() if writes.search(line)
    ]  # fmt: skip
    assert not found
