"""Names with controls of terminals and of writing direction: shown by every command, and obeyed by none."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from helpers.command import run
from helpers.load import OPEN_IF, Load
from helpers.shown import harmless

from smbench.workload.calls import Stat
from smbench.workload.store import write

CLEARS, TURNS = "\x1b[2J\x1b]0;owned\x07\x9b31m", "‮gpj.exe⁦"
SPELLED = r"\x1b[2J\x1b]0;owned\x07"
USERS = [f"mallory{CLEARS}", f"bob{TURNS}"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hostile")
    load = Load(users=USERS, step_ns=100_000)
    for number, name in enumerate((CLEARS, TURNS)):
        load.opens(number, number, f"a{name}", OPEN_IF)
        load.reads(number, number, expected=0)
        load.closes(number, number)
        load.add(number, Stat(f"gone{name}"), expected=0)
        load.add(number, Stat(f" ={name}"), expected=0)
    write(folder / f"w{CLEARS}.workload", load.workload)
    (folder / f"t{TURNS}").mkdir()
    return folder


def test_no_command_lets_them_through(folder: Path) -> None:
    workload, target, result = folder / f"w{CLEARS}.workload", folder / f"t{TURNS}", folder / f"r{CLEARS}.run"
    told = [
        run("inspect", workload),
        run("inspect", workload, "--json"),
        run("replay", workload, target, "--dry-run"),
        run("replay", workload, target, "-o", result, "--pace", "fast"),
        run("report", result),
        run("report", result, "--json"),
        run("report", result, "--csv", folder / "tables"),
        run("compare", workload, result),
        run("compare", workload, result, "--json"),
        run("prepare", workload, target, "--dry-run"),
        run("prepare", workload, target),
        run("prepare", "--clean", target),
        run("anonymize", workload, "-o", folder / f"x{TURNS}.workload"),
        run("report", folder / f"none{CLEARS}.run"),
        run("inspect", workload, f"--such{CLEARS}"),
        run("ingest", folder / f"none{CLEARS}.pcap"),
    ]
    for one in told:
        assert harmless(one.out), one
        assert harmless(one.err), one
    assert any(SPELLED in one.out for one in told)
    assert any(SPELLED in one.err for one in told)
    assert sum(not one.status for one in told) >= 8
    users = json.loads(told[1].out)["users"]
    assert USERS[0] in [value for row in users for value in row.values()], (
        "to a program they are what they are"
    )
    for page in folder.rglob("*.html"):
        assert harmless(page.read_text("utf-8").replace("\t", "")), page
    with (folder / "tables/mismatches.csv").open(encoding="utf-8", newline="") as file:
        table = file.read()
    assert harmless(table.replace("\r\n", "\n"))
    paths = [row["path"] for row in csv.DictReader(table.splitlines())]
    assert {path[:3] for path in paths if "=" in path} == {"' ="}
