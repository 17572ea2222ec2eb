"""Notifications of the posix executor: by inotify on a directory, by an ioctl in another process on CIFS.

The ioctl is told by a function that waits for one change, as the kernel's does, and writes down what it did.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

if sys.platform != "linux":
    pytest.skip("posix runs on Linux only", allow_module_level=True)

from smbench.executors.base import NOBODY, Armed, ExecutorContext
from smbench.executors.posix import ioctl_watch, linux_calls
from smbench.executors.posix.executor import PosixExecutor
from smbench.executors.posix.inotify import InotifyWatch
from smbench.smb2.constants import (
    DIRECTORY_FILE,
    FILE_READ_ATTRIBUTES,
    FILE_READ_DATA,
    NOTIFY_CHANGE_DIR_NAME,
    NOTIFY_CHANGE_FILE_NAME,
    NOTIFY_CHANGE_LAST_ACCESS,
    NOTIFY_CHANGE_LAST_WRITE,
)
from smbench.smb2.ntstatus import Status, outcome_of
from smbench.workload.calls import Call, Close, Create, Notify, Open

CANCELLED = outcome_of(Status.CANCELLED)
NAMES = NOTIFY_CHANGE_FILE_NAME | NOTIFY_CHANGE_DIR_NAME
MOST_S = 20


class World:
    """An executor with a directory `d`, open as handle 1, and threads to wait in."""

    def __init__(self, root: Path) -> None:
        self.directory = root / "d"
        self.directory.mkdir()
        self.made = PosixExecutor(ExecutorContext(root, 0, "wire", 1 << 16))
        self._handlers = self.made.handlers()
        self._pool = ThreadPoolExecutor(8)
        access = FILE_READ_DATA | FILE_READ_ATTRIBUTES
        assert self(Open(1, "d", Create(access, options=DIRECTORY_FILE), directory=True)) == 0

    def __call__(self, call: Call) -> int:
        return self._handlers[type(call)](call)

    def notify(self, completion_filter: int = NAMES, followed: bool = False) -> Future[int]:
        """Ask for a change; comes back when that is armed."""
        armed = threading.Event()
        handler = self.made.notifier(Armed(armed.set, lambda: True, lambda: followed))
        asked = self._pool.submit(handler, Notify(1, completion_filter, watch_tree=False))
        asked.add_done_callback(lambda _: armed.set())
        assert armed.wait(MOST_S)
        return asked

    def touches(self, name: str) -> None:
        (self.directory / name).touch()

    def end(self) -> None:
        self.made.close()
        self._pool.shutdown()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.end()


class Cifs(World):
    """The same where the root is taken for a CIFS mount; `asked`: how often the ioctl was called."""

    def __init__(self, root: Path, patch: pytest.MonkeyPatch) -> None:
        self._asked, sent = root / "asked", root / "DebugData"
        self._asked.touch()
        sent.touch()

        def one_change(fd: int, completion_filter: int, watch_tree: bool) -> None:
            watch = InotifyWatch(fd, completion_filter)
            with self._asked.open("a") as file:
                file.write("once\n")
            sent.write_text(f"\tState: 2 com: 15 pid: {os.getpid()} cbdata: 0 mid 1\n")
            watch.wait(completion_filter, watch_tree, NOBODY)
            sent.write_text("")

        patch.setattr(linux_calls, "is_cifs", lambda _: True)
        patch.setattr(linux_calls, "notify", one_change)
        patch.setattr(ioctl_watch, "_DEBUG_DATA", sent)
        super().__init__(root)

    def asked(self) -> int:
        return len(self._asked.read_text().splitlines())

    def await_asked(self, times: int) -> None:
        until(lambda: self.asked() == times)


@pytest.fixture
def cifs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cifs]:
    made = Cifs(tmp_path, monkeypatch)
    yield made
    made.end()


def until(condition: Callable[[], bool]) -> None:
    give_up = time.monotonic() + MOST_S
    while not condition():
        assert time.monotonic() < give_up
        time.sleep(0.002)


def still_waits(asked: Future[int], world: World, waiting: int = 1) -> bool:
    return world.made.waiting() == waiting and not asked.done()


@pytest.fixture(params=["world", "cifs"])
def either(request: pytest.FixtureRequest) -> World:
    found: World = request.getfixturevalue(request.param)
    return found


def test_a_change_that_came_before_its_request_answers_it(world: World) -> None:
    first = world.notify()
    world.touches("one")
    assert first.result(MOST_S) == 0
    world.touches("two")
    assert world.notify().result(MOST_S) == 0


def test_nothing_is_kept_before_the_first_notification(world: World) -> None:
    world.touches("before")
    first = world.notify()
    assert still_waits(first, world)
    world.touches("after")
    assert first.result(MOST_S) == 0


def test_all_that_was_kept_goes_into_one_answer(world: World) -> None:
    first = world.notify()
    world.touches("one")
    assert first.result(MOST_S) == 0
    for name in ("two", "three", "four"):
        world.touches(name)
    assert world.notify().result(MOST_S) == 0
    third = world.notify()
    assert still_waits(third, world)
    assert world(Close(1)) == 0
    assert third.result(MOST_S) == CANCELLED


def test_a_change_answers_one_of_those_that_wait_the_first_first(either: World) -> None:
    first = either.notify()
    second = either.notify()
    either.touches("one")
    assert first.result(MOST_S) == 0
    assert still_waits(second, either)
    if isinstance(either, Cifs):
        either.await_asked(2)
    either.touches("two")
    assert second.result(MOST_S) == 0
    assert either.made.waiting() == 0


def test_a_renaming_is_one_change(world: World) -> None:
    first = world.notify()
    world.touches("one")
    assert first.result(MOST_S) == 0
    second = world.notify()
    (world.directory / "one").rename(world.directory / "two")
    assert second.result(MOST_S) == 0
    assert still_waits(world.notify(), world)


@pytest.mark.parametrize(
    ("asked_for", "does"),
    [
        (NOTIFY_CHANGE_LAST_WRITE, lambda directory: (directory / "new").touch()),
        (NOTIFY_CHANGE_FILE_NAME, lambda directory: (directory / "new").mkdir()),
        (NOTIFY_CHANGE_DIR_NAME, lambda directory: (directory / "new").touch()),
        (NAMES, lambda directory: (directory / "there").write_bytes(b"x")),
        (NAMES, lambda directory: (directory / "there").chmod(0o600)),
        (NOTIFY_CHANGE_LAST_ACCESS, lambda directory: list(directory.iterdir())),
        (0x4, lambda directory: directory.chmod(0o700)),
    ],
)
def test_what_the_filter_does_not_ask_for_is_not_seen(
    world: World, asked_for: int, does: Callable[[Path], object]
) -> None:
    world.touches("there")
    first = world.notify(asked_for)
    does(world.directory)
    assert still_waits(first, world)
    world.made.interrupt()
    assert first.result(MOST_S) == CANCELLED


@pytest.mark.parametrize("how", ["close", "interrupt", "end"])
def test_whoever_waits_is_ended(either: World, how: str) -> None:
    asked = [either.notify(), either.notify()]
    assert either.made.waiting() == 2
    if how == "close":
        assert either(Close(1)) == 0
    elif how == "interrupt":
        either.made.interrupt()
    else:
        either.made.close()
    assert [one.result(MOST_S) for one in asked] == [CANCELLED] * 2
    assert either.made.waiting() == 0


def test_after_an_interrupt_the_watch_goes_on(either: World) -> None:
    first = either.notify()
    either.made.interrupt()
    assert first.result(MOST_S) == CANCELLED
    second = either.notify()
    either.touches("one")
    assert second.result(MOST_S) == 0


def test_a_closed_directory_has_no_notifications(either: World) -> None:
    assert either(Close(1)) == 0
    assert either(Notify(1, NAMES, watch_tree=False)) < 0


def test_on_cifs_each_notification_is_one_ioctl(cifs: Cifs) -> None:
    for number in range(3):
        asked = cifs.notify()
        cifs.await_asked(number + 1)
        cifs.touches(f"f{number}")
        assert asked.result(MOST_S) == 0
    assert cifs(Close(1)) == 0
    assert cifs.asked() == 3


@pytest.mark.parametrize("followed", [True, False])
def test_on_cifs_what_comes_between_two_is_found_where_two_are_expected(cifs: Cifs, followed: bool) -> None:
    cifs.made.expect_notifications({1: 2}, 1)
    first = cifs.notify(followed=followed)
    cifs.touches("one")
    assert first.result(MOST_S) == 0
    if not followed:
        cifs.await_asked(2)  # ahead of its request
    cifs.touches("two")
    assert cifs.notify().result(MOST_S) == 0
    assert cifs(Close(1)) == 0
    assert cifs.asked() == 2


def test_no_process_is_left(cifs: Cifs) -> None:
    cifs.made.expect_notifications({1: 1}, 3)
    cifs.notify()
    mine = cifs.made._watches._waiters._mother
    children = Path(f"/proc/{mine}/task/{mine}/children")
    until(lambda: len(children.read_text().split()) == 4)
    born = [int(one) for one in children.read_text().split()]
    cifs.made.close()
    until(lambda: not any(Path(f"/proc/{one}/root").exists() for one in born))
    assert not Path(f"/proc/{mine}").exists()
