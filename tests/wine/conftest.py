"""Places for the win32 executor: a folder on `\\\\server\\share` (a directory behind Wine's UNC) or on C:."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from smbench.executors.base import Executor, ExecutorContext, Handler
from smbench.workload.calls import Call
from smbench.workload.model import Kind, NamespaceEntry

SHARE = r"\\server\share"


# What is here runs in the Windows Python of scripts/test-win32, and only there.
collect_ignore_glob = [] if sys.platform == "win32" else ["test_*.py"]


class Users:
    """Executors of several users on one folder."""

    def __init__(self, root: Path, profile: str = "wire") -> None:
        self.root = root
        self._profile = profile
        self._executors: dict[int, Executor] = {}
        self._handlers: dict[int, Mapping[type[Call], Handler]] = {}

    def run(self, call: Call, user: int = 0) -> int:
        """The outcome of one call of a user."""
        if user not in self._handlers:
            self._handlers[user] = self.executor(user).handlers()
        return self._handlers[user][type(call)](call)

    def executor(self, user: int = 0) -> Executor:
        if user not in self._executors:
            from smbench.executors.win32.executor import Win32Executor

            context = ExecutorContext(self.root, user, self._profile, max_io_bytes=1 << 16, seed=1)
            self._executors[user] = Win32Executor(context)
        return self._executors[user]

    def prepare(self, entries: list[NamespaceEntry]) -> None:
        for entry in entries:
            path = self.root / entry.path
            if entry.kind is Kind.DIRECTORY:
                path.mkdir()
            else:
                path.write_bytes(b"\0" * (entry.size or 0))

    def close(self) -> None:
        for executor in self._executors.values():
            executor.close()


@pytest.fixture
def share_folder(request: pytest.FixtureRequest) -> Path:
    """A new folder on the share."""
    for number in range(10_000):
        folder = Path(SHARE, f"{os.getpid()}-{request.node.originalname}-{number}")
        if not folder.exists():
            folder.mkdir()
            return folder
    raise AssertionError("no folder left")


@pytest.fixture
def make_users(share_folder: Path, tmp_path: Path) -> Iterator[Callable[..., Users]]:
    """`make(remote=…, profile=…)`: users on the share, or on a local directory."""
    made: list[Users] = []

    def make(remote: bool = True, profile: str = "wire") -> Users:
        made.append(Users(share_folder if remote else tmp_path, profile))
        return made[-1]

    yield make
    for users in made:
        users.close()


@pytest.fixture
def users(make_users: Callable[..., Any]) -> Users:
    """Users on the share."""
    found: Users = make_users()
    return found
