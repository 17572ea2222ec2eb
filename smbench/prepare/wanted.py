"""How much content each prepared file gets. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from smbench.errors import UsageError
from smbench.prepare.content import Content
from smbench.prepare.outcome import told
from smbench.prepare.ranges import NOTHING, Ranges, clipped, length, whole
from smbench.units import format_size
from smbench.workload.model import NamespaceEntry


@dataclass(frozen=True, slots=True)
class Amount:
    """Bytes of files: all of them, and what of it is content that is written."""

    size: int
    written: int

    def times(self, copies: int) -> Amount:
        return Amount(self.size * copies, self.written * copies)

    def __str__(self) -> str:
        return told(self.written, self.size)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for; `reads` are what `auto` goes by (`reads.what_is_read`)."""

    content: Content
    reads: Mapping[str, Ranges] = field(default_factory=dict)
    seed: int = 0
    """Of the data."""

    def of(self, entry: NamespaceEntry) -> Ranges:
        """Where a file or stream has content."""
        if self.content is Content.FULL:
            return whole(entry.size)
        if self.content is Content.SPARSE:
            return NOTHING
        return clipped(self.reads.get(entry.path, NOTHING), entry.size)

    def amount(self, entries: Iterable[NamespaceEntry]) -> Amount:
        """Of all that are to be there."""
        size = written = 0
        for entry in entries:
            if entry.present and entry.size:
                size += entry.size
                written += length(self.of(entry))
        return Amount(size, written)


FULL = Wanted(Content.FULL)


def refuse_too_much(wanted: Wanted, amount: Amount, max_bytes: int, whose: str = "the workload") -> None:
    """UsageError where more content would be written than may be."""
    if amount.written > max_bytes:
        why = f"{format_size(amount.written)} of the files of {whose} are read"
        if wanted.content is Content.FULL:
            why = f"the files of {whose} hold {format_size(amount.size)}"
        less = "--content sparse" if wanted.content is Content.AUTO else "--content auto or sparse"
        raise UsageError(
            f"{why}, which is more to write than the limit of {format_size(max_bytes)}: raise --max-bytes, "
            f"or take {less}."
        )
