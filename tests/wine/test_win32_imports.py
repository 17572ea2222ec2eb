"""The whole package is imported by a Windows Python, and nothing of POSIX comes with it."""

from __future__ import annotations

import importlib
import pkgutil
import subprocess
import sys

import pytest

import smbench

POSIX_ONLY = {"fcntl", "grp", "posix", "pwd", "resource", "termios", "pty", "syslog"}
"""Modules of Python that Windows has not."""
NOT_HERE = (
    "smbench.executors.linux_",
    "smbench.executors.posix",
    "smbench.executors.library",  # an extra, which needs smbprotocol
    "smbench.mounts.cifs",
    "smbench.mounts.failures",
    "smbench.mounts.session",
    "smbench.mounts.verify",
    "smbench.prepare.check",
    "smbench.prepare.fresh",
    "smbench.prepare.make",
)
"""Parts that serve Linux only; nothing else may need them when it is imported."""
PROGRAM = """
import importlib, pkgutil, sys, smbench
for found in pkgutil.walk_packages(smbench.__path__, "smbench."):
    if not found.name.startswith(tuple(sys.argv[1:])):
        importlib.import_module(found.name)
print(*sys.modules)
"""
EVERYTHING = [
    found.name
    for found in pkgutil.walk_packages(smbench.__path__, "smbench.")
    if not found.name.startswith(NOT_HERE)
]


@pytest.mark.parametrize("name", EVERYTHING)
def test_a_module_is_imported(name: str) -> None:
    importlib.import_module(name)


def test_nothing_of_posix_came_with_them() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *NOT_HERE], capture_output=True, text=True, check=True
    )
    loaded = done.stdout.split()
    assert len(loaded) > 300
    assert not POSIX_ONLY & set(loaded)
    assert [name for name in loaded if name.startswith(NOT_HERE)] == []


@pytest.mark.parametrize("command", ["--version", "--help", "replay --help", "doctor --help", "mount --help"])
def test_the_command_answers(command: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "smbench", *command.split()], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "smbench-mount" in done.stdout
