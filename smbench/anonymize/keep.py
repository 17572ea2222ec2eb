"""How much a copy keeps of what tells files apart: of sizes and times, exactly or by classes.

Whoever has the tree that was captured finds its files in a copy again by exact sizes and times, whatever
they are called there. By classes most files have many like them.
"""

from __future__ import annotations

from enum import StrEnum


class Keep(StrEnum):
    """What a copy keeps beside the structure of directories and the operations."""

    STRUCTURE = "structure"
    """Sizes by class where no operation needs more, times by how long before the capture, by class."""
    SIZES = "sizes"
    """Sizes to the byte, times by class."""
    ALL = "all"
    """Sizes and times as they were captured."""

    @property
    def sizes(self) -> bool:
        return self is not Keep.STRUCTURE

    @property
    def times(self) -> bool:
        return self is Keep.ALL
