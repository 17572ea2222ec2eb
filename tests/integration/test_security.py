"""The short form of scripts/prove-security, but for what tests of their own try already."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from helpers.command import PROJECT


@pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0, reason="the attackers are other users: as root"
)
@pytest.mark.parametrize("subject", ["names", "damaged", "traces", "copies"])
def test_nothing_is_wrong(subject: str) -> None:
    done = subprocess.run(
        [PROJECT / "scripts/prove-security", "--short", subject], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith("all as it should be\n")
