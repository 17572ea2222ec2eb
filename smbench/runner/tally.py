"""What the operations of a run came to, in counts."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from smbench.run.outcomes import Mismatch


@dataclass(slots=True)
class Tally:
    """What the operations came to."""

    planned: int = 0
    not_begun: int = 0
    """Of the planned: those of loops that never began."""
    executed: int = 0
    matched: int = 0
    mismatched: int = 0
    """Both of the compared."""
    errors: int = 0
    """Of the mismatched: failed here, and did not in the capture."""
    other_amounts: int = 0
    """Of the mismatched: succeeded as in the capture, with another amount."""
    skipped: int = 0
    compared: int = 0
    """Of the executed: those that the capture has an answer for."""
    measured: int = 0
    """Of the executed: those after the warm-up."""
    succeeded: int = 0
    """Of the measured: without those that failed and whose failure the capture does not have."""
    mismatches: list[Mismatch] = field(default_factory=list)
    """The first of them."""
    causes: Counter[tuple[str, str | None, str]] = field(default_factory=Counter)
    """All mismatches by kind, expectation, and outcome or how its amount compares."""
    warm_causes: Counter[tuple[str, str | None, str]] = field(default_factory=Counter)
    """Of those the ones in the warm-up."""
    own_doing: dict[tuple[str, str | None, str], str] = field(default_factory=dict)
    """Why the executor, and not the target, is their cause, where it says so."""
    read_bytes: int = 0
    written_bytes: int = 0
    """Of the measured ones."""
    out_of_descriptors: Counter[int] = field(default_factory=Counter)
    """Operations that failed because a process' (EMFILE) or the system's (ENFILE) were all used."""
