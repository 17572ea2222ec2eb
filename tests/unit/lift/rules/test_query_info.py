"""Questions on an open handle."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.story import Wire, lifted

from smbench.workload.calls import (
    Call,
    StatFs,
    StatHandle,
)


@pytest.mark.parametrize(
    ("info_type", "level", "calls"),
    [
        (1, 18, [StatHandle(0, 1, 18, 4096)]),
        (3, 0, [StatHandle(0, 3, 0, 4096)]),
        (2, 7, [StatFs(0, 7, 4096)]),
        (4, 0, []),
        (9, 0, []),
    ],
)
def test_questions_on_an_open_handle(tmp_path: Path, info_type: int, level: int, calls: list[Call]) -> None:
    wire = Wire()
    wire.client("alice").opens("x").asks(level, info_type=info_type)
    story = lifted(wire, tmp_path)
    assert story.calls[1:] == calls
    assert story.coverage[1]["disposition"] == ("exact" if calls else "unsupported")
