"""doctor advises what can be done where it runs."""

from __future__ import annotations

import os
import re
import shutil
import tomllib
from pathlib import Path

import pytest
from helpers.command import PROJECT

from smbench.advice import pip_install
from smbench.cli import doctor
from smbench.cli.common import Console
from smbench.cli.findings import Finding


def test_the_libraries_are_those_of_the_project() -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    everywhere = {line.split(">")[0] for line in project["dependencies"] if ";" not in line}
    assert set(doctor._LIBRARIES) == everywhere
    assert [line.split(">")[0] for line in project["optional-dependencies"]["library"]] == ["smbprotocol"]


@pytest.fixture
def nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine with no program, no library, no rights; gives where the lab would be."""
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(doctor, "_LIBRARIES", ("no-such-library",))
    monkeypatch.setattr(doctor, "_LAB", tmp_path / "lab")
    return tmp_path / "lab"


def advised() -> list[Finding]:
    return [*doctor._python(), *doctor._programs(), *doctor._kernel(), *doctor._limits()]


def test_beside_an_installed_package_there_is_no_lab(nothing: Path) -> None:
    findings = advised()
    assert {finding.what for finding in findings} >= {"mount.cifs", "tcpdump", "editcap", "root"}
    assert not [finding for finding in findings if "the lab" in finding.needed_for]
    assert not [finding for finding in findings if re.search(r"\bscripts/(setup|lab)\b", finding.mend)]


def test_in_the_projects_folder_there_is(nothing: Path) -> None:
    nothing.touch()
    findings = {finding.what: finding for finding in advised()}
    assert findings["smbd"].needed_for == "the lab's server"
    assert findings["linux.uml"].mend == "install what Debian packages as user-mode-linux"
    if not findings["kernel CIFS client"].ok:
        assert findings["kernel CIFS client"].mend.endswith("or in scripts/lab")


def test_the_lab_is_found_from_the_projects_folder_only() -> None:
    in_place = Path(doctor.__file__).is_relative_to(PROJECT / "smbench")
    assert doctor._LAB.exists() == in_place


def test_everything_that_is_missing_has_an_advice(nothing: Path) -> None:
    assert not [finding.what for finding in advised() if not finding.ok and not finding.mend]
    assert next(f for f in advised() if f.what == "library no-such-library").mend.endswith(
        "-m pip install no-such-library"
    )
    assert next(f for f in advised() if f.what == "root").mend.startswith("sudo /")


def test_what_is_shown_is_what_is_advised(capsys: pytest.CaptureFixture[str]) -> None:
    """A requirement's extra in brackets is no markup."""
    mend = pip_install("smbench-mount[library]")
    doctor._show([Finding("library x", False, "missing [/red]", "y", mend)], Console().out)
    assert capsys.readouterr().out.splitlines()[1].split("  ")[-1].strip() == mend
