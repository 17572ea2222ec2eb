"""Sides of a comparison, made of stories and traces."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from helpers.story import Wire

from smbench.fidelity.sides import Side, read_dispositions
from smbench.lift.lift import lift
from smbench.trace.model import Trace


def side_of(told: Wire | Trace, folder: Path, **fields: Any) -> Side:
    """A story or a trace as a side named like the folder that it is lifted into."""
    trace = told.trace() if isinstance(told, Wire) else told
    lift(trace, folder)
    return Side(folder.name, trace.info, list(trace.exchanges), read_dispositions(folder), **fields)
