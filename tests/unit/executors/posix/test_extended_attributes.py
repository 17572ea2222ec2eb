"""Extended attributes where a file system takes them, takes none, and where a server answers."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from errno import EOPNOTSUPP
from pathlib import Path

import pytest

if sys.platform != "linux":
    pytest.skip("posix runs on Linux only", allow_module_level=True)

from smbench.executors.base import ExecutorContext, ea_value
from smbench.executors.posix import linux_calls
from smbench.executors.posix.executor import PosixExecutor
from smbench.smb2.constants import FILE_READ_EA, FILE_WRITE_EA, FULL_EA
from smbench.smb2.ntstatus import Status, matches
from smbench.workload.calls import Call, Create, Open, SetEa, Stat

ASKS = Stat("f", (FULL_EA,), Create(FILE_READ_EA))
Run = Callable[[Call], int]


@pytest.fixture
def make(tmp_path: Path) -> Callable[[], tuple[PosixExecutor, Run]]:
    (tmp_path / "f").touch()

    def made() -> tuple[PosixExecutor, Run]:
        executor = PosixExecutor(ExecutorContext(tmp_path, 0, "wire", 1 << 16))
        handlers = executor.handlers()
        assert handlers[Open](Open(1, "f", Create(FILE_WRITE_EA), compound=True)) == 0
        return executor, lambda call: handlers[type(call)](call)

    return made


def test_name_and_length_are_the_captures(make, tmp_path: Path) -> None:
    executor, run = make()
    try:
        os.setxattr(tmp_path, "user.tried", b"x")
    except OSError as error:
        pytest.skip(f"the file system here takes no extended attributes: {error}")
    assert run(SetEa(1, "Ã¤", 300)) == 0  # the bytes of ä, read as Latin-1
    assert os.listxattr(tmp_path / "f") == ["user.ä"]
    assert os.getxattr(tmp_path / "f", "user.ä") == ea_value(300)
    assert run(ASKS) == 0
    assert run(SetEa(1, "Ã¤", 0)) == run(SetEa(1, "never", 0)) == 0
    assert os.listxattr(tmp_path / "f") == []
    assert matches(Status.NO_EAS_ON_FILE, run(ASKS), ASKS)
    assert not executor.statistics()


def refusing(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise OSError(EOPNOTSUPP, "by design")

    monkeypatch.setattr(os, "setxattr", refused)
    monkeypatch.setattr(os, "removexattr", refused)
    monkeypatch.setattr(os, "listxattr", lambda _: [])


def test_what_a_file_system_does_not_take_is_remembered_and_told(
    make, monkeypatch: pytest.MonkeyPatch
) -> None:
    executor, run = make()
    refusing(monkeypatch)
    assert matches(Status.NO_EAS_ON_FILE, run(ASKS), ASKS)
    assert run(SetEa(1, "a", 10)) == run(SetEa(1, "b", 10)) == 0
    assert run(ASKS) == 0
    assert run(SetEa(1, "a", 0)) == run(SetEa(1, "b", 0)) == 0
    assert matches(Status.NO_EAS_ON_FILE, run(ASKS), ASKS)
    assert executor.statistics() == {"extended_attributes_refused": 2}
    [warning] = executor.report({"alice": executor.statistics(), "bob": {}}).warnings
    assert "did not take 2 extended attributes" in warning


def test_a_servers_refusal_is_the_outcome(make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(linux_calls, "is_cifs", lambda _: True)
    executor, run = make()
    refusing(monkeypatch)
    assert run(SetEa(1, "a", 10)) == -EOPNOTSUPP
    assert matches(Status.NO_EAS_ON_FILE, run(ASKS), ASKS)
    assert not executor.statistics()
