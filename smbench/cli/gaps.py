"""The warning of gaps in a workload, which ingest, inspect and replay give alike."""

from __future__ import annotations

from typing import Any

from smbench.cli.common import Console
from smbench.report.gaps import gaps_warning


def warn_of_gaps(console: Console, gaps: dict[str, Any]) -> None:
    """`gaps` as `smbench.report.gaps.gaps_document` has them."""
    if (text := gaps_warning(gaps)) is not None:
        console.warn(text)
