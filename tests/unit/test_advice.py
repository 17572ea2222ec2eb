"""Commands that are advised are those of this system."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from smbench import advice
from smbench.advice import how_to_install, pip_install, this_command

PACKAGE = Path(advice.__file__).parent


@pytest.mark.parametrize(
    ("here", "program", "command"),
    [
        ("apt-get", "editcap", "apt-get install wireshark-common"),
        ("dnf", "editcap", "dnf install wireshark-cli"),
        ("dnf", "ip", "dnf install iproute"),
        ("zypper", "tshark", "zypper install wireshark"),
        ("pacman", "mount.cifs", "pacman -S cifs-utils"),
        ("dnf", "linux.uml", "install what Debian packages as user-mode-linux"),
        ("apk", "tcpdump", "install what Debian packages as tcpdump"),
    ],
)
def test_by_the_package_manager_that_is_here(
    here: str, program: str, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}" if name == here else None)
    assert how_to_install(program) == command


def test_no_message_knows_a_package_manager_by_itself() -> None:
    named = re.compile(r"\b(apt|apt-get|dnf|yum|zypper|pacman) (install|-S)\b")
    found = {
        str(path.relative_to(PACKAGE))
        for path in PACKAGE.rglob("*.py")
        if named.search(path.read_text(encoding="utf-8"))
    }
    assert found == {"advice.py"}


def test_pip_is_this_pythons() -> None:
    words = shlex.split(pip_install("smbench-mount[library]"))
    assert words == [sys.executable, "-m", "pip", "install", "smbench-mount[library]"]
    assert subprocess.run([*words[:3], "--version"], capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize("script", [True, False])
def test_this_command_needs_no_path(script: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not script:
        (tmp_path / "python").symlink_to(sys.executable)
        monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    words = shlex.split(this_command())
    assert Path(words[0]).is_absolute()
    assert len(words) == (1 if script else 4)
    monkeypatch.undo()
    if not script:
        words[0] = sys.executable
    said = subprocess.run([*words, "--version"], capture_output=True, text=True, check=True, env={})
    assert said.stdout.startswith("smbench-mount, version ")
