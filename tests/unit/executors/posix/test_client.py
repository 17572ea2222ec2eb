"""Four clients, and which of them is beneath a root."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

if sys.platform != "linux":
    pytest.skip("posix runs on Linux only", allow_module_level=True)

from smbench.executors.base import Habits
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


WORDS = [word for word, value in vars(Client).items() if isinstance(value, bool)]


@pytest.mark.parametrize("word", WORDS)
def test_an_application_s_client_is_none_where_nothing_is_mounted_nor_on_a_mount(word: str) -> None:
    """In the profile `application` both call as an application would: only what sets something differs."""
    assert getattr(LOCAL, word) == getattr(CIFS, word)


def test_off_cifs_the_profile_wire_asks_anew_and_changes_nothing_else() -> None:
    differ = {word for word in WORDS if getattr(LOCAL, word) != getattr(LOCAL_WIRE, word)}
    assert differ == {"asks_anew", "names_without_opens"}


OF_HABITS = {"lets_go_to_remove"}


def test_on_cifs_the_profile_wire_turns_every_word_but_those_of_habits() -> None:
    assert {word for word in WORDS if getattr(CIFS, word) == getattr(CIFS_WIRE, word)} == OF_HABITS


def test_a_client_with_habits_of_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(linux_calls, "is_cifs", lambda _: True)
    with (tmp_path / "a").open("wb") as file:
        root = os.open(tmp_path, os.O_RDONLY)
        found = client.client_of(root, "wire", Habits(hides_what_is_open=True, grows_in_one=False))
        assert client.client_of(root, "wire", Habits()) is CIFS_WIRE
        assert client.client_of(root, "application", Habits(hides_what_is_open=True)) is CIFS
        os.close(root)
        assert {word for word in WORDS if getattr(found, word) != getattr(CIFS_WIRE, word)} == OF_HABITS
        assert not found.grow(file.fileno(), 10)
        assert CIFS_WIRE.grow(file.fileno(), 10)
