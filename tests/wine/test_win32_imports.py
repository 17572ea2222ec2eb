"""The whole package is imported by a Windows Python, and nothing of POSIX comes with it."""

from __future__ import annotations

import importlib
import pkgutil
import re
import subprocess
import sys

import pytest

import smbench

POSIX_ONLY = {"fcntl", "grp", "posix", "pwd", "resource", "termios", "pty", "syslog"}
"""Modules of Python that Windows has not."""
FOR_LINUX = re.compile(
    r"smbench\.(executors\.(linux_|posix)|mounts\.(cifs|failures|leading|session|verify)$"
    r"|clients\.(trials|calibration)$|prepare\.(attributes|fresh|listing|removal|statx)$"
    r"|privileged\.(access|helper)$|runner\.fork$)"
)
"""Parts that serve Linux only; nothing else may need them when it is imported."""
AN_EXTRA = re.compile(r"smbench\.executors\.library")
"""Needs smbprotocol."""
EVERYTHING = [
    found.name
    for found in pkgutil.walk_packages(smbench.__path__, "smbench.")
    if not FOR_LINUX.match(found.name) and not AN_EXTRA.match(found.name)
]
PROGRAM = """
import importlib, sys
for name in sys.stdin.read().split():
    importlib.import_module(name)
print(*sys.modules)
"""


@pytest.mark.parametrize("name", EVERYTHING)
def test_a_module_is_imported(name: str) -> None:
    importlib.import_module(name)


def test_nothing_of_posix_came_with_them() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        input=" ".join(EVERYTHING), capture_output=True, text=True, check=True,
    )  # fmt: skip
    loaded = done.stdout.split()
    assert len(loaded) > 300
    assert not POSIX_ONLY & set(loaded)
    assert [name for name in loaded if FOR_LINUX.match(name)] == []


@pytest.mark.parametrize("command", ["--version", "--help", "replay --help", "doctor --help", "mount --help"])
def test_the_command_answers(command: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "smbench", *command.split()], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "smbench-mount" in done.stdout
