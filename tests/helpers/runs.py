"""Runs that nobody replayed: what a test says of one, the least of all else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from smbench.run.model import Run

_NOTHING = dict.fromkeys(("p50_ns", "p90_ns", "p99_ns", "p99_9_ns", "max_ns"))
_LEAST: dict[str, Any] = {
    "schema": 1,
    "configuration": {"executor": "posix", "profile": "wire", "pace": "fast"},
    "start_epoch_ns": 0,
    "elapsed_s": 0.0,
    "valid": True,
    "reasons": [],
    "warnings": [],
    "stopped": None,
    "operations": {"planned": 0, "executed": 0, "skipped": 0},
    "latency": {"all": {"count": 0, "service": _NOTHING, "response": _NOTHING}},
    "lateness": _NOTHING,
    "throughput": dict.fromkeys(("operations_per_s", "read_bytes_per_s", "write_bytes_per_s")),
    "order": {"edges": 0, "violated": 0},
    "mismatches": [],
}
"""What every run has said since there are runs."""


def a_run(directory: Path = Path("a.run"), **parts: Any) -> Run:
    """The run with these parts of its run.json; `configuration` and `operations` beside the least."""
    both = {name: _LEAST[name] | parts.pop(name, {}) for name in ("configuration", "operations")}
    made = msgspec.convert({**_LEAST, **both, **parts}, Run)
    return msgspec.structs.replace(made, directory=directory)
