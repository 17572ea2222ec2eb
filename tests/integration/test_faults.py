"""The short form of scripts/prove-faults: each case is right."""

from __future__ import annotations

import subprocess

import pytest
from helpers.command import PROJECT


@pytest.mark.long
@pytest.mark.timeout(600)
def test_what_is_injected_costs_no_record_and_leaves_nothing() -> None:
    done = subprocess.run(
        [PROJECT / "scripts/prove-faults", "--short", "--no-lab"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "9 cases, 0 wrong" in done.stdout
