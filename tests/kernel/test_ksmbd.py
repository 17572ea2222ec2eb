"""The kernel's own SMB server, in a stock kernel that qemu computes: a mount and a replay on it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.command import THREE_USERS
from helpers.guest import ROOT
from lab_parts import LabError, stock_parts

_S = 900
"""When it is taken for hanging: several times what it takes beside other tests."""


@pytest.mark.lab
@pytest.mark.timeout(_S + 60)
def test_the_shipped_capture_ends_on_it_as_captured(tmp_path: Path) -> None:
    try:
        stock_parts("ksmbd", "/usr/bin:/usr/sbin:/bin:/sbin")
    except LabError as error:
        pytest.skip(str(error))
    words = [
        sys.executable,
        "-m",
        "smbench",
        "replay",
        str(THREE_USERS),
        "//127.0.0.1/share",
        "--pace",
        "fast",
    ]
    inside = f'lsmod >$LAB_OUT/modules; exec {" ".join(words)} --users "$LAB_USERS" -o "$LAB_OUT/a.run"'
    ran = subprocess.run(
        [ROOT / "scripts/lab", "--server", "ksmbd", "--out", tmp_path, "--deadline", str(_S),
         "--", "sh", "-c", inside],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "\nksmbd " in (tmp_path / "modules").read_text()
    document = json.loads((tmp_path / "a.run/run.json").read_text())
    assert document["operations"]["matched"] == document["operations"]["planned"] == 127, document["causes"]
    assert {mount["connection"]["dialect"] for mount in document["mounts"]} == {"3.1.1"}
    assert document["client_profile"]["name"] == "linux-6.12"
