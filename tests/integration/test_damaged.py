"""Whatever happens to a stored artefact, the commands that read it say so in a sentence, or are right."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.damaged import GOOD, REFUSED, SUBJECTS, Bench

SEED, CASES, PARTS = 12, 300, 10
"""Cases are spread over the files of artefacts: each has as many."""


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return Bench(tmp_path_factory.mktemp("damaged") / "whole")


@pytest.mark.long
@pytest.mark.parametrize("part", range(PARTS))
def test_damaged_artefacts_end_in_a_sentence(bench: Bench, part: int) -> None:
    cases = [bench.one(SEED, number) for number in range(part * CASES // PARTS, (part + 1) * CASES // PARTS)]
    strange = [str(case) for case in cases if case.fate not in GOOD]
    assert not strange, "\n".join(strange)
    # Damage that does nothing would show nothing.
    assert sum(case.fate == REFUSED for case in cases) > len(cases) // 2


def test_what_is_whole_is_read(bench: Bench) -> None:
    """The measure of every case: each command that reads a file reads it where nothing is damaged."""
    commands = {command for subject in SUBJECTS for command in subject.commands}
    said = [bench.whole(command) for command in sorted(commands) if command[1] != "search.run"]
    assert all(said)


def test_every_file_of_an_artefact_is_damaged(bench: Bench) -> None:
    damaged = {subject.path for subject in SUBJECTS}
    for name in ("three.workload", "posix.run"):
        files = {f"{name}/{path.name}" for path in Path(bench.folder / name).iterdir()}
        assert files - {"posix.run/report.html"} <= damaged
