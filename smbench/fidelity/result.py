"""The result of a comparison: the reference, and each candidate by its wire, its operations or both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from smbench.fidelity.comparison import Comparison, Outcomes
from smbench.fidelity.outcomes import KindOutcomes, RunOutcomes
from smbench.fidelity.rows import Rows
from smbench.fidelity.sides import Side

Both = tuple[int, int]
"""Of the reference and of the candidate."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One candidate held against the reference."""

    name: str
    wire: Comparison | None
    """Exchange by exchange; None of a run without a wire capture."""
    run: RunOutcomes | None
    """Operation by operation; None of what is no run of the reference's workload."""
    notes: Sequence[str] = ()
    """What was taken for granted, and what could not be compared."""

    @property
    def outcomes(self) -> Outcomes | KindOutcomes | None:
        """How many ended the same: exchanges where there is a wire, else operations; None where nothing
        was compared."""
        if self.wire is not None:
            return self.wire.outcomes
        return self.run.total if self.run is not None and self.run.compared else None

    @property
    def moved(self) -> tuple[Both, Both] | None:
        """Bytes read, and bytes written; None where nothing was compared."""
        if self.wire is not None:
            ours, theirs = (rows.tally for rows in self.wire.rows)
            return (ours.read_bytes, theirs.read_bytes), (ours.written_bytes, theirs.written_bytes)
        if self.run is None or not self.run.compared:
            return None
        return self.run.read_bytes, self.run.written_bytes


@dataclass(frozen=True, slots=True, weakref_slot=True)
class Result:
    """Candidates held against one reference."""

    reference: Side
    candidates: Sequence[Candidate]

    @property
    def wired(self) -> list[tuple[str, Comparison]]:
        """The candidates that have a wire."""
        return [(one.name, one.wire) for one in self.candidates if one.wire is not None]

    @property
    def runs(self) -> list[tuple[str, RunOutcomes]]:
        """The candidates that are runs of the reference's workload."""
        return [(one.name, one.run) for one in self.candidates if one.run is not None]

    @property
    def rows(self) -> Rows | None:
        """What of the reference a replay is answerable for, where anything was compared by wire."""
        return next((compared.rows[0] for _, compared in self.wired), None)


def counted(reference: Mapping[str, int], candidate: Mapping[str, int]) -> dict[str, Both]:
    """What is counted on either side, most of the reference's first."""
    names = sorted({*reference, *candidate}, key=lambda name: (-reference.get(name, 0), name))
    return {name: (reference.get(name, 0), candidate.get(name, 0)) for name in names}


def alone(compared: Comparison) -> dict[str, list[str]]:
    """By side, the users that the other has nobody for."""
    paired = {pair.reference for pair in compared.users}, {pair.candidate for pair in compared.users}
    return {
        side: [rows.users[user] for user in rows.senders() if user not in known]
        for side, rows, known in zip(("reference", "candidate"), compared.rows, paired, strict=True)
    }
