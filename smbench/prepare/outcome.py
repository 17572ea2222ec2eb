"""What prepare did, and what it could not do, counted by reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from smbench.units import format_size

Progress = Callable[[int, int], None]
"""Work done, and of how much; bytes where bytes are written."""


@dataclass(slots=True)
class Prepared:
    """Counts of one `prepare`."""

    directories: int = 0
    files: int = 0
    streams: int = 0
    bytes: int = 0
    """Sizes of the files and streams that were made."""
    written: int = 0
    """Bytes of content that they were given; the rest of them is holes."""
    kept: int = 0
    """Files that were there already, prepare's own, of the right size and with the content that is needed."""
    removed: int = 0
    """Names that an earlier prepare or a replay left and that must not be there."""
    foreign: int = 0
    """Paths that the workload needs, that were there and are not prepare's: left as they are."""
    not_made: Counter[str] = field(default_factory=Counter)
    """Entries by the reason why they are not there."""
    losses: Counter[str] = field(default_factory=Counter)
    """Attributes and times by the reason why they are not kept."""
    examples: dict[str, str] = field(default_factory=dict)
    """The first path by reason, of both."""

    def miss(self, path: str, reason: str) -> None:
        """Count an entry that is not made."""
        self.not_made[reason] += 1
        self.examples.setdefault(reason, path)

    def lose(self, path: str, reason: str) -> None:
        """Count an attribute or a time that is not kept."""
        self.losses[reason] += 1
        self.examples.setdefault(reason, path)

    def __str__(self) -> str:
        made = f"{self.directories} folders, {self.files} files and {self.streams} streams"
        return f"{made} ({told(self.written, self.bytes)})"


def told(written: int, size: int) -> str:
    """How much of files of `size` bytes in all is content, in words."""
    if written == size:
        return format_size(size)
    return f"{format_size(size)}, of which {format_size(written)} are written and the rest are holes"
