"""The README's first command, with the lab and without."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from helpers.guest import LAB, ROOT


def demo(keep: Path, **environment: str) -> tuple[str, dict[str, Any]]:
    """What the demo printed, and the result that it left."""
    done = subprocess.run(
        [ROOT / "scripts/demo", "--keep", keep],
        env={**os.environ, **environment}, capture_output=True, text=True, timeout=200, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    return done.stdout + done.stderr, json.loads((keep / "three-users.run" / "run.json").read_text())


@LAB[0]
@LAB[1]
def test_it_ends_in_a_report_of_three_mounts_and_a_lease_break(tmp_path: Path) -> None:
    said, document = demo(tmp_path)
    assert len({mount["connection"]["id"] for mount in document["mounts"]}) == 3
    assert document["client"]["lease_breaks_acknowledged"] >= 1
    assert document["operations"]["matched"] == document["operations"]["planned"] > 100
    assert "lease breaks acknowledged" in said


def test_without_a_lab_it_replays_on_a_directory_and_says_so(tmp_path: Path) -> None:
    said, document = demo(tmp_path, SMBENCH_DEMO_TARGET="directory")
    assert "the replay runs on a plain directory" in said
    assert document["operations"]["executed"] == document["operations"]["planned"] > 100


def test_what_it_says_that_it_wrote_is_there_from_the_callers_folder(tmp_path: Path) -> None:
    here = tmp_path / "called from"
    here.mkdir()
    done = subprocess.run(
        [ROOT / "scripts/demo", "--keep", "../kept here"], cwd=here,
        env={**os.environ, "SMBENCH_DEMO_TARGET": "directory"}, capture_output=True, text=True, timeout=200,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    lines = (done.stdout + done.stderr).splitlines()
    written = [line.removeprefix("written: ") for line in lines if line.startswith("written: ")]
    assert written == ["../kept here/three-users.workload", "../kept here/three-users.run"]
    assert all((here / name).is_dir() for name in written)


def test_what_is_not_kept_is_not_said_to_be_written() -> None:
    done = subprocess.run(
        [ROOT / "scripts/demo"], env={**os.environ, "SMBENCH_DEMO_TARGET": "directory"},
        capture_output=True, text=True, timeout=200, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "\nwritten:" not in done.stdout + done.stderr
