"""Whoever reads a command's output may close it, early or before the command begins."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from helpers.command import THREE_USERS, TOOL, run


@pytest.fixture(scope="module")
def workload(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("streams")
    assert run("ingest", THREE_USERS, "-o", folder / "w.workload", "-q").status == 0
    (folder / "target").mkdir()
    return folder / "w.workload"


def shell(script: str, workload: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-c", script, "bash", TOOL, workload], cwd=workload.parent, capture_output=True, text=True,
        check=False,
    )  # fmt: skip


@pytest.mark.parametrize("more", ["", "--json", "--operations"])
def test_a_reader_that_goes_away_is_no_error(workload: Path, more: str) -> None:
    done = shell(f'"$1" inspect "$2" {more} | true; echo "${{PIPESTATUS[0]}}"', workload)
    assert (done.stdout, done.stderr) == ("0\n", "")


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", "<&- >&- 2>&-"])
@pytest.mark.parametrize("command", ['inspect "$2"', 'replay "$2" target -o a.run --force --pace fast'])
def test_closed_streams_are_none(workload: Path, command: str, closed: str) -> None:
    done = shell(f'"$1" {command} {closed}', workload)
    assert done.returncode in (0, 5), done.stderr
    assert "error" not in done.stderr
    if command.startswith("replay"):
        assert (workload.parent / "a.run" / "run.json").read_text().startswith("{")


def test_a_full_disk_behind_the_output_is_said(workload: Path) -> None:
    done = shell('"$1" inspect "$2" >/dev/full', workload)
    assert done.returncode == 3
    assert done.stderr == "smbench-mount: the operating system refused: No space left on device\n"
