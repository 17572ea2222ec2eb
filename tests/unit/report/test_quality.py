"""The word for a capture follows its rule."""

from __future__ import annotations

import pytest

from smbench.report.quality import quality


@pytest.mark.parametrize(
    ("grade", "exchanges", "sessions", "word"),
    [
        ({}, 100, 1, "excellent"),
        ({"retransmissions": 50}, 100, 1, "excellent"),
        ({"unanswered": 1}, 100, 1, "good"),
        ({"unanswered": 1, "tcp_gaps": 1}, 100, 1, "usable"),
        ({"orphan_responses": 11}, 100, 1, "poor"),
        ({"undecrypted": 1}, 100, 3, "usable"),
        ({"undecrypted": 2}, 100, 3, "poor"),
        ({}, 0, 0, "excellent"),
    ],
)
def test_the_word_follows_the_rule(grade: dict[str, int], exchanges: int, sessions: int, word: str) -> None:
    found = quality(grade, exchanges, sessions)
    assert found["word"] == word
    assert word in found["rule"]
