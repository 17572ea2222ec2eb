from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smbench.smb2.filetime import EARLIEST_NS, filetime, filetime_ns

YEAR_2024_NS, YEAR_2024_TICKS = 1_704_067_200_000_000_000, 133_485_408_000_000_000


@pytest.mark.parametrize(
    ("time_ns", "ticks"),
    [
        (YEAR_2024_NS, YEAR_2024_TICKS),
        (0, 116_444_736_000_000_000),
        (199, 116_444_736_000_000_001),
        (-100, 116_444_735_999_999_999),
        (-11_644_473_600 * 10**9 + 100, 1),
    ],
)
def test_times_as_filetime(time_ns: int, ticks: int) -> None:
    assert filetime(time_ns) == ticks


@pytest.mark.parametrize("time_ns", [None, EARLIEST_NS, -(10**30), 10**30])
def test_what_filetime_has_not_leaves_a_time_as_it_is(time_ns: int | None) -> None:
    assert filetime(time_ns) == 0


@pytest.mark.parametrize(
    ("ticks", "time_ns"),
    [
        (YEAR_2024_TICKS, YEAR_2024_NS),
        (116_444_736_000_000_001, 100),
        (0, None),
        ((1 << 64) - 1, None),
        ((1 << 64) - 2, None),
        (1, None),
        ((1 << 63) - 1, None),
    ],
)
def test_filetimes_as_nanoseconds(ticks: int, time_ns: int | None) -> None:
    assert filetime_ns(ticks) == time_ns


@given(st.integers(1 - (1 << 63) // 100, (1 << 63) // 100 - 1))
def test_there_and_back(hundreds: int) -> None:
    assert filetime_ns(filetime(hundreds * 100)) == hundreds * 100


def test_it_begins_in_1601() -> None:
    assert EARLIEST_NS == -11_644_473_600 * 10**9
