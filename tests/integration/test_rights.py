"""What the processes of a replay may do, by /proc/PID/status: proc(5), capabilities(7)."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from helpers.command import THREE_USERS, TOOL, run

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="/proc and capabilities of Linux")
OWNER = 65534


def status_of(process: psutil.Process) -> dict[str, str]:
    text = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii", errors="replace")
    return {name: value.strip() for name, _, value in (line.partition(":") for line in text.splitlines())}


@pytest.fixture
def folder() -> Iterator[Path]:
    """One that everybody may pass into."""
    with tempfile.TemporaryDirectory(prefix="smbench-rights-") as path:
        Path(path).chmod(0o755)
        yield Path(path)


def test_workers_are_ordinary_users_for_good(folder: Path) -> None:
    """Of root on a directory of somebody's, that one; of anybody else, themselves; and no way to more."""
    target = folder / "target"
    target.mkdir()
    root = os.geteuid() == 0
    if root:
        os.chown(target, OWNER, OWNER)
    assert run("ingest", THREE_USERS, "-o", folder / "w.workload").status == 0
    words = ["replay", folder / "w.workload", target, "-o", folder / "a.run", "--speed", "0.1"]
    with subprocess.Popen([TOOL, *map(str, words)], stderr=subprocess.DEVNULL) as replay:
        try:
            deadline = time.monotonic() + 60
            workers: list[dict[str, str]] = []
            while time.monotonic() < deadline:
                children = psutil.Process(replay.pid).children()
                workers = [status_of(child) for child in children]
                if len(workers) == 3 and all(one["NoNewPrivs"] == "1" for one in workers):
                    break
                time.sleep(0.02)
            assert len(workers) == 3
            limits = [Path(f"/proc/{child.pid}/limits").read_text(encoding="ascii") for child in children]
        finally:
            replay.terminate()
            replay.wait(60)
    uid = OWNER if root else os.getuid()
    for one in workers:
        assert one["NoNewPrivs"] == "1"
        assert one["Uid"].split() == [str(uid)] * 4
        assert [int(one[name], 16) for name in ("CapEff", "CapPrm", "CapInh", "CapAmb")] == [0] * 4
        if root:
            assert one["Gid"].split() == [str(OWNER)] * 4
            assert one["Groups"] == ""
            assert int(one["CapBnd"], 16) == 0
    # A byte is none, and unlike 0 pipes none to a program that stores it.
    assert all("\nMax core file size        1  " in one for one in limits)
