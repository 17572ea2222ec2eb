"""One table of kernels and workloads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from bench.fidelity.kernels import PAIRS, ROWS, Pair, every, table, write_rows
from bench.fidelity.row import Cause

from .test_fidelity import GOOD

SIX, SEVEN = PAIRS[0], PAIRS[-1]


def test_each_workload_is_a_line_and_another_for_what_the_first_captured() -> None:
    tables = {
        SIX: [replace(GOOD, name="tar", recall=1.0, precision=1.0)],
        SEVEN: [
            replace(GOOD, name="tar", recall=1.0, precision=0.99),
            replace(GOOD, name="tar", by="library", recall=0.5),
            replace(GOOD, name="tar.pcapng", recall=0.9, precision=1.0),
        ],
    }
    lines = [" ".join(line.split()) for line in table(tables)]
    assert lines[:3] == [
        "recall, precision 6.1, Samba 4.17 7.2, Samba 4.17",
        "tar 1.0000 1.0000 1.0000 0.9900",
        "of 6.1 0.9000 1.0000*",
    ]


def test_every_pair_replays_what_the_first_has_captured(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    seen: list[tuple[Pair, list[str]]] = []

    def run(pair: Pair, folder: Path, captured: Sequence[Path]) -> int:
        seen.append((pair, [path.name for path in captured]))
        (folder / "tar.pcapng").touch()
        row = replace(GOOD, name="tar", causes=(Cause("recall", 2, "missing", "because"),))
        write_rows([row], folder / ROWS)
        return int(pair == SEVEN)

    assert every(tmp_path, run) == 1
    assert seen == [(pair, [] if pair == SIX else ["tar.pcapng"]) for pair in PAIRS]
    assert "7.2, Samba 4.17" in capsys.readouterr().out


def test_what_cannot_be_run_ends_it_and_what_there_was_is_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(pair: Pair, folder: Path, _: Sequence[Path]) -> int:
        write_rows([replace(GOOD, name="tar")], folder / ROWS)
        return 0 if pair == SIX else 3

    assert every(tmp_path, run) == 3
    assert "tar" in capsys.readouterr().out
