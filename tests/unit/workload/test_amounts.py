"""Which amounts of a workload can be compared, and how they are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from helpers.load import CREATE, OPEN, Load
from hypothesis import given
from hypothesis import strategies as st

from smbench.runner.call_file import stored
from smbench.smb2.constants import DELETE_ON_CLOSE
from smbench.smb2.ntstatus import Status
from smbench.workload.amounts import AS_CAPTURED, LESS, MORE, NOT_TOLD, Amounts, Expected, words
from smbench.workload.calls import List, MakeDirectory, Rename, Unlink

ALICE, BOB = 0, 1


def wanted(load: Load, folder: Path) -> list[int]:
    operations = stored(load.workload, folder)
    expected = Expected(operations)
    return [amount for batch in operations.batches() for amount in expected.of(batch).wanted.tolist()]


def lists(load: Load, user: int, path: str, entries: int, lane: int = 0, handle: int = 1) -> int:
    load.paths[handle] = path
    return load.add(user, List(handle, "*", 37, True, calls=2), lane, received=entries)


def test_only_what_succeeded_has_an_amount(tmp_path: Path) -> None:
    load = Load()
    load.reads(ALICE, 1, received=100)
    load.reads(ALICE, 1, received=0, expected=Status.END_OF_FILE)
    load.reads(ALICE, 1, received=100, expected=Status.BUFFER_OVERFLOW)
    load.reads(ALICE, 1)
    load.writes(ALICE, 1, received=0)
    assert wanted(load, tmp_path) == [100, NOT_TOLD, NOT_TOLD, NOT_TOLD, 0]


@pytest.mark.parametrize(
    ("change", "compared"),
    [
        (lambda load: load.opens(BOB, 2, "D/x", CREATE), False),
        (lambda load: load.opens(BOB, 2, "d/x", CREATE, expected=Status.ACCESS_DENIED), True),
        (lambda load: load.opens(BOB, 2, "d/x", CREATE, expected=None), False),
        (lambda load: load.opens(BOB, 2, "d/x", OPEN), True),
        (lambda load: load.opens(BOB, 2, "d/x", OPEN, options=DELETE_ON_CLOSE), False),
        (lambda load: load.opens(ALICE, 2, "d/x", CREATE, lane=1), False),
        (lambda load: load.opens(ALICE, 2, "d/x", CREATE), True),
        (lambda load: load.opens(ALICE, 2, "d/unknown-2"), False),
        (lambda load: load.add(BOB, Unlink("d/x")), False),
        (lambda load: load.add(BOB, MakeDirectory("d/x/deeper")), True),
        (lambda load: load.add(BOB, Rename(2, "elsewhere/x", "d/x", False)), False),
        (lambda load: load.add(BOB, Rename(2, "d/x", "elsewhere/x", False)), False),
    ],
)
def test_entries_are_compared_where_nobody_else_makes_or_removes_names(
    tmp_path: Path, change, compared: bool
) -> None:
    for order in ("before", "after"):
        load = Load()
        if order == "before":
            change(load)
        lists(load, ALICE, "d", 3)
        if order == "after":
            change(load)
        (tmp_path / order).mkdir()
        assert max(wanted(load, tmp_path / order)) == (3 if compared else NOT_TOLD)


def test_the_target_s_root_may_have_more(tmp_path: Path) -> None:
    load = Load()
    lists(load, ALICE, "", 3, handle=1)
    lists(load, ALICE, "d", 3, handle=2)
    operations = stored(load.workload, tmp_path)
    (batch,) = operations.batches()
    found = Expected(operations).of(batch)
    for got, how in ((2, [LESS, LESS]), (3, [AS_CAPTURED] * 2), (4, [AS_CAPTURED, MORE])):
        assert found.compared(np.array([got, got])).tolist() == how


@given(st.lists(st.tuples(st.integers(-1, 5), st.integers(-3, 5)), min_size=1))
def test_amounts_compare_where_both_are_told(pairs: list[tuple[int, int]]) -> None:
    captured, got = (np.array(side) for side in zip(*pairs, strict=True))
    amounts = Amounts(captured, np.zeros(len(pairs), bool))
    told = [a >= 0 and b >= 0 for a, b in pairs]
    assert amounts.told(got).tolist() == told
    assert amounts.compared(got).tolist() == [
        ((b > a) - (b < a)) * known for (a, b), known in zip(pairs, told, strict=True)
    ]


def test_words() -> None:
    assert [words(kind, how) for kind in ("Read", "List") for how in (LESS, MORE)] == [
        "shorter", "longer", "fewer", "more",
    ]  # fmt: skip
