"""The oracle where stories do not reach: preparation, waiting locks, answers that do not fit."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from smbench.executors.base import ExecutorContext
from smbench.executors.memory.executor import MemoryExecutor, MemoryServer
from smbench.smb2.ntstatus import Status, outcome_of
from smbench.workload.calls import (
    Close,
    Create,
    List,
    Lock,
    Notify,
    Open,
    Read,
    Stat,
    StatFs,
    StatHandle,
    Unlock,
)
from smbench.workload.model import Kind, NamespaceEntry

ROOT = Path("memory root")
DENIED = outcome_of(Status.ACCESS_DENIED)


@pytest.fixture
def server() -> Iterator[MemoryServer]:
    yield MemoryServer.at(ROOT)
    MemoryServer.forget(ROOT)


def user(number: int = 0) -> Callable[[object], int]:
    executor = MemoryExecutor(ExecutorContext(ROOT, number))
    handlers = executor.handlers()
    run = lambda call: handlers[type(call)](call)  # noqa: E731
    run.executor = executor  # type: ignore[attr-defined]
    return run


def until_waiting(executor: MemoryExecutor) -> None:
    give_up = time.monotonic() + 60
    while not executor.waiting():
        assert time.monotonic() < give_up
        time.sleep(0.005)


def opened(run: Callable[[object], int], handle: int, path: str, access: int = 0xC0000000) -> None:
    assert run(Open(handle, path, Create(access, 7, 1, 0, 0))) == 0


def test_users_of_one_root_share_a_server_and_another_root_has_its_own(server: MemoryServer) -> None:
    server.prepare([NamespaceEntry("f", Kind.FILE, size=9)])
    assert user(0)(Stat("f")) == user(1)(Stat("F")) == 0
    other = MemoryExecutor(ExecutorContext(Path("elsewhere"), 0))
    assert other.handlers()[Stat](Stat("f")) == outcome_of(Status.OBJECT_NAME_NOT_FOUND)
    MemoryServer.forget(Path("elsewhere"))


def test_preparation_makes_parents_streams_sizes_and_attributes_but_not_what_must_be_absent(
    server: MemoryServer,
) -> None:
    server.prepare(
        [
            NamespaceEntry("a/b/f", Kind.FILE, size=9, attributes=0x21),
            NamespaceEntry("a/b/f:s", Kind.STREAM, size=4),
            NamespaceEntry("a/gone", Kind.FILE, present=False),
            NamespaceEntry("a/d", Kind.DIRECTORY, attributes=0x12),
            NamespaceEntry("", Kind.DIRECTORY),
        ]
    )
    run = user()
    opened(run, 1, "a/b/f", 0x80000000)
    opened(run, 2, "a/b/f:s", 0x80000000)
    assert (run(Read(1, 0, 100)), run(Read(2, 0, 100))) == (9, 4)
    assert run(Open(3, "a/b/f", Create(0x40000000, 7, 1, 0, 0))) == DENIED
    assert run(Stat("a/gone")) == outcome_of(Status.OBJECT_NAME_NOT_FOUND)
    opened(run, 4, "a/d")
    assert run(List(4, "*", 37, restart=True)) == 0


def test_a_listing_is_cut_to_the_caller_s_buffer(server: MemoryServer) -> None:
    server.prepare([NamespaceEntry(f"d/file-{number:03}", Kind.FILE) for number in range(100)])
    run = user()
    opened(run, 1, "d")
    counts = [run(List(1, "*", 37, restart=not turn, output_length=4096)) for turn in range(5)]
    # An entry of class 37: 104 bytes and 2 a character, on a multiple of 8.
    assert counts[-1] == outcome_of(Status.NO_MORE_FILES)
    assert sum(count for count in counts if count > 0) == 100
    assert counts[0] == 32, "and the directory itself and its parent"
    assert run(List(1, "*", 37, restart=True, output_length=4096, calls=9)) == 100
    assert run(List(1, "*", 37, restart=True, output_length=20)) == outcome_of(Status.INFO_LENGTH_MISMATCH)
    assert run(List(1, "*", 99, restart=True)) == outcome_of(Status.INVALID_INFO_CLASS)


@pytest.mark.parametrize(
    ("info_type", "level", "length", "status"),
    [
        (1, 5, 24, Status.SUCCESS),
        (1, 5, 23, Status.INFO_LENGTH_MISMATCH),
        (1, 18, 4096, Status.SUCCESS),
        (1, 18, 100, Status.BUFFER_OVERFLOW),
        (1, 18, 0, Status.SUCCESS),
        (1, 200, 4096, Status.INVALID_INFO_CLASS),
        (3, 0, 100, Status.SUCCESS),
        (9, 0, 100, Status.INVALID_PARAMETER),
    ],
)
def test_information_classes(
    server: MemoryServer, info_type: int, level: int, length: int, status: Status
) -> None:
    server.prepare([NamespaceEntry("file", Kind.FILE)])
    run = user()
    opened(run, 1, "file")
    assert run(StatHandle(1, info_type, level, length)) == outcome_of(status)
    assert run(StatFs(1, 7)) == 0
    assert run(StatFs(1, 99)) == outcome_of(Status.INVALID_INFO_CLASS)
    assert run(StatFs(2, 7)) == outcome_of(Status.FILE_CLOSED)


@pytest.mark.parametrize("freed_by", [Unlock(1, 0, 10), Close(1)])
def test_a_waiting_lock_is_granted_when_the_range_is_free(server: MemoryServer, freed_by: object) -> None:
    server.prepare([NamespaceEntry("f", Kind.FILE, size=9)])
    holder, waiter = user(0), user(1)
    opened(holder, 1, "f")
    opened(waiter, 1, "f")
    assert holder(Lock(1, 0, 10, exclusive=True, wait=False)) == 0
    outcomes: list[int] = []
    thread = threading.Thread(
        target=lambda: outcomes.append(waiter(Lock(1, 5, 10, exclusive=True, wait=True)))
    )
    thread.start()
    until_waiting(waiter.executor)  # type: ignore[attr-defined]
    assert outcomes == []
    assert waiter(Stat("f")) == 0  # the server serves others meanwhile
    assert holder(freed_by) == 0
    thread.join(60)
    assert outcomes == [0]


@pytest.mark.parametrize("end", [MemoryExecutor.close, MemoryExecutor.interrupt])
def test_a_waiting_lock_is_cancelled_when_its_executor_is_closed_or_interrupted(
    server: MemoryServer, end: Callable[[MemoryExecutor], None]
) -> None:
    server.prepare([NamespaceEntry("f", Kind.FILE, size=9)])
    holder, waiter = user(0), user(1)
    opened(holder, 1, "f")
    opened(waiter, 1, "f")
    assert holder(Lock(1, 0, 10, exclusive=True, wait=False)) == 0
    outcomes: list[int] = []
    thread = threading.Thread(
        target=lambda: outcomes.append(waiter(Lock(1, 5, 10, exclusive=True, wait=True)))
    )
    thread.start()
    until_waiting(waiter.executor)  # type: ignore[attr-defined]
    end(waiter.executor)  # type: ignore[attr-defined]
    thread.join(60)
    assert outcomes == [outcome_of(Status.CANCELLED)]
    assert waiter.executor.waiting() == 0  # type: ignore[attr-defined]


def test_an_interrupt_ends_the_waits_of_its_time_alone(server: MemoryServer) -> None:
    server.prepare([NamespaceEntry("f", Kind.FILE, size=9)])
    run = user()
    opened(run, 1, "f")
    run.executor.interrupt()  # type: ignore[attr-defined]
    assert run(Lock(1, 0, 10, exclusive=True, wait=True)) == 0


def test_a_run_s_files_are_made_anew_without_what_no_server_has(server: MemoryServer) -> None:
    server.prepare([NamespaceEntry("left", Kind.FILE)])
    entries = [NamespaceEntry(path, Kind.FILE) for path in ("f", "n" * 256, "a?b", "f/below")]
    MemoryExecutor.make_files(ROOT, entries)
    run = user()
    assert (run(Stat("f")), run(Stat("left"))) == (0, outcome_of(Status.OBJECT_NAME_NOT_FOUND))
    statistics = run.executor.statistics()  # type: ignore[attr-defined]
    assert sorted(statistics["not_made"]) == ["a?b", "f/below", "n" * 256]
    (warning,) = MemoryExecutor.report({"alice": statistics, "bob": {}}).warnings
    assert "'a?b', 'f/below'" in warning
    assert MemoryExecutor.report({"alice": {}}).warnings == ()


def test_close_lets_go_of_everything(server: MemoryServer) -> None:
    server.prepare([NamespaceEntry("f", Kind.FILE, size=9)])
    first, second = user(0), user(1)
    assert first(Open(1, "f", Create(0x80000000, 0, 1, 0, 0))) == 0
    assert second(Open(1, "f", Create(0x80000000, 7, 1, 0, 0))) == outcome_of(Status.SHARING_VIOLATION)
    first.executor.close()  # type: ignore[attr-defined]
    assert second(Open(1, "f", Create(0x80000000, 7, 1, 0, 0))) == 0


def test_a_notification_wants_a_directory_and_the_right_to_list_it(server: MemoryServer) -> None:
    server.prepare([NamespaceEntry("f", Kind.FILE), NamespaceEntry("d", Kind.DIRECTORY)])
    one = user(0)
    assert one(Open(1, "f", Create(0x80000000, 7, 1, 0, 0))) == 0
    assert one(Open(2, "d", Create(0x80, 7, 1, 1, 0))) == 0
    assert one(Notify(1, 3, watch_tree=False)) == outcome_of(Status.INVALID_PARAMETER)
    assert one(Notify(2, 3, watch_tree=False)) == outcome_of(Status.ACCESS_DENIED)


@pytest.mark.parametrize(
    ("watch_tree", "path", "seen"),
    [(False, "d/new", True), (False, "d/sub/new", False), (True, "d/sub/new", True), (True, "new", False)],
)
def test_what_lies_deeper_is_watched_where_that_is_asked_for(
    server: MemoryServer, watch_tree: bool, path: str, seen: bool
) -> None:
    server.prepare([NamespaceEntry("d", Kind.DIRECTORY), NamespaceEntry("d/sub", Kind.DIRECTORY)])
    one = user(0)
    assert one(Open(1, "d", Create(0x80000000, 7, 1, 1, 0))) == 0
    with ThreadPoolExecutor() as pool:
        asked = pool.submit(one, Notify(1, 3, watch_tree))
        while one.executor.waiting() == 0:  # type: ignore[attr-defined]
            time.sleep(0.001)
        assert one(Open(2, path, Create(0xC0000000, 7, 2, 0, 0))) == 0
        assert one(Close(1)) == 0
        assert asked.result(20) == (0 if seen else outcome_of(Status.CANCELLED))
