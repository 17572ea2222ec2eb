"""Other kernels than the machine's, in guests of their own: what a program does is lifted to the same
operations whichever client it did it through, and replayed there as it was captured there.
"""

from __future__ import annotations

import difflib
import json
import os
from pathlib import Path

import pytest
from helpers.guest import LAB, UML, Guest, stories_of
from lab_parts import BROUGHT, is_of, version_of

INSIDE = Path(__file__).with_name("kernels_inside.py")
OTHERS = ("6.12", "7.2")
LISTED = "test_what_a_program_did"
pytestmark = LAB


def boots(kernel: str) -> bool:
    """Whether the lab has it: the machine's own, or one that scripts/setup --kernels brought."""
    own = version_of("linux.uml", f"{UML / 'bin'}:{os.environ['PATH']}")
    return is_of(kernel, own) or (BROUGHT / f"linux-{kernel}").is_dir()


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> tuple[Guest, Path]:
    out = tmp_path_factory.mktemp("own")
    return Guest(INSIDE, out, users=1, only=LISTED), out


@pytest.fixture(scope="module", params=OTHERS)
def other(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Guest, Path]:
    kernel = request.param
    if not boots(kernel):
        pytest.skip(f"no Linux {kernel} for the lab: scripts/setup --kernels brings it")
    out = tmp_path_factory.mktemp("other")
    return Guest(INSIDE, out, users=1, kernel=kernel), out


@pytest.mark.parametrize("story", stories_of(INSIDE))
def test_in_the_lab(other: tuple[Guest, Path], story: str) -> None:
    other[0].tell(story)


@pytest.mark.parametrize("name", ["editor", "sqlite3", "tar-sparse"])
def test_the_same_operations(own: tuple[Guest, Path], other: tuple[Guest, Path], name: str) -> None:
    def listed(guest: Guest, out: Path) -> list[str]:
        guest.tell(LISTED)
        return [json.dumps(one) for one in json.loads((out / f"{name}.json").read_text())]

    assert [*difflib.unified_diff(listed(*own), listed(*other), lineterm="", n=0)] == []
