"""Every command of scripts/ answers --help, wherever it is called from."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from helpers.command import PROJECT

NOT_COMMANDS = {"lab-guest"}
"""What nobody calls: the first process of the lab's guest."""
COMMANDS = sorted(
    path
    for path in (PROJECT / "scripts").iterdir()
    if path.is_file() and os.access(path, os.X_OK) and path.name not in NOT_COMMANDS
)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda path: path.name)
def test_help(command: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [command, "--help"],
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.split()) > 10
    assert command.name in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_without_its_environment_a_command_says_what_makes_it(tmp_path: Path) -> None:
    (tmp_path / "scripts").mkdir()
    for name in ("bench-load", "in-venv"):
        shutil.copy(PROJECT / "scripts" / name, tmp_path / "scripts")
    done = subprocess.run(
        [tmp_path / "scripts/bench-load", "start"], capture_output=True, text=True, check=False
    )
    said = "scripts/bench-load: no .venv here; run scripts/setup first (--bench: for the benchmarks)\n"
    assert (done.returncode, done.stdout, done.stderr) == (1, "", said)


@pytest.mark.skipif(not shutil.which("shellcheck"), reason="no shellcheck here (scripts/setup --test)")
def test_shellcheck_is_content() -> None:
    shells = [path for path in (PROJECT / "scripts").iterdir() if path.is_file() and is_shell(path)]
    sourced = sorted((PROJECT / "scripts/applications").glob("*.sh"))
    assert (len(shells) > 15, len(sourced) > 20) == (True, True)
    assert shellcheck(*shells) == shellcheck("--shell=bash", "--exclude=SC2034", *sourced) == ""


def shellcheck(*arguments: str | Path) -> str:
    """What it finds; of what is sourced not that its variables are unused (SC2034)."""
    done = subprocess.run(
        ["shellcheck", "--severity=warning", *arguments], capture_output=True, text=True, check=False
    )
    return done.stdout + done.stderr


def is_shell(path: Path) -> bool:
    return re.fullmatch(r"#!.*sh", path.read_text(encoding="utf-8").partition("\n")[0]) is not None
