"""Names of alternate data streams. Pure."""

from __future__ import annotations


def has_stream(path: str) -> bool:
    """Whether a path names an alternate data stream, `file:stream` ([MS-FSCC] 2.1.5)."""
    return ":" in path
