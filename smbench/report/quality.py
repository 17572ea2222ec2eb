"""How good a capture is, in a word: the rule, and what it makes of a capture's counts."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from smbench.ratios import Bad, round_ratio

LACKS = (
    "unanswered", "orphan_responses", "unknown_handles", "unknown_trees", "unknown_names", "tcp_gaps",
    "malformed", "unreadable", "cut_short",
)  # fmt: skip
"""The counts of a grade that say that something is missing; the others only tell."""
WORDS = ((0.0, "excellent"), (0.01, "good"), (0.1, "usable"))
WORST = "poor"
RULE = (
    "excellent: nothing is missing; good: something is missing at up to 1 in 100 exchanges; usable: at up to "
    "1 in 10, or some sessions could not be decrypted; poor: at more, or most sessions could not be decrypted"
)


def quality(grade: Mapping[str, int], exchanges: int, sessions: int) -> dict[str, Any]:
    """The word, the share of exchanges at which something is missing, and the rule."""
    share = Fraction(sum(grade.get(name, 0) for name in LACKS), max(1, exchanges))
    words = [word for _, word in WORDS] + [WORST]
    place = next((at for at, (limit, _) in enumerate(WORDS) if share <= limit), len(WORDS))
    undecrypted = grade.get("undecrypted", 0)
    if undecrypted:
        place = max(place, len(WORDS) if 2 * undecrypted > sessions else words.index("usable"))
    return {"word": words[place], "missing_share": round_ratio(share, 6, Bad.HIGH), "rule": RULE}
