"""What becomes tshark: within limits, ending with its parent, saying why it does not start."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from smbench import confined

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="limits and signals of Linux")


def confine(
    *program: str, memory_bytes: int = 0, cpu_s: int = 0, parent: int | None = None
) -> subprocess.CompletedProcess[str]:
    numbers = map(str, (os.getpid() if parent is None else parent, -1, -1, memory_bytes, cpu_s))
    command = [sys.executable, "-I", "-S", confined.__file__, *numbers, *program]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_it_is_that_program_with_these_limits_and_leaves_no_core() -> None:
    done = confine(
        "/bin/sh", "-c", "ulimit -v; ulimit -t; ulimit -H -t; ulimit -c", memory_bytes=1 << 30, cpu_s=7
    )
    memory, cpu, most_cpu, core = map(int, done.stdout.split())
    assert (memory << 10, cpu, most_cpu) == (1 << 30, 7, 12)
    assert core == 0, "in blocks, and 1 byte is none"


@pytest.mark.parametrize(
    ("program", "why"), [("/nowhere/tshark", "No such file or directory"), ("/etc", "Permission denied")]
)
def test_a_program_that_does_not_start_says_why(program: str, why: str) -> None:
    done = confine(program)
    assert done.returncode == confined.FAILED_STATUS
    assert done.stderr == f"{confined.FAILED}{why}\n"


def test_whose_parent_is_gone_before_it_asked_ends_at_once() -> None:
    done = confine("/bin/echo", "here", parent=2**22 + 1)
    assert (done.returncode, done.stdout) == (1, "")


def test_it_ends_with_its_parent_whatever_ends_that(tmp_path: Path) -> None:
    """Its standard output, a pipe that it alone has, comes to its end."""
    script = f"""
import os, signal, subprocess, sys
subprocess.Popen([sys.executable, "-I", "-S", {confined.__file__!r}, str(os.getpid()), "-1", "-1", "0", "0",
    "/bin/sh", "-c", "echo here; exec sleep 1000"])
input()
os.kill(os.getpid(), signal.SIGKILL)
"""
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdin is not None
        assert parent.stdout is not None
        assert parent.stdout.readline() == "here\n"
        parent.stdin.write("\n")
        parent.stdin.flush()
        assert parent.stdout.read() == ""


def test_what_it_runs_gets_no_more_rights() -> None:
    done = confine("/bin/grep", "NoNewPrivs", "/proc/self/status")
    assert done.stdout.split() == ["NoNewPrivs:", "1"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has rights to give up")
def test_root_gives_up_everything() -> None:
    numbers = map(str, (os.getpid(), 65534, 65534, 0, 0))
    command = [sys.executable, "-I", "-S", confined.__file__, *numbers, "/bin/cat", "/proc/self/status"]
    said = dict(line.split(":\t") for line in subprocess.check_output(command, text=True).splitlines())
    assert said["Uid"].split() == said["Gid"].split() == ["65534"] * 4
    assert said["Groups"].strip() == ""
    assert {name: int(said[name], 16) for name in said if name.startswith("Cap")} == dict.fromkeys(
        ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"), 0
    )
