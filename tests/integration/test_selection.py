"""`ingest` of a part of a capture, and what a person sees while it takes its time."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.command import THREE_USERS, TOOL, run


def ingested(tmp_path: Path, *options: str) -> dict[str, object]:
    ran = run("ingest", THREE_USERS, "-o", tmp_path / "w.workload", "--json", *options)
    assert ran.status == 0, ran.err
    document: dict[str, object] = json.loads(ran.out)
    return document


@pytest.mark.parametrize(
    ("options", "paths"),
    [
        (("--user", "user02"), r"office.*|"),
        (("--user", "USER02", "--user", "user01"), r"office.*|"),
        (("--path", "office/*"), r"office/.*"),
        (("--path", "*.MD", "--path", "projects/beta/*"), r"projects/readme\.md|projects/beta.*"),
        (("--from", "3.0"), r".*"),
        (("--share", "SHARE", "--path", "projects/*"), r"projects/.*"),
        (("--client", "127.0.0.1", "--to", "4.5"), r".*"),
    ],
)
def test_what_is_selected_is_what_is_there(tmp_path: Path, options: tuple[str, ...], paths: str) -> None:
    document = ingested(tmp_path, *options)
    coverage = document["coverage"]
    assert isinstance(coverage, dict)
    assert isinstance(document["exchanges"], int)
    assert 0 < sum(coverage.values()) == document["exchanges"] < 310
    shown = json.loads(run("inspect", tmp_path / "w.workload", "--operations", "--json").out)["operations"]
    assert shown
    for row in shown:
        assert re.fullmatch(paths, row["path"]), row
    if "--user" in options:
        wanted = {name.lower() for name in options[1::2]}
        assert {row["user"] for row in shown} == wanted
    if "--from" in options:
        assert min(row["arrival_ns"] for row in shown) >= 3.0e9
    if "--to" in options:
        assert max(row["arrival_ns"] for row in shown) <= 4.5e9


def test_parts_that_exclude_each_other_add_up(tmp_path: Path) -> None:
    (tmp_path / "before").mkdir()
    (tmp_path / "after").mkdir()
    before = ingested(tmp_path / "before", "--to", "1.9999999")
    after = ingested(tmp_path / "after", "--from", "2.0")
    assert isinstance(before["exchanges"], int)
    assert before["exchanges"] + after["exchanges"] == 310  # type: ignore[operator]


def test_a_selection_of_nothing_says_what_there_is(tmp_path: Path) -> None:
    ran = run("ingest", THREE_USERS, "-o", tmp_path / "w.workload", "--user", "nobody")
    assert ran.status == 2
    assert "user01, user02, user03" in ran.sentence
    assert not (tmp_path / "w.workload").exists()


def in_terminal(argv: list[str]) -> str:
    """What a terminal shows of a command's stderr."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        argv, stdout=subprocess.DEVNULL, stderr=theirs, env={**os.environ, "TERM": "xterm"}
    )
    os.close(theirs)
    shown = b""
    try:
        while piece := os.read(ours, 4096):
            shown += piece
    except OSError:  # the other side of a pty that is gone
        pass
    os.close(ours)
    assert process.wait() == 0
    return shown.decode()


SLOW = """
import time
from smbench.cli.common import Console
with Console().stage("reading the capture") as hear:
    for done in range(0, 101, 5):
        hear(done, 100)
        time.sleep(0.1)
"""


def test_a_terminal_shows_how_far_it_is_and_how_long_it_will_take() -> None:
    shown = in_terminal([sys.executable, "-c", SLOW])
    assert "reading the capture" in shown
    assert {int(share) for share in re.findall(r"(\d+) %", shown)} & {*range(55, 101)}
    assert re.search(r"0:00:0\d", shown)


def test_what_is_quick_or_quiet_shows_no_bar(tmp_path: Path) -> None:
    shown = in_terminal(
        [str(TOOL), "ingest", str(THREE_USERS), "-o", str(tmp_path / "w.workload"), "--quiet"]
    )
    assert shown == ""
