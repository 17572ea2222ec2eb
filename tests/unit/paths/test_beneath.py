"""Every way out of a target is tried, with openat2 and without; nothing outside may change."""

from __future__ import annotations

import ctypes
import errno
import os
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smbench import renaming
from smbench.paths import openat2 as module
from smbench.paths.beneath import Beneath, UnsafePathError, split

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="resolves by Linux system calls")


@pytest.fixture
def world(tmp_path: Path) -> Path:
    """outside/secret beside target/, and traps within the target."""
    outside = tmp_path / "outside"
    target = tmp_path / "target"
    (outside / "deep").mkdir(parents=True)
    (outside / "secret").write_text("untouched")
    (target / "a" / "b").mkdir(parents=True)
    (target / "a" / "plain").write_text("mine")
    (target / "a" / "up").symlink_to("..")
    (target / "out-dir").symlink_to(outside)
    (target / "relative-out").symlink_to("../outside")
    (target / "out-file").symlink_to(outside / "secret")
    (target / "dangling").symlink_to(outside / "born")
    (target / "magic").symlink_to("/proc/self/root")
    return target


@pytest.fixture(params=[True, False], ids=["openat2", "by component"])
def names(request: pytest.FixtureRequest, world: Path) -> Iterator[Beneath]:
    if request.param and not Beneath(world).uses_openat2:
        pytest.skip("this kernel has no openat2")
    beneath = Beneath(world, openat2=request.param)
    yield beneath
    beneath.close()


def snapshot(directory: Path) -> dict[str, tuple[int, int, bytes]]:
    """Every path below, with its mode, modification time and content."""
    found = {}
    for path in sorted(directory.rglob("*")):
        stat = path.lstat()
        content = path.read_bytes() if path.is_file() else b""
        found[str(path.relative_to(directory))] = (stat.st_mode, stat.st_mtime_ns, content)
    return found


def open_descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


ACTIONS: dict[str, Callable[[Beneath, str], object]] = {
    "open": lambda names, path: os.close(names.open(path, os.O_RDONLY)),
    "write": lambda names, path: os.close(names.open(path, os.O_WRONLY | os.O_TRUNC)),
    "create": lambda names, path: os.close(names.open(path, os.O_WRONLY | os.O_CREAT)),
    "mkdir": lambda names, path: names.mkdir(path),
    "unlink": lambda names, path: names.unlink(path),
    "rmdir": lambda names, path: names.rmdir(path),
    "rename from": lambda names, path: names.rename(path, "stolen"),
    "rename to": lambda names, path: names.rename("a/plain", path),
    "rename to, keeping": lambda names, path: names.rename("a/plain", path, replace=False),
    "link from": lambda names, path: names.link(path, "linked"),
    "link to": lambda names, path: names.link("a/plain", path),
    "stat": lambda names, path: names.stat(path),
}

HOSTILE = [
    "..",
    "../outside/secret",
    "a/../../outside/secret",
    "a/../../outside",
    "a/b/../../../outside/deep",
    "a/..",
    "./a",
    "a/./b",
    "/etc/passwd",
    "/",
    "//",
    "a//b",
    "a/",
    "a\0b",
    "a/b\0/../../x",
    "..\\outside\\secret",
    "a\\..\\..\\outside",
    "\ud800lone",
]

THROUGH_LINKS = [
    "out-dir/secret",
    "out-dir/born",
    "out-dir/deep/born",
    "relative-out/secret",
    "a/up/../../outside/secret",
    "a/up/out-dir/secret",
    "magic/tmp/born",
    "out-dir/../outside/secret",
]


@pytest.mark.parametrize("path", HOSTILE)
@pytest.mark.parametrize("action", ACTIONS)
def test_a_hostile_name_is_refused_before_the_kernel_sees_it(
    world: Path, names: Beneath, action: str, path: str
) -> None:
    before = snapshot(world.parent)
    with pytest.raises(UnsafePathError) as refused:
        ACTIONS[action](names, path)
    assert refused.value.errno in (errno.EINVAL, errno.EILSEQ)
    assert snapshot(world.parent) == before


@pytest.mark.parametrize("path", THROUGH_LINKS)
@pytest.mark.parametrize("action", ACTIONS)
def test_a_planted_link_leads_nowhere(world: Path, names: Beneath, action: str, path: str) -> None:
    before = snapshot(world.parent)
    with pytest.raises(OSError):
        ACTIONS[action](names, path)
    assert snapshot(world.parent) == before


@pytest.mark.parametrize("path", ["out-file", "dangling", "out-dir"])
def test_a_link_as_last_component_is_never_followed(world: Path, names: Beneath, path: str) -> None:
    before = snapshot(world.parent / "outside")
    for action in ("open", "write", "create"):
        with pytest.raises(OSError) as refused:
            ACTIONS[action](names, path)
        assert refused.value.errno in (errno.ELOOP, errno.ENOTDIR)
    names.rename(path, "a/moved")
    names.unlink("a/moved")
    assert not (world / path).is_symlink()
    assert snapshot(world.parent / "outside") == before


def test_a_link_renamed_over_an_existing_directory_s_cached_parent_is_not_used(
    world: Path, names: Beneath
) -> None:
    """a/b is cached as a parent; then this process takes it away and a link stands there."""
    os.close(names.open("a/b/first", os.O_CREAT | os.O_WRONLY))
    names.rename("a/b", "a/elsewhere")
    names.rename("out-dir", "a/b")
    before = snapshot(world.parent / "outside")
    with pytest.raises(OSError):
        names.open("a/b/born", os.O_CREAT | os.O_WRONLY)
    assert snapshot(world.parent / "outside") == before


def test_ordinary_names_work_and_reach_the_right_files(world: Path, names: Beneath) -> None:
    os.close(names.open("a/b/new", os.O_CREAT | os.O_EXCL | os.O_WRONLY))
    names.mkdir("a/b/ünï :stream")
    names.rename("a/b/new", "a/b/ünï :stream/x")
    names.link("a/b/ünï :stream/x", "y")
    assert names.stat("y").st_nlink == 2
    assert (world / "a/b/ünï :stream/x").exists()
    names.unlink("y")
    names.unlink("a/b/ünï :stream/x")
    names.rmdir("a/b/ünï :stream")
    assert sorted(path.name for path in (world / "a").iterdir()) == ["b", "plain", "up"]
    root = names.open("", os.O_RDONLY | os.O_DIRECTORY)
    assert os.fstat(root).st_ino == world.stat().st_ino
    os.close(root)
    assert names.stat("").st_ino == world.stat().st_ino


def test_rename_can_keep_the_target(world: Path, names: Beneath, monkeypatch: pytest.MonkeyPatch) -> None:
    (world / "other").write_text("stays")
    for renameat2 in (renaming._renameat2, None):
        monkeypatch.setattr(renaming, "_renameat2", renameat2)
        with pytest.raises(FileExistsError):
            names.rename("a/plain", "other", replace=False)
        assert (world / "other").read_text() == "stays"
        names.rename("other", "free", replace=False)
        names.rename("free", "other", replace=False)
    names.rename("a/plain", "other")
    assert (world / "other").read_text() == "mine"
    for path in [("", "x"), ("a", "")]:
        with pytest.raises(OSError):
            names.rename(*path)


def test_a_directory_replaced_by_another_process_is_found_again(world: Path, names: Beneath) -> None:
    assert names.stat("a/b").st_mode
    os.close(names.open("a/b/x", os.O_CREAT | os.O_WRONLY))
    (world / "a/b/x").unlink()
    (world / "a/b").rmdir()
    (world / "a/b").mkdir()
    os.close(names.open("a/b/x", os.O_CREAT | os.O_WRONLY))
    assert (world / "a/b/x").exists()
    # Moved away and made anew: the moved one still answers, a name that it lacks shows the truth.
    (world / "a/b").rename(world / "a/old")
    (world / "a/b").mkdir()
    (world / "a/b/y").touch()
    assert names.stat("a/b/y")
    assert names.stat("a/old/x")
    with pytest.raises(FileNotFoundError):
        names.stat("a/b/x")


def test_parents_are_bounded_and_their_descriptors_are_closed(world: Path) -> None:
    open_before = open_descriptors()
    names = Beneath(world, directories=4)
    for number in range(20):
        names.mkdir(f"a/b/{number}")
        os.close(names.open(f"a/b/{number}/f", os.O_CREAT | os.O_WRONLY))
        assert names.stat("a/b")  # keeps a in use
    assert len(names._parents) == 4
    assert "a" in names._parents
    assert open_descriptors() == open_before + 5
    names.close()
    del names
    assert open_descriptors() == open_before


def test_threads_may_share_it_while_parents_come_and_go(world: Path) -> None:
    names = Beneath(world, directories=2)
    for number in range(6):
        (world / f"d{number}").mkdir()
        (world / f"d{number}" / "who").write_text(str(number))
    wrong: list[object] = []

    def read(first: int) -> None:
        for turn in range(400):
            number = (first + turn) % 6
            try:
                fd = names.open(f"d{number}/who", os.O_RDONLY)
                if os.read(fd, 9) != str(number).encode():
                    wrong.append(number)
                os.close(fd)
                if turn % 50 == 0:
                    names.forget(f"d{number}")
            except OSError as error:
                wrong.append(error)

    threads = [threading.Thread(target=read, args=(first,)) for first in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


@pytest.mark.parametrize(("numbers", "works"), [([errno.EAGAIN] * 3, True), ([errno.EAGAIN] * 1000, False)])
def test_a_race_in_the_kernel_s_walk_is_retried_but_not_for_ever(
    world: Path, monkeypatch: pytest.MonkeyPatch, numbers: list[int], works: bool
) -> None:
    names = Beneath(world, openat2=True)
    real = module._openat2
    left = iter(numbers)

    def racing(fd: int, path: str, resolve: int) -> int:
        number = next(left, None)
        if number is None:
            return real(fd, path, resolve)
        ctypes.set_errno(number)
        return -1

    monkeypatch.setattr(module, "_openat2", racing)
    if works:
        assert names.stat("a/plain").st_size == 4
    else:
        with pytest.raises(BlockingIOError):
            names.stat("a/plain")


@pytest.mark.parametrize("number", [errno.ENOSYS, errno.EPERM])
def test_a_kernel_or_container_without_openat2_takes_the_other_way(
    world: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def refused(fd: int, path: str, resolve: int) -> int:
        ctypes.set_errno(number)
        return -1

    monkeypatch.setattr(module, "_openat2", refused)
    names = Beneath(world)
    assert not names.uses_openat2
    assert names.stat("a/plain").st_size == 4


def test_a_root_that_is_no_directory_is_refused(world: Path) -> None:
    with pytest.raises(NotADirectoryError):
        Beneath(world / "a/plain")
    with pytest.raises(FileNotFoundError):
        Beneath(world / "nowhere")


@given(st.text(max_size=30))
def test_split_gives_back_what_joins_to_the_path_or_refuses(path: str) -> None:
    try:
        components = split(path)
    except UnsafePathError:
        return
    assert "/".join(components) == path
    assert all(part not in ("", ".", "..") and "/" not in part and "\0" not in part for part in components)


@pytest.mark.parametrize("openat2", [True, False])
def test_what_is_pinned_has_its_name_still(world: Path, openat2: bool) -> None:
    names = Beneath(world, openat2=openat2 and None)
    names.pin("a/plain")
    assert names.pinned("a/b") is None
    held = names.pinned("a/plain")
    assert held is not None
    assert Path(f"/proc/self/fd/{held.fd}").stat().st_ino == (world / "a/plain").stat().st_ino
    (world / "a/plain").unlink()
    (world / "a/plain").write_text("another")
    assert names.pinned("a/plain") is None
    names.pin("a/plain")
    (world / "a/plain").rename(world / "a/moved")
    assert names.pinned("a/plain") is None
    names.close()


@pytest.mark.parametrize("openat2", [True, False])
def test_a_parent_resolves_from_the_nearest_that_is_known(world: Path, openat2: bool) -> None:
    (world / "a/b/c/d").mkdir(parents=True)
    names = Beneath(world, openat2=openat2 and None)
    assert names.stat("a/b/c").st_mode
    assert names.stat("a/b/c/d/../d".replace("/../d", "")).st_mode
    # The nearest known parent is another's now: the path from the root counts.
    (world / "a/b").rename(world / "a/elsewhere")
    (world / "a/b/c/e").mkdir(parents=True)
    (world / "a/b/c/e/f").write_text("x")
    assert names.stat("a/b/c/e/f").st_size == 1
    names.close()


def test_a_root_that_only_a_link_leads_to_is_refused(world: Path) -> None:
    outside = world.parent / "outside"
    (world.parent / "linked").symlink_to(world)
    for root in (
        world / "out-dir",
        world.parent / "linked",
        world.parent / "linked" / "a",
        world / "a" / "up",
    ):
        with pytest.raises(OSError) as refused:
            Beneath(root)
        assert refused.value.errno in (errno.ELOOP, errno.ENOTDIR)
    assert Beneath(outside).stat("secret").st_size == 9


def test_a_root_that_only_a_link_leads_to_is_refused_without_openat2(
    world: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lacking(fd: int, path: str, resolve: int) -> int:
        ctypes.set_errno(errno.ENOSYS)
        return -1

    monkeypatch.setattr(module, "_openat2", lacking)
    test_a_root_that_only_a_link_leads_to_is_refused(world)
    monkeypatch.chdir(world.parent)
    assert Beneath("target").stat("a/plain").st_size == 4


@pytest.mark.parametrize("openat2", [True, False])
def test_a_directory_beneath_becomes_a_root_by_no_link(world: Path, openat2: bool) -> None:
    names = Beneath(world, openat2=openat2)
    inside = names.inside("a")
    assert inside.stat("plain").st_size == 4
    for path in ("b/../..", "../outside", "up/../outside"):
        with pytest.raises(OSError):
            inside.stat(path)
    for path in ("out-dir", "relative-out", "magic", "a/up"):
        with pytest.raises(OSError) as refused:
            names.inside(path)
        assert refused.value.errno in (errno.ELOOP, errno.ENOTDIR)
    (world / "a").rename(world / "b")
    (world / "a").symlink_to(world.parent / "outside")
    assert inside.stat("plain").st_size == 4, "what was opened stays what it was"


@pytest.mark.parametrize("openat2", [True, False])
def test_for_itself_this_program_follows_no_link_at_all(world: Path, openat2: bool) -> None:
    (world / "within").symlink_to("a")
    names = Beneath(world, captured=False, openat2=openat2)
    assert names.stat("a/plain").st_size == 4
    with pytest.raises(OSError) as refused:
        names.stat("within/plain")
    assert refused.value.errno in (errno.ELOOP, errno.ENOTDIR)
