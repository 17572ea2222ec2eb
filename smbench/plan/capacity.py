"""The search for the capacity: which number of clones to try next. Pure."""

from __future__ import annotations

from collections.abc import Generator

RESOLUTION = 20
"""The search ends where the capacity is known to one part in so many."""


def clones_to_try(start: int, most: int) -> Generator[int, bool, int]:
    """Yields numbers of clones, is sent whether each held, and returns the largest that did (0: none).

    It doubles from `start` (up to `most`) until one breaks, or halves until one holds, then halves the
    interval between them.
    """
    number = min(start, most)
    holds, breaks = 0, most + 1
    while True:
        if (yield number):
            holds = number
            if number == most:
                return holds
        else:
            breaks = number
        if holds and breaks > most:
            number = min(2 * holds, most)
        elif not holds:
            number = breaks // 2
        elif breaks - holds <= max(1, holds // RESOLUTION):
            return holds
        else:
            number = (holds + breaks) // 2
        if not number:
            return 0
