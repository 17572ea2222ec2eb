"""Packages that bring an executor, as pip leaves them behind."""

from __future__ import annotations

from pathlib import Path

from smbench.executors.registry import GROUP

COUNTING = """
from smbench.executors.null import NullExecutor

class Mine(NullExecutor):
    name = "mine"
    def statistics(self):
        return {"brought": True}
"""
"""A module whose executor leaves a trace in the result."""


def install(folder: Path, package: str, entry: str, source: str = COUNTING) -> None:
    """Put a package of one module into a folder of sys.path; `entry` is as `name = module:attribute`."""
    module = entry.partition("=")[2].partition(":")[0].strip()
    (folder / f"{module}.py").write_text(source, encoding="utf-8")
    about = folder / f"{package.replace('-', '_')}-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(f"[{GROUP}]\n{entry}\n")
