"""`smbench-mount ingest`: capture → Trace → Workload."""

from __future__ import annotations

import os
from pathlib import Path

import click

from smbench.cli.artefacts import default_output, whole
from smbench.cli.common import Console, common_options
from smbench.report.inspection import inspection, show_inspection
from smbench.workload.model import Workload
from smbench.workload.store import MANIFEST


def ingest_captures(
    captures: list[Path], output: Path, console: Console, decode: DecodeOptions, selection: Selection, force: bool
) -> Workload:
    """Decode and lift captures into the workload directory `output`, and read it back."""
    from smbench.capture.decode import decode as decode_captures
    from smbench.lift.lift import lift
    from smbench.workload.store import read

    with whole(output, ".workload", MANIFEST, force) as draft:
        with console.progress("reading the capture") as progress:
            trace = decode_captures(captures, draft, decode, progress)
        lift(trace, draft, selection)
    return read(output)
