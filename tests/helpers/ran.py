"""Runs that were carried out without the pipeline, as run directories."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from smbench.measure.thresholds import Threshold
from smbench.run.store import document_of, write
from smbench.runner.run import RunResult


def written(
    result: RunResult, directory: Path, thresholds: Sequence[Threshold] = (),
    client_stats: Mapping[str, Any] | None = None, configuration: Mapping[str, Any] | None = None,
    **described: Any,
) -> dict[str, Any]:  # fmt: skip
    """What run.json says then; with `described`, what else a caller of the runner knows of a run."""
    try:
        run = result.measured(directory, client_stats, thresholds)
    finally:
        result.close()
    known = msgspec.structs.replace(run.configuration, **(configuration or {}))
    return document_of(write(msgspec.structs.replace(run, configuration=known, **described), directory))
