"""Output that nobody reads or that finds no room: the files are written all the same, and the exit status is
that of the work, or says that the result was lost."""

from __future__ import annotations

import json
import shlex
import subprocess
from pathlib import Path

import pytest
from helpers.command import TOOL
from helpers.load import CREATE, Load

from smbench.workload.calls import Stat
from smbench.workload.store import write

READ = "sh -c 'head -1 >/dev/null'"
GONE, FULL, CLOSED = f"| {READ}", "> /dev/full", ">&-"
FILES = ("run.json", "operations.parquet", "latency.hlog", "report.html")


@pytest.fixture
def workload(tmp_path: Path) -> Path:
    load = Load(["alice"])
    for number in range(200):
        load.opens(0, number, f"f{number}", CREATE)
        load.closes(0, number)
    load.add(0, Stat("nowhere"))  # which is there in the capture
    write(tmp_path / "told.workload", load.workload)
    (tmp_path / "target").mkdir()
    return tmp_path / "told.workload"


def ran(folder: Path, behind: str, *arguments: str) -> tuple[int, str]:
    """The exit status of the command (not of what reads from it), and what it said on stderr."""
    command = f"{shlex.join([str(TOOL), *arguments])} {behind}; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(
        ["bash", "-c", command], cwd=folder, stderr=subprocess.PIPE, text=True, timeout=60, check=False
    )
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
    return done.returncode, done.stderr


def replay(workload: Path, behind: str, *options: str) -> tuple[int, str]:
    return ran(
        workload.parent, behind, "replay", workload.name, "target", "-o", "a.run", "--pace", "fast", *options
    )


@pytest.mark.parametrize(("behind", "status", "why"), [
    (GONE, 0, ""), (FULL, 3, "No space left on device"), (CLOSED, 3, "Bad file descriptor"),
])  # fmt: skip
@pytest.mark.parametrize("form", ["-q", "--json"])
def test_a_result_that_nobody_could_have_is_told_and_the_files_are_there(workload, behind, status, why, form):
    got, said = replay(workload, behind, form)
    assert got == status
    told = [line for line in said.splitlines() if "standard output" in line]
    assert told == ([f"smbench-mount: the standard output cannot be written: {why}"] if why else [])
    for name in FILES:
        assert (workload.parent / "a.run" / name).is_file()
    assert json.loads((workload.parent / "a.run/run.json").read_text())["operations"]["executed"] == 401


@pytest.mark.parametrize("behind", [GONE, FULL, CLOSED])
@pytest.mark.parametrize(
    ("options", "status"), [(["--threshold", "mismatches.count==0"], 99), (["--max-mismatch", "0"], 4)]
)
def test_the_exit_status_is_that_of_the_work(workload, behind, options, status):
    assert replay(workload, behind, *options)[0] == status


def test_who_reads_neither_what_is_said_nor_the_result_changes_nothing(workload):
    for number, behind in enumerate(("2>&1 | true", "2>&-", "2>/dev/full >/dev/null", ">&- 2>&-")):
        status, _ = replay(workload, behind, "--threshold", "mismatches.count==0", "--force")
        assert status == 99, (number, behind)
        assert json.loads((workload.parent / "a.run/run.json").read_text())["thresholds"][0]["met"] is False


@pytest.mark.parametrize(
    "arguments", [["--help"], ["--version"], ["replay", "--help"], ["completion", "bash"]]
)
def test_all_that_is_printed_is_printed_so(workload, arguments):
    assert ran(workload.parent, GONE, *arguments) == (0, "")
    for behind in (FULL, CLOSED):
        status, said = ran(workload.parent, behind, *arguments)
        assert status == 3
        assert said.startswith("smbench-mount: the standard output cannot be written: ")


def test_what_is_printed_goes_into_no_file_where_the_streams_are_closed(workload):
    replay(workload, "<&- >&- 2>&-")
    before = {path.name: path.read_bytes() for path in (workload.parent / "a.run").iterdir()}
    json.loads(before["run.json"])
    assert b"operations/s" not in before["latency.hlog"]
