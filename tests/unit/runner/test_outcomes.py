"""Outcomes by array are what `ntstatus.matches` says one by one."""

from __future__ import annotations

import errno

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from smbench.runner.call_file import KINDS
from smbench.runner.outcomes import Matcher, expected_names, outcome_names
from smbench.smb2.ntstatus import Status, matches
from smbench.workload.calls import Close, List, Lock, Read, Stat

CALLS = [Read(1, 0, 100), Read(1, 0, 0), List(1, "*", 37, True), List(1, "*", 37, True, calls=3), Close(1),
         Lock(1, 0, 1, True, True), Stat("x")]  # fmt: skip
rows = st.tuples(
    st.sampled_from(CALLS),
    st.sampled_from([-1, 0, 0x103, *(status.value for status in Status)]),
    st.sampled_from(
        [0, 1, 5000, -errno.ENOENT, -errno.EBUSY, -errno.EIO, Status.SHARING_VIOLATION - (1 << 32)]
    ),
)


@given(st.lists(rows, min_size=1, max_size=50))
def test_matches(cases) -> None:
    found = Matcher().matches(
        np.array([KINDS.index(type(call)) for call, _, _ in cases]),
        np.array([expected for _, expected, _ in cases]),
        np.array([outcome for _, _, outcome in cases]),
        np.array([getattr(call, "length", 0) for call, _, _ in cases]),
        np.array([getattr(call, "calls", 1) for call, _, _ in cases]),
    )
    alone = [matches(None if expected < 0 else expected, outcome, call) for call, expected, outcome in cases]
    assert found.tolist() == alone


def test_names() -> None:
    expected = expected_names(np.array([0, -1, Status.SHARING_VIOLATION, 0]))
    assert expected.to_pylist() == ["ok", None, "STATUS_SHARING_VIOLATION", "ok"]
    outcome = outcome_names(
        np.array([4096, -errno.ENOENT, 0, Status.END_OF_FILE - (1 << 32)]),
        np.array([True, True, False, True]),
    )
    assert outcome.to_pylist() == ["ok", "ENOENT", None, "STATUS_END_OF_FILE"]
