"""The exit statuses that a run asks for, beside those of errors (`smbench.errors`) and of signals."""

from __future__ import annotations

from smbench.run.model import Run
from smbench.run.status import KILLED
from smbench.signals import exit_status

MISMATCHED = 4
"""More outcomes differ than --max-mismatch allows."""
NOT_VALID = 5
"""The harness itself was at fault."""
MISSED = 99
"""A threshold."""
KILLED_STATUS = 137
"""What a shell says of a process that SIGKILL ended: of a run whose controller did not come to its end."""


def stopped_status(stopped: str | None) -> int | None:
    """The exit status of what a signal ended; None where none did."""
    return KILLED_STATUS if stopped == KILLED else exit_status(stopped)


def status_of(run: Run, mismatched: bool = False) -> int:
    """The exit status that a run asks for; the first that applies. `mismatched`: more outcomes differ than
    are allowed."""
    if (status := stopped_status(run.stopped)) is not None:
        return status
    if not run.valid:
        return NOT_VALID
    if any(not threshold.met for threshold in run.thresholds):
        return MISSED
    return MISMATCHED if mismatched else 0
