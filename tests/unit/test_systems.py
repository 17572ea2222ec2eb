"""On Linux nothing of Windows is imported, although all of the command line is."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
import importlib, pkgutil, sys
import smbench
for found in pkgutil.walk_packages(smbench.__path__, "smbench."):
    name = found.name
    if "win32" in name or "windows" in name or "library" in name or name == "smbench.__main__":
        continue
    importlib.import_module(name)
of_windows = (m for m in sys.modules if m.startswith("smbench") and ("win32" in m or "windows" in m))
# A package holds nothing but its docstring; walking imports it.
print(sorted(m for m in of_windows if not hasattr(sys.modules[m], "__path__")))
"""
ALLOWED = ["smbench.runner.job_windows"]
"""A module that imports nothing of Windows before it is called there."""


@pytest.mark.skipif(sys.platform != "linux", reason="what Windows imports is tested by tests/wine")
def test_nothing_of_windows_is_imported_here() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() in ("[]", str(ALLOWED))
