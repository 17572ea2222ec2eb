"""Names beneath two roots: what names a stream goes beneath the second, everything else beneath the first."""

import os
from pathlib import Path

import pytest

from smbench.paths.beneath import Beneath
from smbench.paths.stream_names import has_stream
from smbench.paths.streams import beneath


@pytest.fixture
def both(tmp_path: Path) -> tuple[Path, Path]:
    for name in ("files/d", "streams/d"):
        (tmp_path / name).mkdir(parents=True)
    return tmp_path / "files", tmp_path / "streams"


def test_a_name_says_whether_it_is_of_a_stream() -> None:
    assert [has_stream(path) for path in ("d/f:s", "d:s", "d/f", "")] == [True, True, False, False]


def test_each_name_is_made_found_and_removed_beneath_its_root(both: tuple[Path, Path]) -> None:
    files, streams = both
    names = beneath(*both)
    for path in ("d/f", "d/f:s"):
        os.close(names.open(path, os.O_CREAT | os.O_WRONLY))
        names.pin(path)
        held = names.pinned(path)
        assert held is not None
        assert os.fstat(held.fd).st_ino == names.stat(path).st_ino
    names.link("d/f:s", "d/f:t")
    names.rename("d/f:s", "d/f:u")
    names.rename("d/f", "d/g")
    assert sorted(path.name for path in files.rglob("*")) == ["d", "g"]
    assert sorted(path.name for path in streams.rglob("*")) == ["d", "f:t", "f:u"]
    for path in ("d/f:t", "d/f:u", "d/g"):
        names.unlink(path)
    names.mkdir("new")
    assert (files / "new").is_dir()
    names.rmdir("new")
    assert not list(streams.glob("d/*"))
    names.close()


def test_a_folder_that_was_moved_is_looked_up_again_beneath_both(both: tuple[Path, Path]) -> None:
    files, streams = both
    (streams / "d/f:s").touch()
    names = beneath(*both)
    names.stat("d/f:s")
    (streams / "d").rename(streams / "e")  # as the server does it: one tree
    names.rename("d", "e")
    assert names.stat("e/f:s").st_size == 0
    with pytest.raises(FileNotFoundError):
        names.stat("d/f:s")
    assert [path.name for path in files.iterdir()] == ["e"]


def test_without_a_second_root_all_is_beneath_the_first(both: tuple[Path, Path]) -> None:
    names = beneath(both[0], None)
    assert type(names) is Beneath
    os.close(names.open("d/f:s", os.O_CREAT | os.O_WRONLY))
    assert (both[0] / "d/f:s").exists()
