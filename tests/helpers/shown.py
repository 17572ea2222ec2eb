"""What may reach a terminal, a page or a table of what others named."""

from __future__ import annotations


def harmless(text: str) -> bool:
    """Whether it does nothing there: lines of what can be printed."""
    return all(line.isprintable() for line in text.split("\n"))
