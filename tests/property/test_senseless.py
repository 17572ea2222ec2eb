"""Exchanges that make no sense, through the store and the lift (scripts/mutate-traces has thousands)."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.senseless import senseless
from helpers.whole_way import of_exchanges


@pytest.mark.parametrize("number", range(40))
def test_a_senseless_trace_is_a_workload(number: int, tmp_path: Path) -> None:
    beyond = number % 3 == 0
    assert of_exchanges(*senseless(number, beyond=beyond), tmp_path, stored=not beyond) == "ingested"


def test_the_same_number_is_the_same_trace() -> None:
    assert senseless(7) == senseless(7) != senseless(8)
