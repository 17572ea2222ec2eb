"""NtCreateFile is given the captured numbers, but for the bits that the I/O manager keeps for others."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smbench.executors.win32 import opens
from smbench.smb2.constants import (
    DIRECTORY_FILE,
    FILE_APPEND_DATA,
    FILE_GENERIC_WRITE,
    GENERIC_WRITE,
    NO_INTERMEDIATE_BUFFERING,
)
from smbench.workload.calls import Create, Open

masks = st.integers(0, 0xFFFFFFFF)


@given(masks, st.integers(0, 7), st.integers(0, 5), st.integers(0, 0xFFFFFF), masks)
def test_buffered_opens_are_the_captured_ones(
    access: int, share: int, disposition: int, options: int, attributes: int
) -> None:
    given_ = opens.arguments(access, share, disposition, options, attributes, False)
    assert (given_.access, given_.share_access, given_.disposition) == (access, share, disposition)
    assert given_.attributes == attributes
    call = Open(1, "x", Create(access, share, disposition, options, attributes))
    if options & ~0x30 != given_.options:
        assert "dropped" in (opens.open_loss(call) or ""), "what is dropped is told"


@given(masks, st.integers(0, 0xFFFFFF))
def test_unbuffered_is_never_asked_together_with_append(access: int, options: int) -> None:
    given_ = opens.arguments(access, 7, 1, options & ~8, 0, True)
    if given_.options & NO_INTERMEDIATE_BUFFERING:
        assert not given_.access & FILE_APPEND_DATA
        assert not given_.options & DIRECTORY_FILE
    assert meaning(given_.access) == meaning(access)


def meaning(access: int) -> int:
    """GENERIC_WRITE is what the I/O manager turns into FILE_GENERIC_WRITE again."""
    return (access | FILE_GENERIC_WRITE if access & GENERIC_WRITE else access) & ~GENERIC_WRITE


@pytest.mark.parametrize(
    ("access", "unbuffered"),
    [(0x80, False), (0x10000, False), (0x80000000, True), (0xC0000000, True), (0x0012019F, True), (0x1, True),
     (0x6, False), (0x02000000, True)],
)  # fmt: skip
def test_which_opens_are_unbuffered_in_the_wire_profile(access: int, unbuffered: bool) -> None:
    given_ = opens.arguments(access, 7, 1, 0x40, 0, True)
    assert bool(given_.options & NO_INTERMEDIATE_BUFFERING) == unbuffered


def test_losses_are_few() -> None:
    exact = Open(1, "x", Create(0x0012019F, 3, 0, 0x1064, 0x22))
    assert opens.open_loss(exact) is None
    assert "oplock" in (opens.open_loss(Open(1, "x", Create(1, 7, 1, 0x40, oplock=9))) or "")
    assert "file number" in (opens.open_loss(Open(1, "x", Create(1, 7, 1, 0x2000, 0))) or "")
