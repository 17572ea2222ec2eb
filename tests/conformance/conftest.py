"""Targets for the executors: each makes a fresh place, prepares a namespace in it, and hands out users."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from smbench.executors.base import Executor, ExecutorContext, Handler
from smbench.executors.registry import executor_class, names
from smbench.paths.beneath import Beneath
from smbench.workload.calls import Call
from smbench.workload.model import Kind, NamespaceEntry

NOBODY = 65534
MOUNTS = [Path(mount) for mount in os.environ.get("SMBENCH_CONFORMANCE_MOUNTS", "").split(":") if mount]
"""In the lab: mounts of one share, one a user; the executor `cifs` is then posix on them."""
Users = Callable[[int], Mapping[type[Call], Handler]]


class Target:
    """One executor on one fresh root; `users(n)` is the handlers of user n."""

    def __init__(self, name: str, roots: list[Path], profile: str) -> None:
        self.name = name
        root = roots[0]
        self._kind: type[Executor] = executor_class("posix" if name == "cifs" else name)
        self._context = lambda user: ExecutorContext(
            roots[user % len(roots)], user, profile, max_io_bytes=1 << 16, seed=1
        )
        self._executors: dict[int, Executor] = {}
        self._handlers: dict[int, Mapping[type[Call], Handler]] = {}
        self._root = root

    def prepare(self, entries: Iterable[NamespaceEntry]) -> None:
        if self._kind.own_files:
            self._kind.make_files(self._root, list(entries))
        elif self._kind.touches_files:
            place = Beneath(self._root)
            for entry in entries:
                if entry.kind is Kind.DIRECTORY:
                    place.mkdir(entry.path)
                else:
                    fd = place.open(entry.path, os.O_WRONLY | os.O_CREAT)
                    os.ftruncate(fd, entry.size)
                    os.close(fd)

    def handlers(self, user: int) -> Mapping[type[Call], Handler]:
        if user not in self._executors:
            self._executors[user] = self._kind(self._context(user))
            self._handlers[user] = self._executors[user].handlers()
        return self._handlers[user]

    def executor(self, user: int) -> Executor:
        self.handlers(user)
        return self._executors[user]

    def supports(self, call: Call) -> bool:
        return type(call) not in self._kind.unsupported

    def run(self, call: Call, user: int = 0) -> int:
        return self.handlers(user)[type(call)](call)

    def close(self) -> None:
        for executor in self._executors.values():
            executor.close()
        if self._kind.own_files:
            self._kind.make_files(self._root, [])


@pytest.fixture
def ordinary_user() -> Iterator[Path]:
    """An empty root that belongs to an ordinary user, who this process is meanwhile: permissions do not
    bind root, and replays do not run as root. (pytest's own folders are root's alone.)"""
    with tempfile.TemporaryDirectory() as made:
        root = Path(made)
        if os.geteuid():
            yield root
            return
        os.chown(root, NOBODY, NOBODY)
        for name in names():
            executor_class(name)  # imported now: the interpreter's own files may be root's alone
        os.seteuid(NOBODY)
        try:
            yield root
        finally:
            os.seteuid(0)


@pytest.fixture
def make_target(ordinary_user: Path) -> Iterator[Callable[..., Target]]:
    made: list[Target] = []

    def make(name: str, profile: str = "wire") -> Target:
        roots = [ordinary_user]
        if name == "cifs":
            roots = [mount / ordinary_user.name for mount in MOUNTS]
            roots[0].mkdir()
        made.append(Target(name, roots, profile))
        return made[-1]

    yield make
    for target in made:
        target.close()


def pytest_generate_tests(metafunc: Any) -> None:
    if "executor" in metafunc.fixturenames:
        metafunc.parametrize("executor", [name for name in names() if not executor_class(name).needs_share])
