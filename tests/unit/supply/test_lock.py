"""scripts/requirements.txt, which scripts/setup installs: all that pyproject.toml asks for, with hashes."""

from __future__ import annotations

import re
import tomllib

import pytest
from helpers.command import PROJECT
from packaging.requirements import Requirement
from supply.lock import Pin, pins, read

SETTINGS = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
EXTRAS = SETTINGS["project"]["optional-dependencies"]
FOR_USERS = [Requirement(line) for line in (*SETTINGS["project"]["dependencies"], *EXTRAS["library"])]
ALL = [*FOR_USERS, *map(Requirement, (*EXTRAS["dev"], *SETTINGS["build-system"]["requires"]))]
LOCKED = read()


def test_pins_are_read_with_their_markers_and_hashes() -> None:
    text = (
        "# made by\nclick==8.5.1 \\\n    --hash=sha256:aa \\\n    --hash=sha256:bb\n"
        "numpy==2.4.6 ; python_full_version < '3.12' \\\n    --hash=sha256:cc\n"
    )
    assert list(pins(text)) == [
        Pin("click", "8.5.1", "", ("aa", "bb")),
        Pin("numpy", "2.4.6", "python_full_version < '3.12'", ("cc",)),
    ]


@pytest.mark.parametrize("line", ["click>=8", "click==8.5.1", "-e .", "--index-url somewhere"])
def test_what_is_no_pin_with_a_hash_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match=re.escape(line)):
        list(pins(line))


def test_each_has_the_hash_of_a_file() -> None:
    assert len(LOCKED) > len(ALL)
    assert [pin for pin in LOCKED if not all(re.fullmatch("[0-9a-f]{64}", one) for one in pin.sha256)] == []


def test_no_address_stands_there() -> None:
    text = (PROJECT / "scripts/requirements.txt").read_text(encoding="utf-8")
    assert [line for line in text.splitlines() if "/" in line and line != "#    scripts/lock"] == []


@pytest.mark.parametrize("requirement", ALL, ids=str)
def test_what_is_asked_for_is_pinned_within_its_bounds(requirement: Requirement) -> None:
    """Or scripts/lock was not called after pyproject.toml had changed."""
    versions = [pin.version for pin in LOCKED if pin.name == requirement.name]
    assert versions
    assert [version for version in versions if version not in requirement.specifier] == []


@pytest.mark.parametrize("requirement", FOR_USERS, ids=str)
def test_what_users_get_has_both_bounds(requirement: Requirement) -> None:
    assert sorted(bound.operator for bound in requirement.specifier) == ["<", ">="]
