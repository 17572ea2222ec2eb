"""Notifications in every executor: while one waits all others go on, what comes between two is kept."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from conformance.stories import ATTRIBUTES, DIRECTORY, LIST_ACCESS, opens
from conformance.test_conformance import COMPARING

from smbench.executors.base import Armed
from smbench.smb2 import ntstatus
from smbench.smb2.constants import CREATE, NOTIFY_CHANGE_DIR_NAME, NOTIFY_CHANGE_FILE_NAME
from smbench.smb2.ntstatus import Status
from smbench.workload.calls import Close, List, MakeDirectory, Notify, Stat, StatHandle
from smbench.workload.model import Kind, NamespaceEntry

if TYPE_CHECKING:
    from conformance.conftest import Target

NAMES = NOTIFY_CHANGE_FILE_NAME | NOTIFY_CHANGE_DIR_NAME
MOST_S = 60
BETWEEN, BETWEEN_S = 10, 0.1
"""So often, and each time so much later, a change is made where one within a moment may be lost."""


class Watched:
    """User 0 has the directory `d` open as handle 1, and user 1 changes it."""

    def __init__(self, target: Target, *, may_miss: bool) -> None:
        self.target = target
        self.may_miss = may_miss
        """Between two notifications there is a moment of which the next one tells nothing."""
        target.prepare([NamespaceEntry("d", Kind.DIRECTORY)])
        self._pool = ThreadPoolExecutor(4)
        self._made = 0
        assert target.run(opens(1, "d", access=LIST_ACCESS, options=DIRECTORY)) == 0
        # As a run does: told before the clock starts.
        target.executor(0).expect_notifications({1: 2}, 1)

    def notifies(self) -> Future[int]:
        """Ask for a change; comes back when that is armed."""
        armed = threading.Event()
        handler = self.target.executor(0).notifier(Armed(armed.set, lambda: True, lambda: True))
        asked = self._pool.submit(handler, Notify(1, NAMES, watch_tree=False, output_length=4096))
        asked.add_done_callback(lambda _: armed.set())
        assert armed.wait(MOST_S)
        return asked

    def changes(self) -> None:
        self._made += 1
        assert self.target.run(MakeDirectory(f"d/n{self._made}"), user=1) == 0

    def end(self) -> None:
        self.target.executor(0).interrupt()
        self._pool.shutdown()


@pytest.fixture(params=COMPARING, ids="-".join)
def watched(request: pytest.FixtureRequest, make_target: Callable[..., Target]) -> Iterator[Watched]:
    made = Watched(make_target(*request.param), may_miss=request.param[0] == "cifs")
    yield made
    made.end()


def test_a_change_by_another_user_answers_it_and_one_in_between_the_next(watched: Watched) -> None:
    first = watched.notifies()
    watched.changes()
    assert first.result(MOST_S) == 0
    watched.changes()
    for _ in range(BETWEEN if watched.may_miss else 0):
        time.sleep(BETWEEN_S)
        watched.changes()
    assert watched.notifies().result(MOST_S) == 0


def test_everything_else_is_carried_out_while_it_waits(watched: Watched) -> None:
    asked = watched.notifies()
    run = watched.target.run
    assert run(Stat("d")) >= 0
    assert run(StatHandle(1, 1, 18)) >= 0
    assert run(List(1, "*", 37, restart=True, output_length=65536)) >= 0
    assert run(opens(2, "e", CREATE)) == 0
    assert run(Close(2)) == 0
    assert run(opens(3, "d", access=ATTRIBUTES, options=DIRECTORY)) == 0
    assert run(Close(3)) == 0
    assert not asked.done()
    assert watched.target.executor(0).waiting() == 1


def test_the_close_ends_it_and_an_interrupt_does(watched: Watched) -> None:
    asked = watched.notifies()
    watched.target.executor(0).interrupt()
    assert ntstatus.matches(Status.CANCELLED, asked.result(MOST_S), Notify(1, NAMES, watch_tree=False))
    again = watched.notifies()
    assert watched.target.run(Close(1)) == 0
    assert ntstatus.matches(Status.NOTIFY_CLEANUP, again.result(MOST_S), Notify(1, NAMES, watch_tree=False))
    assert watched.target.executor(0).waiting() == 0
