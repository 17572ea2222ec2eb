"""The machine and the versions of everything that a result depends on, for run.json."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from smbench import __version__
from smbench.identity import is_root
from smbench.run.surroundings import Machine

_LIBRARIES = ("hdrhistogram", "msgspec", "multiprocess", "numpy", "psutil", "pyarrow", "smbprotocol")
_CIFS_VERSION = Path("/sys/module/cifs/version")


def machine() -> Machine:
    """What tells this machine from others."""
    return Machine(name=platform.node(), processors=os.cpu_count(), as_root=is_root())


def versions() -> dict[str, str | None]:
    """Tool, interpreter, kernel, CIFS client module (None where it is not loaded) and libraries."""
    found: dict[str, str | None] = {
        "smbench-mount": __version__,
        "python": platform.python_version(),
        "system": platform.platform(),
        "kernel": platform.release(),
        "cifs": _CIFS_VERSION.read_text().strip() if _CIFS_VERSION.exists() else None,
    }
    for library in _LIBRARIES:
        try:
            found[library] = version(library)
        except PackageNotFoundError:
            found[library] = None
    return found
