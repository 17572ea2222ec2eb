"""What a test leaves running."""

from __future__ import annotations

import psutil

_PYTHONS_OWN = ("multiprocessing.forkserver", "multiprocessing.resource_tracker")
"""What the start method forkserver keeps for as long as the process lives, whoever used it before."""


def left_running() -> list[psutil.Process]:
    """The processes that this one has started and that have not ended."""
    return [one for one in psutil.Process().children() if not _is_pythons_own(one)]


def _is_pythons_own(process: psutil.Process) -> bool:
    try:
        said = " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return False
    return any(module in said for module in _PYTHONS_OWN)
