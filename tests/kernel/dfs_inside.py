"""Replays on a DFS root and behind DFS links, told inside the lab's guest as root (see test_dfs.py).

One smbd serves the namespace and what its links lead to; as 127.0.0.9 it is another server to the client.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from helpers.command import Ran, run

SHARE = os.environ.get("LAB_SHARE", "")
USERS = Path(os.environ.get("LAB_USERS", ""))
ROOT = "//127.0.0.1/dfs"
WORKLOAD = Path(os.environ.get("LAB_OUT", "")) / "three-users.workload"
NAMESPACE, DATA = Path("/srv/lab/dfs"), Path("/srv/lab/data")


@dataclass(frozen=True, slots=True)
class Of:
    """What a run is of: a target and a profile, where DFS leads, and what is mounted."""

    target: str
    profile: str
    mounted: str
    leads_to: str | None = None


RUNS = {
    "share-wire": Of(SHARE, "wire", SHARE),
    "root-wire": Of(f"{ROOT}/plain", "wire", f"{ROOT}/plain"),
    "link-wire": Of(f"{ROOT}/elsewhere", "wire", "//127.0.0.9/data/deep", "//127.0.0.9/data/deep"),
    "share-application": Of(SHARE, "application", SHARE),
    "root-application": Of(f"{ROOT}/plain", "application", f"{ROOT}/plain"),
    "link-application": Of(f"{ROOT}/link", "application", f"{ROOT}/link", "//127.0.0.1/data/deep"),
}
"""Whose wires test_dfs.py compares with the capture."""


def link(name: str, leads_to: str) -> None:
    path = NAMESPACE / name
    path.parent.mkdir(exist_ok=True)
    path.symlink_to(f"msdfs:{leads_to}")


@pytest.fixture(scope="module", autouse=True)
def namespace() -> None:
    """`plain` is a folder without links; the share `dfs` itself is a root of DFS, as all below it."""
    for folder in (NAMESPACE, NAMESPACE / "plain", DATA, DATA / "deep", DATA / "office", DATA / "projects"):
        folder.mkdir()
        folder.chmod(0o777)
    link("link", r"127.0.0.1\data\deep")
    link("elsewhere", r"127.0.0.9\data\deep")
    link("dead", r"127.0.0.1\gone")
    link("unnamed", r"no-such-host\data")
    (NAMESPACE / "through").mkdir()
    (NAMESPACE / "through").chmod(0o777)
    link("through/office", r"127.0.0.1\data\office")
    link("through/projects", r"127.0.0.1\data\projects")
    conf = os.environ["LAB_SMB_CONF"]
    with Path(conf).open("a") as file:
        file.write(f"[dfs]\npath = {NAMESPACE}\nmsdfs root = yes\n[data]\npath = {DATA}\n")
    subprocess.run(["smbcontrol", "-s", conf, "smbd", "reload-config"], check=True)
    time.sleep(1)


def replayed(target: str, output: Path, *options: str) -> dict[str, Any]:
    ran = run("replay", WORKLOAD, target, "--users", USERS, "-o", output, "--json", *options)
    assert ran.status in (0, 5), ran.err  # 5: a machine that is busy with other things
    document: dict[str, Any] = json.loads(ran.out)
    told = document["operations"]
    assert told["planned"] == told["matched"] >= 127, document["causes"]
    return document


def options_of(document: dict[str, Any]) -> set[str]:
    return {option["name"] for option in document["mounts"][0]["asked"]}


@pytest.mark.parametrize("name", RUNS)
def test_replays_end_as_captured(name: str) -> None:
    """Their wires are compared outside, where it is faster."""
    of = RUNS[name]
    subprocess.run(["sh", "-c", f"rm -rf {DATA}/deep/* {DATA}/deep/.[a-z]*"], check=True)
    output = Path(os.environ["LAB_OUT"]) / f"{name}.run"
    document = replayed(of.target, output, "--profile", of.profile, "--wire", "--force")
    assert {mount["leads_to"] for mount in document["mounts"]} == {of.leads_to}
    assert document["mounts"][0]["share"] == of.mounted
    assert ("nodfs" in options_of(document)) == (of.profile == "wire")
    assert [f"leads to {of.leads_to}" in note for note in document["notes"]] == [True] * bool(of.leads_to)


def test_links_in_the_target_are_followed(tmp_path: Path) -> None:
    document = replayed(f"{ROOT}/through", tmp_path / "a.run", "--force")
    assert options_of(document) >= {"dfs"}
    assert "nodfs" not in document["mounts"][0]["options"]
    assert any("holds DFS links" in note for note in document["notes"])
    assert (DATA / "office" / "ledger.csv").exists()
    assert (DATA / "projects" / "alpha" / "part-1.txt").exists()


def test_the_library_goes_where_the_link_leads(tmp_path: Path) -> None:
    subprocess.run(["sh", "-c", f"rm -rf {DATA}/deep/* {DATA}/deep/.[a-z]*"], check=True)
    document = replayed(f"{ROOT}/link", tmp_path / "a.run", "--executor", "library")
    assert {mount["leads_to"] for mount in document["mounts"]} == {"//127.0.0.1/data/deep"}


def mounted(target: str, *options: str) -> Ran:
    ran = run("mount", target, "--users", USERS, *options)
    assert run("umount").status == 0
    return ran


@pytest.mark.parametrize(
    ("name", "options", "says"),
    [
        ("dead", (), "DFS leads it to //127.0.0.1/gone, and there the server has no such share"),
        (
            "unnamed",
            ("--profile", "application"),
            "leads to //no-such-host/data: cannot mount //no-such-host",
        ),
        ("link", ("--mount-option", "nodfs"), "'link' is in DFS, behind a link, which --mount-option nodfs"),
        ("link/missing", (), "//127.0.0.1/data/deep/missing, and there the share has no folder"),
    ],
)
def test_what_cannot_be_mounted_is_told_of_dfs(name: str, options: tuple[str, ...], says: str) -> None:
    ran = mounted(f"{ROOT}/{name}", *options)
    assert ran.status == 3, ran.out
    assert says in ran.sentence
    assert "dialect" not in ran.sentence


def test_a_link_is_followed_by_the_client_where_that_is_asked_for() -> None:
    ran = mounted(f"{ROOT}/link", "--mount-option", "dfs", "--json")
    assert ran.status == 0, ran.err
    for mount in json.loads(ran.out)["mounts"]:
        assert mount["share"] == f"{ROOT}/link"
        assert mount["leads_to"] == "//127.0.0.1/data/deep"
        assert mount["differences"] == ["serverino asked, not in effect"]
