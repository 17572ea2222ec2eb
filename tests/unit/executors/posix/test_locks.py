"""Locks of handles whose descriptors POSIX gives none of that kind: what is done, and what is counted."""

from __future__ import annotations

import fcntl
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

if sys.platform != "linux":
    pytest.skip("posix runs on Linux only", allow_module_level=True)

from smbench.executors.base import ExecutorContext
from smbench.executors.posix import linux_calls
from smbench.executors.posix.executor import PosixExecutor
from smbench.smb2.constants import GENERIC_READ, GENERIC_WRITE, OPEN
from smbench.workload.calls import Call, Close, Create, Lock, Open, Read, Unlock

WHOLE = (1 << 64) - 1
Run = Callable[[Call], int]


@pytest.fixture
def made(tmp_path: Path) -> Callable[[str], tuple[PosixExecutor, Run]]:
    (tmp_path / "f").write_bytes(b"x" * 100)

    def make(profile: str = "wire") -> tuple[PosixExecutor, Run]:
        executor = PosixExecutor(ExecutorContext(tmp_path, 0, profile, 1 << 16))
        handlers = executor.handlers()
        return executor, lambda call: handlers[type(call)](call)

    return make


def opens(handle: int, access: int = GENERIC_READ) -> Open:
    return Open(handle, "f", Create(access, 7, OPEN))


def test_a_part_is_locked_by_an_open_that_writes_and_the_handle_keeps_its_locks(made) -> None:
    executor, run = made()
    assert run(opens(1)) == run(opens(2)) == 0
    assert run(Lock(1, 0, 5, exclusive=False, wait=False)) == 0
    assert run(Lock(1, 10, 5, exclusive=True, wait=False)) == 0
    assert run(Lock(2, 10, 1, exclusive=False, wait=False)) < 0
    assert run(Lock(2, 0, 1, exclusive=True, wait=False)) < 0, "the shared lock went with the descriptor"
    assert run(Read(1, 0, 100)) == 100
    assert run(Unlock(1, 10, 5)) == run(Unlock(1, 0, 5)) == 0
    assert run(Lock(2, 0, WHOLE, exclusive=True, wait=False)) == 0
    assert executor.statistics() == {"opened_again_to_lock": 2}
    assert run(Close(1)) == run(Close(2)) == 0
    executor.close()
    [warning] = executor.report({"alice": executor.statistics()}).warnings
    assert warning.startswith("2 files that were open to read alone")


def test_where_the_file_may_not_be_opened_to_write_the_other_kind_stands_for_it(
    made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    executor, run = made()
    assert run(opens(1)) == run(opens(2, GENERIC_READ | GENERIC_WRITE)) == 0
    opened = os.open

    def refusing(path: str, flags: int, *rest: int, **more: int) -> int:
        if flags & os.O_ACCMODE == os.O_RDWR:
            raise PermissionError(13, "refused")
        return opened(path, flags, *rest, **more)

    monkeypatch.setattr(os, "open", refusing)
    assert run(Lock(1, 10, 5, exclusive=True, wait=False)) == 0
    assert run(Lock(2, 10, 5, exclusive=True, wait=False)) < 0
    assert run(Lock(2, 10, 5, exclusive=False, wait=False)) == 0
    assert executor.statistics() == {"locks_of_other_kind": 1}
    assert "1 exclusive locks are shared ones" in executor.report({"a": executor.statistics()}).warnings[0]


def test_on_a_cifs_mount_the_whole_file_is_locked_by_flock_on_the_handle_itself(
    made, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(linux_calls, "is_cifs", lambda _: True)
    asked: list[int] = []
    monkeypatch.setattr(fcntl, "flock", lambda _, kind: asked.append(kind))
    executor, run = made("application")
    assert run(opens(1)) == 0
    assert run(Lock(1, 0, WHOLE, exclusive=True, wait=False)) == run(Unlock(1, 0, WHOLE)) == 0
    assert run(Lock(1, 0, WHOLE, exclusive=True, wait=True)) == 0
    assert asked == [fcntl.LOCK_EX | fcntl.LOCK_NB, fcntl.LOCK_UN, fcntl.LOCK_EX]
    assert run(opens(2, GENERIC_READ | GENERIC_WRITE)) == 0
    assert run(Lock(2, 0, WHOLE, exclusive=True, wait=False)) == 0
    assert len(asked) == 3, "a descriptor that writes needs none"
    assert not executor.statistics()


@pytest.mark.parametrize(
    ("offset", "length", "told"),
    [
        (0, 1 << 63, False),
        (1000, (1 << 63) - 1000, False),
        (0, (1 << 63) + 1, True),
        (0, (1 << 64) - 1, True),
        (1 << 63, 1, True),
    ],
)
def test_a_range_to_the_end_of_a_file_is_no_loss(offset: int, length: int, told: bool) -> None:
    """As flock(2) and a POSIX lock to the end are sent: they end at 2^63."""
    for call in (Lock(1, offset, length, exclusive=True, wait=False), Unlock(1, offset, length)):
        assert (PosixExecutor.loss(call) is not None) == told
