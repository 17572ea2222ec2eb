"""The posix executor on the kernel's client: what is asked for, and by which call, told by a recorder."""

from __future__ import annotations

import ctypes
import os
import sys
import threading
import time
from collections.abc import Callable
from errno import EACCES, EIO, ENOENT, ENOTTY, EOPNOTSUPP
from pathlib import Path
from typing import Any

import pytest

if sys.platform != "linux":
    pytest.skip("posix runs on Linux only", allow_module_level=True)

from smbench.executors.base import NOBODY, ExecutorContext, Habits
from smbench.executors.posix import linux_calls
from smbench.executors.posix.executor import PosixExecutor
from smbench.executors.posix.inotify import InotifyWatch
from smbench.paths.beneath import Beneath
from smbench.smb2.ntstatus import Status, outcome_of
from smbench.workload.calls import (
    Call,
    Close,
    Control,
    Create,
    Link,
    List,
    Lock,
    Notify,
    Open,
    PunchHole,
    Rename,
    SetDelete,
    Stat,
    StatFs,
    StatHandle,
    Truncate,
    Unlink,
    Unlock,
)

CANCELLED = outcome_of(Status.CANCELLED)
NAMES = 0x3
Asked = list[tuple[object, ...]]


class Client:
    """An executor that takes its root for a CIFS mount; `asked` is what the client was asked, in order."""

    def __init__(self, root: Path, profile: str, asked: Asked, **context: Any) -> None:
        self.made = PosixExecutor(ExecutorContext(root, 0, profile, 1 << 16, **context))
        self.asked = asked
        self._handlers = self.made.handlers()

    def __call__(self, call: Call) -> int:
        self.asked.clear()
        return self._handlers[type(call)](call)


def one_change(fd: int, completion_filter: int, watch_tree: bool) -> None:
    """As the client's ioctl: only a kill ends it before something changes."""
    InotifyWatch(fd, completion_filter).wait(completion_filter, watch_tree, NOBODY)


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Client]:
    asked: Asked = []

    def named(fd: int) -> str:
        return str(Path(f"/proc/self/fd/{fd}").readlink()).removeprefix(f"{tmp_path}").lstrip("/")

    def recorded(word: str, real: Callable[..., None]) -> Callable[..., None]:
        def call(fd: int, *rest: object) -> None:
            asked.append((word, named(fd), *rest))
            real(fd, *rest)

        return call

    monkeypatch.setattr(linux_calls, "is_cifs", lambda _: True)
    monkeypatch.setattr(linux_calls, "notify", one_change)
    monkeypatch.setattr(linux_calls, "query_info", recorded("class", lambda *_: None))
    for name in ("fstatx_forced", "statx_forced"):
        monkeypatch.setattr(linux_calls, name, recorded("stat", getattr(linux_calls, name)))
    real_rename = os.rename

    def rename(one: str, other: str, **fds: int) -> None:
        asked.append(("rename", one))
        real_rename(one, other, **fds)

    monkeypatch.setattr(os, "rename", rename)
    real_stat = Beneath.stat

    def look(names: Beneath, path: str) -> os.stat_result:
        asked.append(("look", path))
        return real_stat(names, path)

    monkeypatch.setattr(Beneath, "stat", look)
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "f").touch()
    return lambda profile="wire", **context: Client(tmp_path, profile, asked, **context)


def directory(handle: int, path: str) -> Open:
    return Open(handle, path, Create(0x100081, 7, 1, 0x1, 0), directory=True)


def file(handle: int, path: str) -> Open:
    return Open(handle, path, Create(0xC0000000, 7, 1, 0x40, 0))


@pytest.mark.parametrize(
    ("path", "levels", "asked"),
    [
        ("d/f", (18,), [("look", "d/f")]),
        ("d/f", (), [("look", "d/f")]),
        ("d/f", (22,), [("class", "d/f", 1, 22, 0, 0)]),
        ("d/f", (5, 18), [("class", "d/f", 1, 5, 0, 0), ("stat", "d/f")]),
        ("d", (5, 22), [("class", "d", 1, 5, 0, 0), ("class", "d", 1, 22, 0, 0)]),
        ("", (34,), [("class", "", 1, 34, 0, 0)]),
    ],
)
def test_a_stat_asks_for_the_classes_that_the_capture_asked_for(
    client: Callable[..., Client], path: str, levels: tuple[int, ...], asked: Asked
) -> None:
    run = client()
    assert run(Stat(path, levels)) == 0
    assert run.asked == asked


def test_a_stat_of_an_open_file_is_an_open_of_its_own_as_it_was(client: Callable[..., Client]) -> None:
    run = client()
    assert run(file(1, "d/f")) == 0
    assert run(Stat("d/f")) == 0
    assert run.asked == [("class", "d/f", 1, 18, 0, 0)]
    assert (run(Close(1)), run(Stat("d/f")), run.asked[0][0]) == (0, 0, "stat")


def test_an_application_stats_as_ever(client: Callable[..., Client]) -> None:
    run = client("application")
    assert (run(Stat("d/f", (22,))), run.asked) == (0, [("look", "d/f")])


def test_a_stat_that_may_not_open_the_file_asks_without_an_open(
    client: Callable[..., Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = client()

    def refuse(path: str, flags: int) -> int:
        raise PermissionError(13, "no", path)

    monkeypatch.setattr(run.made._files, "open_by_name", refuse)
    assert (run(Stat("d/f", (22,))), run.asked) == (0, [("look", "d/f")])


def test_questions_about_handles_keep_class_parts_and_length(client: Callable[..., Client]) -> None:
    run = client()
    assert (run(file(1, "d/f")), run(directory(2, "d"))) == (0, 0)
    assert (run(StatHandle(1, 1, 5, 24)), run.asked) == (0, [("class", "d/f", 1, 5, 0, 24)])
    assert (run(StatHandle(1, 1, 18)), run.asked) == (0, [("stat", "d/f")])
    assert (run(StatFs(2, 3, 32)), run.asked) == (0, [("class", "d", 2, 3, 0, 32)])
    assert run(List(2, "*", 37, restart=True)) == 1
    first = run.made._files[2].fd
    assert (run(StatFs(2, 5)), run.asked) == (0, [("class", "d", 2, 5, 0, 0)])
    assert run.made._files[2].fd == first, "the ioctl refuses a directory that was read: it had another"


def test_what_the_server_refuses_is_the_outcome_and_is_not_asked_again(
    client: Callable[..., Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = client()
    assert run(file(1, "d/f")) == 0

    def fail(number: int) -> Callable[..., None]:
        def call(*_: object) -> None:
            raise OSError(number, "no")

        return call

    monkeypatch.setattr(linux_calls, "query_info", fail(EIO))
    assert (run(StatHandle(1, 1, 77)), run.asked) == (-EIO, [])
    monkeypatch.setattr(linux_calls, "query_info", fail(ENOTTY))
    assert (run(StatHandle(1, 1, 5)), run.asked) == (0, [("stat", "d/f")])


def test_a_directory_that_is_only_opened_and_closed_is_asked_for_once(client: Callable[..., Client]) -> None:
    run = client()
    assert (run(directory(1, "d")), run.asked) == (0, [])
    assert (run(Close(1)), run.asked) == (0, [("stat", "d")])
    assert (run(directory(2, "d")), run(List(2, "*", 37, restart=True))) == (0, 1)
    assert (run(Close(2)), run.asked) == (0, [])
    assert (run(file(3, "d/f")), run(Close(3)), run.asked) == (0, 0, [])


def test_a_directory_that_the_capture_did_not_tell_for_one_is_found_to_be_one(
    client: Callable[..., Client],
) -> None:
    run = client()
    assert run(Open(1, "d", Create(0x100081, 7, 1, 0x20, 0))) == 0
    assert (run(Close(1)), run.asked) == (0, [("stat", "d")])
    assert run(Open(2, "d/f", Create(0x80000080, 7, 1, 0, 0))) == 0
    assert (run(Close(2)), run.asked) == (0, [])


LOOK, ASK = "look", "stat"


def test_a_name_that_was_linked_is_found_anew(client: Callable[..., Client]) -> None:
    """As an editor looks at the backup of its last save, and git at an object that it has just written."""
    run = client()
    assert run(Stat("d/backup")) == -ENOENT
    assert (run(file(1, "d/f")), run(Link(1, "d/f", "d/backup", False))) == (0, 0)
    assert (run(Stat("d/backup")), run.asked) == (0, [(LOOK, "d/backup")])
    assert (run(Stat("d/backup")), run.asked[0][0]) == (0, ASK)


def test_a_name_is_asked_for_once_whether_the_client_knows_it_or_not(
    client: Callable[..., Client], tmp_path: Path
) -> None:
    """Made by another client: finding it asks. Known by a listing, or by what this one did: the client must
    be told to ask. What is kept open to look through is let go first."""
    run = client()

    def looked(path: str) -> list[object]:
        run.made._names.unpin(path)
        assert run(Stat(path)) == 0
        return [asked[0] for asked in run.asked]

    for name in ("new", "listed", "known/x", "opened"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert looked("new") == [LOOK]
    assert looked("new") == [ASK]
    assert (run(directory(1, "")), run(List(1, "*", 37, restart=True))) == (0, 5)
    assert looked("listed") == [ASK]
    assert looked("known/x") == [LOOK]
    assert run(directory(2, "known")) == 0
    assert run(Rename(2, "known", "moved", True)) == 0
    assert looked("moved/x") == [ASK]
    (tmp_path / "known").mkdir()
    (tmp_path / "known" / "x").touch()
    assert looked("known/x") == [LOOK]
    (tmp_path / "new").unlink()
    run.made._names.unpin("new")
    assert run(Stat("new")) == -ENOENT
    run.made._lookups._missing.clear()
    (tmp_path / "new").touch()
    assert looked("new") == [LOOK]
    assert (run(Unlink("listed")), run(file(3, "opened")), run(SetDelete(3, "opened", True))) == (0, 0, 0)
    assert run(Close(3)) == 0
    for name in ("listed", "opened"):
        (tmp_path / name).touch()
        assert looked(name) == [LOOK]


def test_what_was_looked_at_before_the_run_is_known(client: Callable[..., Client]) -> None:
    run = client()
    run.made.warm(["d", "d/f"])
    run.made._names.unpin("d/f")
    assert (run(Stat("d/f")), run.asked) == (0, [("stat", "d", "f")])


def test_a_search_for_one_name_reads_the_directory_up_to_it(client: Callable[..., Client]) -> None:
    run = client()
    assert run(directory(1, "d")) == 0
    assert (run(List(1, "F", 37, restart=True)), run.asked) == (1, [])
    assert (run(List(1, "g", 37, restart=True)), run.asked) == (-ENOENT, [])
    assert run(List(1, "*", 37, restart=True)) == 1


def test_a_name_that_the_client_knows_to_be_missing_is_asked_for_all_the_same(
    client: Callable[..., Client], tmp_path: Path
) -> None:
    run = client()
    assert (run(file(1, "d/g")), run.asked) == (-ENOENT, [])
    assert (run(file(2, "d/g")), run.asked) == (-ENOENT, [("rename", "g")])
    assert (run(Unlink("d/g")), run.asked) == (-ENOENT, [("rename", "g")])
    (tmp_path / "d/g").touch()
    assert (run(file(3, "d/g")), run.asked) == (0, [("rename", "g")])
    assert (run(Close(3)), run(Unlink("d/g")), run.asked) == (0, 0, [])


def test_names_that_warming_did_not_find_are_asked_for(client: Callable[..., Client]) -> None:
    run = client()
    run.made.warm(["d", "d/g"])
    assert (run(file(1, "d/g")), run.asked) == (-ENOENT, [("rename", "g")])


@pytest.mark.parametrize("keeps", [False, True])
def test_where_directories_are_kept_names_are_not_learnt_by_listing(
    client: Callable[..., Client], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, keeps: bool
) -> None:
    paths = ["d", *(f"d/{name}" for name in "abc")]
    for path in paths[1:]:
        (tmp_path / path).touch()
    listed: list[int] = []
    real = os.listdir

    def recorded(fd: int) -> list[str]:
        listed.append(fd)
        return real(fd)

    monkeypatch.setattr(os, "listdir", recorded)
    run = client(keeps_directories=keeps)
    run.made.warm(paths)
    assert bool(listed) is not keeps
    assert [("look", path) for path in paths] == [one for one in run.asked if one[0] == "look"]


@pytest.mark.parametrize("hides", [False, True])
def test_a_client_that_hides_what_is_open_finds_nothing_open_when_it_removes(
    client: Callable[..., Client], monkeypatch: pytest.MonkeyPatch, hides: bool
) -> None:
    run = client(habits=Habits(hides_what_is_open=hides))
    run.made.warm(["d", "d/f"])
    pinned: list[bool] = []
    real = Beneath.unlink

    def recorded(names: Beneath, path: str) -> None:
        pinned.append(names.pinned(path) is not None)
        real(names, path)

    monkeypatch.setattr(Beneath, "unlink", recorded)
    assert run(Unlink("d/f")) == 0
    assert pinned == [not hides]


def in_thread(call: Callable[[], int]) -> tuple[threading.Thread, list[int]]:
    ends: list[int] = []
    thread = threading.Thread(target=lambda: ends.append(call()))
    thread.start()
    return thread, ends


def until(condition: Callable[[], bool]) -> None:
    give_up = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < give_up
        time.sleep(0.005)


@pytest.mark.parametrize("how", ["change", "close", "interrupt"])
def test_a_watch_ends_by_a_change_by_its_close_or_by_an_interrupt(
    client: Callable[..., Client], tmp_path: Path, how: str
) -> None:
    run = client()
    assert run(directory(1, "d")) == 0
    handlers = run.made.handlers()
    thread, ends = in_thread(lambda: handlers[Notify](Notify(1, NAMES, watch_tree=False)))
    until(lambda: run.made.waiting() == 1)
    if how == "change":
        number = 0
        while thread.is_alive():  # when the watch has begun cannot be seen from here
            (tmp_path / "d" / f"new{number}").touch()
            number += 1
            thread.join(0.05)
    elif how == "close":
        assert handlers[Close](Close(1)) == 0
    else:
        run.made.interrupt()
    thread.join(60)
    assert ends == [0 if how == "change" else CANCELLED]
    assert run.made.waiting() == 0
    run.made.close()


def test_a_lock_that_nobody_is_left_to_grant_is_ended(client: Callable[..., Client]) -> None:
    run = client()
    handlers = run.made.handlers()
    assert (run(file(1, "d/f")), run(file(2, "D/f".lower())), run(file(3, "d/f"))) == (0, 0, 0)
    assert run(Lock(1, 10, 10, exclusive=True, wait=False)) == 0
    thread, ends = in_thread(lambda: handlers[Lock](Lock(2, 15, 1, exclusive=True, wait=True)))
    until(lambda: run.made.waiting() == 1)
    while thread.is_alive():  # it may not wait in the kernel yet
        run.made.interrupt()
        thread.join(0.01)
    assert ends == [CANCELLED]
    assert run.made.waiting() == 0
    assert run(Lock(3, 15, 1, exclusive=True, wait=False)) == 0, "what was cancelled holds nothing"
    assert run(Unlock(3, 15, 1)) == 0
    assert run(Lock(2, 15, 1, exclusive=True, wait=True)) == 0, "one that is granted at once is no wait"


def test_a_watch_off_cifs_is_inotify_s(tmp_path: Path) -> None:
    made = PosixExecutor(ExecutorContext(tmp_path, 0, "wire", 1 << 16))
    handlers = made.handlers()
    assert handlers[Open](directory(1, "")) == 0
    thread, ends = in_thread(lambda: handlers[Notify](Notify(1, 0x4, watch_tree=True)))
    (tmp_path / "f").touch()
    while thread.is_alive():
        (tmp_path / "f").chmod(0o600)
        thread.join(0.05)
    assert ends == [0]
    made.close()


def test_a_rename_is_tried_without_replacing_first(
    client: Callable[..., Client], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[bool] = []
    real = Beneath.rename

    def rename(names: Beneath, source: str, target: str, *, replace: bool = True) -> None:
        tried.append(replace)
        real(names, source, target, replace=replace)

    monkeypatch.setattr(Beneath, "rename", rename)
    (tmp_path / "d" / "there").touch()
    for profile, to_new in (("wire", [False]), ("application", [True])):
        run = client(profile)
        assert (run(file(1, "d/f")), run(Rename(1, "d/f", "d/new", replace=True)), tried) == (0, 0, to_new)
        tried.clear()
        assert run(Rename(1, "d/new", "d/F", replace=True)) == 0
        assert run(Rename(1, "d/F", "d/f", replace=True)) == 0
        assert tried == [*to_new, True]
        tried.clear()
    run = client()
    assert (run(file(1, "d/f")), run(Rename(1, "d/f", "d/there", replace=True)), tried) == (
        0,
        0,
        [False, True],
    )
    assert not (tmp_path / "d" / "f").exists()


def test_a_rename_that_is_denied_is_so_whatever_its_client_was_told_in_the_end(
    client: Callable[..., Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    def rename(names: Beneath, source: str, target: str, *, replace: bool = True) -> None:
        raise FileNotFoundError(ENOENT, target)

    monkeypatch.setattr(Beneath, "rename", rename)
    run = client()
    assert run(file(1, "d/f")) == 0
    assert run(Rename(1, "d/f", "d/new", replace=True, denied_on_linux=True)) == -EACCES
    assert run(Rename(1, "d/f", "d/new", replace=True)) == -ENOENT


def test_a_size_is_set_as_the_captured_client_set_it(
    client: Callable[..., Client], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One message where it sent one, and with all that ftruncate brings where it sent that."""
    grown: list[int] = []
    real = linux_calls.fallocate

    def fallocate(fd: int, mode: int, offset: int, length: int) -> None:
        grown.append(mode)
        real(fd, mode, offset, length)

    monkeypatch.setattr(linux_calls, "fallocate", fallocate)
    run = client()
    assert run(file(1, "d/f")) == 0
    assert (run(Truncate(1, 5000, True, (-1, -1, 5, 5))), grown) == (0, [])
    assert (run(Truncate(1, 9000)), grown) == (0, [0])
    assert (tmp_path / "d" / "f").stat().st_size == 9000
    grown.clear()
    assert (run(Truncate(1, 12_000, allocated=True)), grown) == (0, [0])
    assert (tmp_path / "d" / "f").stat().st_size == 12_000
    grown.clear()
    assert run(PunchHole(1, 0, 4096, sparse=True)) == 0
    assert grown == [linux_calls.FALLOC_PUNCH_HOLE | linux_calls.FALLOC_KEEP_SIZE]


@pytest.mark.parametrize(
    ("function", "room", "number", "given"),
    [
        (0x144064, 16, 0x800CCF06, bytes(12)),
        (0x144064, 16384, 0x800CCF06, b"\1" + bytes(11)),
        (0x9C280, 0, 0xCF04, b""),
        (0x9C040, 0, 0x40086602, b"\4" + bytes(7)),
    ],
)
def test_control_codes_go_by_the_clients_ioctls(
    client: Callable[..., Client],
    monkeypatch: pytest.MonkeyPatch,
    function: int,
    room: int,
    number: int,
    given: bytes,
) -> None:
    sent: list[tuple[int, bytes]] = []

    def ioctl(_: int, asked: int, argument: ctypes.Array[ctypes.c_char]) -> int:
        sent.append((asked, argument.raw[: len(given)]))
        return 0

    monkeypatch.setattr(linux_calls, "_ioctl", ioctl)
    run = client()
    assert (run(file(1, "d/f")), run(Control(1, function, room))) == (0, 0)
    assert sent == [(number, given)]
    assert run(Control(1, 0x90027)) == -EOPNOTSUPP
