"""Arrays in memory and in files: the same to whoever uses them."""

from __future__ import annotations

import numpy as np
import pytest

from smbench import arrays


@pytest.mark.parametrize("in_memory_bytes", [0, 1 << 20])
def test_zeros_that_can_be_written(monkeypatch: pytest.MonkeyPatch, in_memory_bytes: int) -> None:
    monkeypatch.setattr(arrays, "IN_MEMORY_BYTES", in_memory_bytes)
    numbers = arrays.long_array(1000, np.int32)
    assert numbers.dtype == np.int32
    assert numbers.sum() == 0
    numbers[[3, 999]] = 7, 8
    assert numbers.sum() == 15
    assert len(arrays.long_array(0, np.int64)) == 0


def test_a_long_one_is_no_private_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrays, "IN_MEMORY_BYTES", 1 << 10)
    before = _anonymous_kib()
    numbers = arrays.long_array(32 << 20, np.int8)
    numbers[:] = 1
    assert _anonymous_kib() - before < 16 << 10


def test_blocks_cover_all_and_do_not_overlap() -> None:
    covered = np.zeros(1001, int)
    for block in arrays.blocks(1001, 100):
        covered[block] += 1
    assert (covered == 1).all()
    assert list(arrays.blocks(0)) == []


def _anonymous_kib() -> int:
    with open("/proc/self/smaps_rollup", encoding="ascii") as told:  # noqa: PTH123 (a file of the kernel)
        return next(int(line.split()[1]) for line in told if line.startswith("Anonymous:"))
