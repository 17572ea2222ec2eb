"""How a run ended, in a word."""

from __future__ import annotations

import pytest

from smbench.run.status import in_words, status_of


@pytest.mark.parametrize(
    ("stopped", "status", "said"),
    [
        (None, "complete", ""),
        ("", "complete", ""),
        ("deadline", "cut-off", "cut off by its deadline"),
        ("give-up", "given-up", "given up"),
        ("SIGTERM", "interrupted", "interrupted"),
    ],
)
def test_each_end_has_its_word(stopped, status, said):
    assert (status_of(stopped), in_words(stopped)) == (status, said)
