"""What scripts/lab refuses before it boots; a script that boots it leaves nothing when it is ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from helpers.command import PROJECT

LAB = PROJECT / "scripts" / "lab"


@pytest.mark.parametrize(
    ("option", "value", "says"),
    [
        ("--mem", "x", "--mem takes a number with K, M or G behind it, from 64M to the"),
        ("--mem", "1500", "not '1500'"),
        ("--mem", "0M", "not '0M'"),
        ("--mem", "63M", "not '63M'"),
        ("--mem", "1.5G", "not '1.5G'"),
        ("--mem", "1500MB", "not '1500MB'"),
        ("--mem", "999999G", "not '999999G'"),
        ("--mem", "M", "not 'M'"),
        ("--out", "", "--out: the name of a folder is empty"),
        ("--out", "a file", "a file is no folder"),
        ("--out", "a file/in it", "a file is no folder"),
        ("--out", "nowhere", "nowhere is no folder"),
        ("--out", "n" * 300, "File name too long"),
        ("--deadline", "0", "--deadline takes a number of seconds above 0"),
        ("--boot-deadline", "nan", "--boot-deadline takes a number of seconds above 0"),
    ],
)
def test_a_wrong_value_is_explained(tmp_path: Path, option: str, value: str, says: str) -> None:
    (tmp_path / "a file").write_text("x")
    (tmp_path / "nowhere").symlink_to("/no/such/folder")
    done = subprocess.run(
        [LAB, option, value, "--", "true"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    usage, said = done.stderr.splitlines()
    assert usage.startswith("usage: ")
    assert says in said
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a file", "nowhere"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_one_may_not_write(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    done = subprocess.run([LAB, "--out", tmp_path / "out", "--", "true"], capture_output=True, check=False)
    tmp_path.chmod(0o700)
    assert done.returncode == 2
    assert b"you may not write into" in done.stderr


BOOTS = """
import sys
from pathlib import Path
from helpers import boot
boot.LAB = Path(sys.argv[1])
sys.exit(boot.boot(Path(sys.argv[2]), *sys.argv[3:]))
"""
FAKE = """#!/bin/sh
# As the lab does: it writes, waits, and cleans up when a signal comes.
mkdir -p "$2" && echo half >"$2/half" && mkdir "$2/.draft" && echo x >"$2/.draft/x"
trap 'sleep 0.3; echo cleaned up >log; exit 99' INT TERM HUP
shift; echo "$$" >pid
case $2 in
    wait) i=0; while [ $i -lt 300 ]; do sleep 0.1; i=$((i + 1)); done ;;
    *) exit "$2" ;;
esac
"""


@pytest.fixture
def fake(tmp_path: Path) -> Path:
    lab = tmp_path / "lab"
    lab.write_text(FAKE)
    lab.chmod(0o755)
    return lab


def started(fake: Path, argument: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", BOOTS, fake, "out", argument],
        cwd=fake.parent, env={**os.environ, "PYTHONPATH": str(PROJECT / "tests")},
    )  # fmt: skip


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_what_ends_a_script_ends_its_lab_first(fake: Path, name: str, before: bool) -> None:
    out = fake.parent / "out"
    if before:
        out.mkdir()
        (out / "earlier").write_text("mine")
    script = started(fake, "wait")
    until = time.monotonic() + 30
    while not (fake.parent / "pid").exists() or not (fake.parent / "pid").read_text():
        assert time.monotonic() < until
        time.sleep(0.02)
    lab = int((fake.parent / "pid").read_text())
    script.send_signal(signal.Signals[name])
    assert script.wait(30) == 128 + signal.Signals[name]
    assert not psutil.pid_exists(lab)
    assert (fake.parent / "log").read_text() == "cleaned up\n"
    assert [path.name for path in out.iterdir()] == ["earlier"] if before else not out.exists()


@pytest.mark.parametrize(("status", "kept"), [(0, True), (1, True), (3, False), (124, False), (125, False)])
def test_results_are_kept_of_what_was_carried_out(fake: Path, status: int, kept: bool) -> None:
    assert started(fake, str(status)).wait(30) == status
    assert (fake.parent / "out" / "half").exists() == kept
    assert (fake.parent / "out").exists() == kept
