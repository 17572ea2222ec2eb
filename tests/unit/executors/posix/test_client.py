"""Four clients, and which of them is beneath a root."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

if sys.platform != "linux":
    pytest.skip("posix runs on Linux only", allow_module_level=True)

from smbench.executors.base import Habits, TimesSet
from smbench.executors.posix import client, linux_calls
from smbench.executors.posix.client import CIFS, CIFS_WIRE, LOCAL, LOCAL_WIRE, Client


@pytest.mark.parametrize(
    ("on_cifs", "profile", "found"),
    [
        (False, "application", LOCAL),
        (False, "wire", LOCAL_WIRE),
        (True, "application", CIFS),
        (True, "wire", CIFS_WIRE),
    ],
)
def test_the_file_system_and_the_profile_say_which(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, on_cifs: bool, profile: str, found: Client
) -> None:
    monkeypatch.setattr(linux_calls, "is_cifs", lambda _: on_cifs)
    root = os.open(tmp_path, os.O_RDONLY)
    try:
        assert client.client_of(root, profile) is found
    finally:
        os.close(root)


WORDS = [word for word, value in vars(Client).items() if isinstance(value, bool | tuple)]


@pytest.mark.parametrize("word", WORDS)
def test_an_application_s_client_is_none_where_nothing_is_mounted_nor_on_a_mount(word: str) -> None:
    """In the profile `application` both call as an application would: only what sets something differs."""
    assert getattr(LOCAL, word) == getattr(CIFS, word)


def test_off_cifs_the_profile_wire_asks_anew_and_changes_nothing_else() -> None:
    differ = {word for word in WORDS if getattr(LOCAL, word) != getattr(LOCAL_WIRE, word)}
    assert differ == {"asks_anew", "names_without_opens"}


OF_HABITS = {"lets_go_to_remove", "own_handle_flags"}


def test_on_cifs_the_profile_wire_turns_every_word_but_those_of_habits() -> None:
    assert {word for word in WORDS if getattr(CIFS, word) == getattr(CIFS_WIRE, word)} == {
        "lets_go_to_remove"
    }


def test_a_client_with_habits_of_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(linux_calls, "is_cifs", lambda _: True)
    with (tmp_path / "a").open("wb") as file:
        root = os.open(tmp_path, os.O_RDONLY)
        habits = Habits(hides_what_is_open=True, grows_in_one=False, opened_apart_by=())
        found = client.client_of(root, "wire", habits)
        assert client.client_of(root, "wire", Habits()) is CIFS_WIRE
        assert client.client_of(root, "application", Habits(hides_what_is_open=True)) is CIFS
        os.close(root)
        assert {word for word in WORDS if getattr(found, word) != getattr(CIFS_WIRE, word)} == OF_HABITS
        assert not found.grow(file.fileno(), 10, flushed=False)
        assert CIFS_WIRE.grow(file.fileno(), 10, flushed=False)


def test_clients_of_the_same_habits_are_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(linux_calls, "is_cifs", lambda _: True)
    root = os.open(tmp_path, os.O_RDONLY)
    one, other = (client.client_of(root, "wire", Habits(opened_apart_by=("O_DIRECT",))) for _ in range(2))
    os.close(root)
    assert one is other
    assert one.own_handle_flags == (os.O_DIRECT,)


@pytest.mark.parametrize(
    ("habits", "size", "sent"),
    [
        (Habits(), 10, ["fsync", "fallocate"]),
        (Habits(), 0, []),
        (Habits(after_truncating=TimesSet.NOT_AT_ALL), 10, []),
        (Habits(grows_in_one=False), 10, []),
    ],
)
def test_what_is_flushed_and_grows_is_left_to_an_ftruncate_that_sets_no_times(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, habits: Habits, size: int, sent: list[str]
) -> None:
    monkeypatch.setattr(linux_calls, "is_cifs", lambda _: True)
    told: list[str] = []
    monkeypatch.setattr(os, "fsync", lambda _: told.append("fsync"))
    monkeypatch.setattr(linux_calls, "fallocate", lambda *_: told.append("fallocate"))
    root = os.open(tmp_path, os.O_RDONLY)
    with (tmp_path / "a").open("wb") as file:
        client.client_of(root, "wire", habits).grow(file.fileno(), size, flushed=True)
    os.close(root)
    assert told == sent
