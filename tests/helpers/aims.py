"""Figures beside their aims, as the scripts that measure print them."""

from __future__ import annotations

import os

MISSED: list[str] = []
"""What was told and fell short, in order."""


def told(what: str, figure: str, aim: str, met: bool) -> None:
    """Print one figure with its aim, and remember it where it falls short."""
    print(f"{what:58} {figure:>34}   aim {aim:24} {'met' if met else 'MISSED'}", flush=True)
    if not met:
        MISSED.append(what)


def at_least(aim: float, figure: float | None) -> bool:
    """Whether a share reaches its aim; one of nothing (None) does not."""
    return figure is not None and figure >= aim


def warn_if_busy() -> None:
    """Say so where other things run on this machine: figures are noisy then."""
    busy = os.getloadavg()[0] / (os.cpu_count() or 1)
    if busy > 0.5:
        print(f"this machine is busy with other things ({busy:.1f} runnable a core): the figures are noisy\n")
