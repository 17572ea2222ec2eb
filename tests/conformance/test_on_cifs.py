"""The same stories, told to posix on CIFS mounts: the kernel's client against a real Samba, in the lab."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from conformance import test_notifications
from conformance.stories import STORIES

PROJECT = Path(__file__).parents[2]


@pytest.mark.lab
def test_the_stories_on_mounts_of_two_users() -> None:
    lab = PROJECT / "scripts" / "lab"
    files = [
        str(PROJECT / "tests/conformance" / name) for name in ("test_conformance.py", "test_notifications.py")
    ]
    inside = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "cifs-wire", *files]
    run = subprocess.run(
        [lab, "--users", "2", "--", PROJECT / "tests/conformance/in_lab.sh", *inside],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=250,
        check=False,
    )
    if run.returncode == 3:
        pytest.skip(f"no lab here: {run.stderr.strip()}")
    assert run.returncode == 0, run.stdout + run.stderr
    notifications = sum(name.startswith("test_") for name in vars(test_notifications))
    assert re.search(rf"\b{len(STORIES) + notifications} passed", run.stdout), run.stdout
