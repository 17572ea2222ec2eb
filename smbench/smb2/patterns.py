"""Search patterns of QUERY_DIRECTORY ([MS-FSCC] 2.1.4, [MS-FSA] 2.1.4.4): `*`, `?` and DOS' `<`, `>`, `"`."""

from __future__ import annotations

import re
from functools import lru_cache

WILDCARDS = frozenset('*?<>"')
MATCHES_ALL = frozenset(("", "*"))

_TRANSLATED = {
    "*": ".*",
    "?": ".",
    # DOS_STAR: up to the last dot of the name.
    "<": r"(?:[^.]*|.*(?=\.[^.]*$))",
    # DOS_QM: one character, or none before a dot or at the end.
    ">": r"(?:[^.]|(?=\.|$))",
    # DOS_DOT: a dot, or nothing at the end.
    '"': r"(?:\.|$)",
}


def has_wildcard(pattern: str) -> bool:
    """Whether it can match more than one name; an empty pattern means all."""
    return not pattern or not WILDCARDS.isdisjoint(pattern)


@lru_cache(maxsize=4096)
def compiled(pattern: str) -> re.Pattern[str]:
    """The pattern, for `fullmatch`; names compare without case."""
    translated = "".join(_TRANSLATED.get(character) or re.escape(character) for character in pattern or "*")
    return re.compile(translated, re.IGNORECASE | re.DOTALL)
