"""Directories that a client of Linux keeps open, to answer from memory: its own, and no caller's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from helpers.story import DIRECTORY, Client, Lifted, Open, Wire, lifted

from smbench.mounts.facts import gather_facts
from smbench.smb2.constants import DIRECTORY_FILE
from smbench.smb2.ntstatus import Status
from smbench.trace.model import Command
from smbench.workload.store import with_client_calls

CIFS: dict[str, Any] = {"request": {"contexts": ("QFid",)}}
LEASED: dict[str, Any] = {"contexts": ("RqLs", "QFid"), "lease_state": 3, "lease_key": "00" * 16}


def keeps(client: Client, path: str, status: int = 0, **other: Any) -> Open:
    """What cifs.ko 6.12 sends before it lists a directory that the server leases."""
    asked = {"access": 0x89, "options": DIRECTORY_FILE, "attributes": DIRECTORY, "request": LEASED, **other}
    with client:
        return client.opens(path, status, **asked).asks(18, status)


def by_client(story: Lifted) -> list[str]:
    every = with_client_calls(story.workload).operations
    return [type(operation.call).__name__ for operation in every if operation.by_client]


def kept_by(story: Lifted) -> list[bool]:
    every = with_client_calls(story.workload).operations
    return [one.keeps_directories for one in gather_facts(every, (), 1)]


def test_what_is_kept_is_the_clients_until_it_is_closed(tmp_path: Path) -> None:
    wire = Wire()
    alice = wire.client("alice")
    alice.looks("x", **CIFS)
    kept = keeps(alice, "d")
    alice.opens_directory("d", **CIFS).lists("a").closes()
    kept.closes()
    story = lifted(wire, tmp_path)
    assert story.kinds == ["Stat", "Open", "List", "Close"]
    assert by_client(story) == ["Open", "StatHandle", "Close"]
    assert story.rules[3:5] == ["directory-kept", "look-at-kept-directory"]
    assert story.rules[-1] == "close-of-kept-directory"
    assert kept_by(story) == [True]


def test_what_is_kept_to_the_end_is_closed_by_no_caller(tmp_path: Path) -> None:
    wire = Wire()
    alice = wire.client("alice")
    alice.looks("x", **CIFS)
    keeps(alice, "d")
    alice.sends(Command.TREE_DISCONNECT)
    story = lifted(wire, tmp_path)
    assert story.kinds == ["Stat"]
    assert by_client(story) == ["Open", "StatHandle", "Close"]


@pytest.mark.parametrize(
    ("status", "other"),
    [
        (0, {"access": 0x81}),
        (0, {"options": 0}),
        (0, {"request": {"contexts": ("QFid",)}}),
        (Status.ACCESS_DENIED, {}),
    ],
)
def test_other_opens_of_directories_are_their_callers(
    tmp_path: Path, status: int, other: dict[str, Any]
) -> None:
    wire = Wire()
    alice = wire.client("alice")
    alice.looks("x", **CIFS)
    keeps(alice, "d", status, **other)
    story = lifted(wire, tmp_path)
    assert "directory-kept" not in story.rules
    assert kept_by(story) == [False]


def test_what_another_client_opens_like_that_is_its_users(tmp_path: Path) -> None:
    wire = Wire()
    keeps(wire.client("alice"), "d")
    story = lifted(wire, tmp_path)
    assert story.kinds == ["Open", "StatHandle"]
    assert kept_by(story) == [False]
