"""Damaged workloads, runs, profiles and accounts: one sentence, a moment, little memory."""

from __future__ import annotations

from collections.abc import Iterator

from security.row import Row
from security.script import carried_out

_MUTANTS = 1_200


def rows(short: bool) -> Iterator[Row]:
    """What scripts/mutate-artefacts says of so many."""
    count = _MUTANTS // 20 if short else _MUTANTS
    yield carried_out("damaged artefacts (scripts/mutate-artefacts)", count, "mutate-artefacts", str(count))
