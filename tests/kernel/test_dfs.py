"""Targets in DFS, a root and a link, on real mounts in the lab; their wires are compared here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from helpers.command import THREE_USERS, run
from helpers.guest import Guest, needs_kernel, stories_of

INSIDE = Path(__file__).with_name("dfs_inside.py")
_GUEST_S = 900
pytestmark = [pytest.mark.lab, needs_kernel, pytest.mark.timeout(_GUEST_S + 60)]


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("lab")


@pytest.fixture(scope="module")
def guest(out: Path) -> Guest:
    assert run("ingest", THREE_USERS, "-o", out / "three-users.workload").status == 0
    return Guest(INSIDE, out, deadline_s=_GUEST_S, smb_conf=["host msdfs = yes"])


@pytest.mark.parametrize("story", stories_of(INSIDE))
def test_in_the_lab(guest: Guest, story: str) -> None:
    guest.tell(story)


def wire_of(out: Path, name: str) -> dict[str, Any]:
    ran = run("compare", out / "three-users.workload", out / f"{name}.run", "--json")
    assert ran.status == 0, ran.err
    wire: dict[str, Any] = json.loads(ran.out)["candidates"][0]["wire"]
    return wire


@pytest.mark.parametrize("name", ["root-wire", "link-wire"])
def test_with_the_wire_profile_all_is_sent_as_on_a_share(guest: Guest, name: str, out: Path) -> None:
    guest.tell("test_replays_end_as_captured")
    wire, share = wire_of(out, name), wire_of(out, "share-wire")
    assert (wire["recall"], wire["precision"]) == (share["recall"], share["precision"])
    assert wire["recall"] == 1


@pytest.mark.parametrize("name", ["root-application", "link-application"])
def test_with_the_defaults_what_the_client_sent_there_is_compared(guest: Guest, name: str, out: Path) -> None:
    """Its listings ask for no inode numbers in DFS, and what a cache hides is not the same twice."""
    guest.tell("test_replays_end_as_captured")
    wire, share = wire_of(out, name), wire_of(out, "share-application")
    assert wire["by_command"]["QUERY_DIRECTORY"]["matched"] == 0
    assert wire["by_command"]["WRITE"] == share["by_command"]["WRITE"]
    assert wire["recall"] > 0.8
