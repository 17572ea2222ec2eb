"""The word for a capture follows its rule."""

from __future__ import annotations

import pytest

from smbench.measure.quality import graded, quality
from smbench.trace.grade import Use
from smbench.trace.model import TraceInfo


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


def test_what_a_poor_capture_does_to_a_comparison_is_said_of_either_side() -> None:
    for lost in (10, 11):
        for use in (Use.REFERENCE, Use.CANDIDATE, Use.REPLAY):
            told = graded(TraceInfo(exchanges=100, grade={"tcp_gaps": lost}), use)
            poor = lost == 11 and use is not Use.REPLAY
            assert told.quality == ("poor" if lost == 11 else "usable")
            assert [said.startswith("a poor capture (") for said in told.warnings] == [True] * poor + [False]
            assert all(said.endswith("; recall and precision may be too low") for said in told.warnings) == (
                use is not Use.REPLAY
            )


def test_no_share_is_more_than_all() -> None:
    assert quality({"tcp_gaps": 5}, 3, 1)["missing_share"] == 1.0
    assert quality({"tcp_gaps": 5}, 0, 0)["missing_share"] == 1.0
