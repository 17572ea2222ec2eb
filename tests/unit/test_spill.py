"""Streams sorted on disk."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from smbench.spill import Sorter, collector_paused, merge


@given(keys=st.lists(st.integers(), unique=True, max_size=60), run_items=st.integers(1, 7))
def test_any_order_comes_back_sorted(tmp_path_factory, keys: list[int], run_items: int) -> None:
    sorter: Sorter[tuple[int, str]] = Sorter(tmp_path_factory.mktemp("runs"), run_items)
    for key in keys:
        sorter.add((key, str(key)))
    assert list(sorter) == [(key, str(key)) for key in sorted(keys)]


def test_what_fits_into_one_run_touches_no_disk(tmp_path: Path) -> None:
    sorter: Sorter[int] = Sorter(tmp_path / "none", 10)
    for key in (3, 1, 2):
        sorter.add(key)
    assert list(sorter) == [1, 2, 3]
    assert not (tmp_path / "none").exists()


def test_runs_of_several_sorters_merge(tmp_path: Path) -> None:
    runs = []
    for start in range(3):
        sorter: Sorter[int] = Sorter(tmp_path, 4)
        for key in range(start, 30, 3):
            sorter.add(key)
        sorter.flush()
        runs += sorter.runs
    assert list(merge(runs)) == list(range(30))
    assert list(merge([])) == []


def test_the_collector_comes_back() -> None:
    import gc

    with collector_paused():
        assert not gc.isenabled()
    assert gc.isenabled()
