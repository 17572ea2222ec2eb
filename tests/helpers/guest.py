"""Stories told in the lab's guest: it boots once a module and runs a file of tests there as root.

`Guest(inside, out)` boots it; `tell(story)` passes or fails as the test of that name did in the guest;
`stories_of(inside)` names them, so that each is reported as a test of its own.
"""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

UML = Path(f"{os.environ.get('LAB_UML', '')}/usr")
"""Where the lab's kernel and its modules stand (scripts/lab --help)."""
needs_kernel = pytest.mark.skipif(
    not (UML / "bin/linux.uml").exists(), reason=f"no {UML}/bin/linux.uml (package user-mode-linux)"
)
_STORY_S, _GUEST_S = 150, 600
"""When a story, and a guest with all of its own, are taken for hanging: several times what they take."""
LAB = [pytest.mark.lab, needs_kernel, pytest.mark.timeout(_GUEST_S + 60)]
"""The marks of a module whose tests need the lab; the first of them waits for all that its guest tells."""


def stories_of(inside: Path) -> list[str]:
    """The names of the tests in a file that runs in the guest."""
    return [
        node.name
        for node in ast.parse(inside.read_text()).body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    ]


class Guest:
    """What the guest's pytest said of each story (parametrised cases belong to one story)."""

    def __init__(
        self, inside: Path, out: Path, users: int = 3, deadline_s: int = _GUEST_S,
        smb_conf: Sequence[str] = (), environment: Mapping[str, str] | None = None, kernel: str | None = None,
        only: str = "", story_s: int = _STORY_S,
    ) -> None:  # fmt: skip
        report = out / "report.xml"
        lines = [argument for line in smb_conf for argument in ("--smb-conf", line)]
        lines += [] if kernel is None else ["--kernel", kernel]
        tests: list[str | Path] = [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            f"--timeout={story_s}",
            f"--junitxml={report}",
            f"-k={only}",
            inside,
        ]
        run = subprocess.run(
            [ROOT / "scripts/lab", "--users", str(users), "--out", out, "--deadline", str(deadline_s), *lines,
             "--", *tests],
            cwd=ROOT, capture_output=True, text=True, check=False, env={**os.environ, **(environment or {})},
        )  # fmt: skip
        assert report.exists(), run.stdout + run.stderr
        self._cases: dict[str, list[ET.Element]] = {}
        for case in ET.parse(report).iter("testcase"):
            self._cases.setdefault(case.attrib["name"].partition("[")[0], []).append(case)

    def tell(self, story: str) -> None:
        """Pass or fail here as the story did there."""
        assert self._cases.get(story), f"the guest never came to {story}"
        parts = [part for case in self._cases[story] for part in case]
        failed = [part.text or "" for part in parts if part.tag in ("failure", "error")]
        assert not failed, "\n".join(failed)
        skipped = [part.attrib.get("message", "") for part in parts if part.tag == "skipped"]
        if skipped:
            pytest.skip(f"in the guest: {'; '.join(skipped)}")
