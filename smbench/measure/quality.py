"""How good a capture is, in a word: the rule, and what it makes of a capture's counts."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from smbench.ratios import Bad, round_ratio
from smbench.run.surroundings import CaptureQuality
from smbench.trace.grade import SEALED, Use, missing_share, warnings
from smbench.trace.model import TraceInfo

WORDS = ((Fraction(0), "excellent"), (Fraction(1, 100), "good"), (Fraction(1, 10), "usable"))
WORST = "poor"
RULE = (
    "excellent: nothing is missing; good: something is missing at up to 1 in 100 exchanges; usable: at up to "
    "1 in 10, or some sessions could not be decrypted; poor: at more, or most sessions could not be decrypted"
)
_POOR = (
    "a poor capture (something is missing at more than 1 in 10 exchanges, or most sessions could not be "
    "decrypted); recall and precision may be too low"
)


def quality(grade: Mapping[str, int], exchanges: int, sessions: int) -> dict[str, Any]:
    """The word, the share of exchanges at which something is missing (None of nothing), and the rule."""
    share = missing_share(grade, exchanges)
    words = [word for _, word in WORDS] + [WORST]
    place = next((at for at, (limit, _) in enumerate(WORDS) if (share or 0) <= limit), len(WORDS))
    undecrypted = grade.get(SEALED, 0)
    if undecrypted:
        place = max(place, len(WORDS) if 2 * undecrypted > sessions else words.index("usable"))
    rounded = None if share is None else round_ratio(share, 6, Bad.HIGH)
    return {"word": words[place], "missing_share": rounded, "rule": RULE}


def graded(info: TraceInfo, use: Use) -> CaptureQuality:
    """What a result says of a capture that its figures come from: its counts, the word, and a sentence for
    each count that makes them worse or better than they should be."""
    word = quality(info.grade, info.exchanges, len(info.sessions))["word"]
    poor = [_POOR] if word == WORST and use is not Use.REPLAY else []
    said = warnings(info, use)
    first = 1 if info.grade.get(SEALED) else 0  # what stays encrypted
    return CaptureQuality(
        grade=dict(info.grade), quality=word, warnings=(*said[:first], *poor, *said[first:])
    )
