"""In the lab's guest: a folder of a test's own on the share, and users of the executor `library` in it."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from helpers.library_lab import User


@pytest.fixture
def folder(request: pytest.FixtureRequest) -> Path:
    from helpers.library_lab import BEHIND  # only a guest has one

    made = BEHIND / f"story{abs(hash(request.node.name))}"
    made.mkdir()
    return made


@pytest.fixture
def user(folder: Path) -> Iterator[Callable[..., User]]:
    from helpers.library_lab import User

    users: dict[int, User] = {}

    def make(number: int = 0, **access: Any) -> User:
        if number not in users:
            users[number] = User(number, folder.name, **access)
        return users[number]

    yield make
    for one in users.values():
        one.executor.close()


@pytest.fixture
def clear() -> None:
    """The share without what earlier replays left."""
    from helpers.library_lab import BEHIND

    for name in ("projects", "office"):
        subprocess.run(["rm", "-rf", BEHIND / name], check=True)
