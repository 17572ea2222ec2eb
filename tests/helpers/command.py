"""The command line as a user runs it: a process, its output and its exit status."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

TOOL = Path(sys.executable).parent / "smbench-mount"
PROJECT = Path(__file__).resolve().parents[2]
THREE_USERS = PROJECT / "tests" / "captures" / "three-users.pcap"


@dataclass(frozen=True, slots=True)
class Ran:
    status: int
    out: str
    err: str

    @property
    def sentence(self) -> str:
        """What an error is to be: one line on stderr, and nothing else."""
        lines = self.err.strip().splitlines()
        assert len(lines) == 1, self.err
        return lines[0]


def run(*arguments: str | Path, cwd: Path | None = None, timeout_s: float = 120) -> Ran:
    """`smbench-mount` with these arguments. No traceback may ever reach a user."""
    done = subprocess.run(
        [TOOL, *map(str, arguments)], capture_output=True, text=True, timeout=timeout_s, cwd=cwd, check=False
    )
    assert "Traceback" not in done.stdout + done.stderr, done.stderr
    return Ran(done.returncode, done.stdout, done.stderr)
