"""The command by sudo, on real mounts in the lab: stories of the guest (privileged_inside.py)."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.guest import LAB, Guest, stories_of

INSIDE = Path(__file__).with_name("privileged_inside.py")

pytestmark = LAB


@pytest.fixture(scope="module")
def guest(tmp_path_factory: pytest.TempPathFactory) -> Guest:
    return Guest(INSIDE, tmp_path_factory.mktemp("lab"))


@pytest.mark.parametrize("story", stories_of(INSIDE))
def test_in_the_lab(guest: Guest, story: str) -> None:
    guest.tell(story)
