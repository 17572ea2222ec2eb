"""Breaks of leases in a replay beside those of its original, on real mounts in the lab and by the library."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.guest import LAB, Guest, stories_of

INSIDE = Path(__file__).with_name("contention_inside.py")
pytestmark = LAB


@pytest.fixture(scope="module")
def guest(tmp_path_factory: pytest.TempPathFactory) -> Guest:
    return Guest(INSIDE, tmp_path_factory.mktemp("lab"))


@pytest.mark.parametrize("story", stories_of(INSIDE))
def test_in_the_lab(guest: Guest, story: str) -> None:
    guest.tell(story)
