"""Golden files: what a command said once, reviewed as code. SMBENCH_REWRITE_GOLDEN=1 writes them anew."""

from __future__ import annotations

import os
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1] / "golden"


def assert_golden(name: str, said: str) -> None:
    """`said` is what `tests/golden/<name>` holds."""
    path = FOLDER / name
    if os.environ.get("SMBENCH_REWRITE_GOLDEN"):
        path.write_text(said, encoding="utf-8")
    assert said == path.read_text(encoding="utf-8"), (
        f"{name} has changed; if that is meant: SMBENCH_REWRITE_GOLDEN=1"
    )
