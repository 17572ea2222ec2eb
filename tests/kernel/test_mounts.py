"""Mounts, prepare and the client's counters against a real cifs.ko and a real smbd.

The lab boots once, runs `mounts_inside.py` in its guest, and each story there is reported as a test here.
"""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
INSIDE = Path(__file__).with_name("mounts_inside.py")
STORIES = [
    node.name
    for node in ast.parse(INSIDE.read_text()).body
    if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
]

pytestmark = [
    pytest.mark.lab,
    pytest.mark.skipif(
        shutil.which("linux.uml") is None, reason="no linux.uml here (package user-mode-linux)"
    ),
]


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[ET.Element]]:
    """The guest's test cases by the story that they belong to."""
    out = tmp_path_factory.mktemp("lab")
    report = out / "report.xml"
    run = subprocess.run(
        [ROOT / "scripts/lab", "--users", "3", "--out", out, "--deadline", "240", "--", "sh", "-c",
         f'exec {sys.executable} -m pytest -q -p no:cacheprovider --junitxml="$LAB_OUT/report.xml" {INSIDE}'],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert report.exists(), run.stdout + run.stderr
    cases: dict[str, list[ET.Element]] = {}
    for case in ET.parse(report).iter("testcase"):
        cases.setdefault(case.attrib["name"].partition("[")[0], []).append(case)
    return cases


@pytest.mark.parametrize("story", STORIES)
def test_in_the_lab(results: dict[str, list[ET.Element]], story: str) -> None:
    assert results.get(story), "the guest never came to it"
    failed = [part.text or "" for case in results[story] for part in case if part.tag in ("failure", "error")]
    assert not failed, "\n".join(failed)
