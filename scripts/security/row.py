"""A line of the table."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Row:
    """What was tried, how often, and what went wrong."""

    what: str
    cases: int = 0
    wrong: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """What else is to be known: figures, tallies."""
