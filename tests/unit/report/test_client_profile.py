"""Which client a replay went by, as the report and its page tell it."""

from __future__ import annotations

import msgspec
import pytest
from helpers.runs import a_run

from smbench.report.page_tables import surroundings
from smbench.report.run import client_profile_note
from smbench.run.surroundings import ChosenProfile

WHY = "it was given, though this client did <otherwise> in 1 of 9 calls"


@pytest.mark.parametrize(
    ("chosen", "note"),
    [
        (None, None),
        (
            ChosenProfile(name="linux-6.1", how="confirmed", why="it did as it says"),
            "client profile linux-6.1, confirmed: it did as it says",
        ),
        (
            ChosenProfile(name="mine.toml", how="given", why=WHY, unlike=("futimens", "symlink")),
            f"client profile mine.toml, given: {WHY}; otherwise in futimens, symlink",
        ),
    ],
)
def test_the_report_says_which_and_why(chosen: ChosenProfile | None, note: str | None) -> None:
    run = a_run(client_profile=None if chosen is None else msgspec.to_builtins(chosen))
    assert client_profile_note(run) == note
    page = surroundings(run, {})
    assert ("client profile" in page) is (note is not None)
    assert "<otherwise>" not in page
