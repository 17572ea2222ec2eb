"""Commands to advise, as they work here: distributions have package managers and names of their own, every
Python has its own pip, and not every PATH has this tool."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

MORE_PROCESSES = "raise the limit of processes (ulimit -u; of a container or a service, its pids limit)"

_INSTALL = {
    "apt-get": "apt-get install",
    "dnf": "dnf install",
    "zypper": "zypper install",
    "pacman": "pacman -S",
}
"""Package managers by their program, and how each installs a package."""

_WIRESHARK = {"dnf": "wireshark-cli", "zypper": "wireshark", "pacman": "wireshark-cli"}
_PACKAGES = {
    "editcap": {"apt-get": "wireshark-common", **_WIRESHARK},
    "ip": {"apt-get": "iproute2", "dnf": "iproute", "zypper": "iproute2", "pacman": "iproute2"},
    "key.dns_resolver": dict.fromkeys(_INSTALL, "keyutils"),
    "linux.uml": {"apt-get": "user-mode-linux"},
    "mount.cifs": dict.fromkeys(_INSTALL, "cifs-utils"),
    "smbd": dict.fromkeys(_INSTALL, "samba"),
    "tcpdump": dict.fromkeys(_INSTALL, "tcpdump"),
    "tshark": {"apt-get": "tshark", **_WIRESHARK},
}
"""The package of every program that messages send users for, by package manager; Debian's always."""


def how_to_install(program: str) -> str:
    """The command that installs a program of the table above by this system's package manager; where that
    is none of those known here, or has no such package, what to look for."""
    packages = _PACKAGES[program]
    for manager, install in _INSTALL.items():
        if manager in packages and shutil.which(manager):
            return f"{install} {packages[manager]}"
    return f"install what Debian packages as {packages['apt-get']}"


def pip_install(requirement: str) -> str:
    """The command that installs it for the Python that runs this, which another pip would not."""
    return _line([sys.executable, "-m", "pip", "install", requirement])


def this_command() -> str:
    """How this tool is called from anywhere: sudo, for one, looks for it in a PATH of its own. Nothing of the
    current folder is a module of it (`-P`)."""
    script = Path(sys.executable).with_name("smbench-mount")
    return _line([str(script)] if script.exists() else [sys.executable, "-P", "-m", "smbench"])


def _line(words: Sequence[str]) -> str:
    """As a shell of this system takes it."""
    return subprocess.list2cmdline(words) if os.name == "nt" else shlex.join(words)
