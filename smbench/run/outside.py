"""What somebody outside the capture changed meanwhile, and what a run did for him."""

from __future__ import annotations

from msgspec import Struct

from smbench.stored import Count


class OutsideCall(Struct, frozen=True, kw_only=True):
    """A call for somebody outside, and how it ended; None: it was not carried out."""

    kind: str
    path: str
    got: str | None


class Outside(Struct, frozen=True, kw_only=True):
    """Carried out and ordered like all else, and in no other count or time of the run."""

    changes: dict[str, Count]
    """Of the capture, by what they are: appeared, gone, resized, held, locked."""
    replayed: bool
    """Whether they were made; false with --no-outside."""
    user: str | None = None
    """The run's user who made them, without the number of a clone."""
    planned: Count = 0
    """Calls, of all clones and loops."""
    executed: Count = 0
    failed: Count = 0
    first: tuple[OutsideCall, ...] = ()
    failures: tuple[OutsideCall, ...] = ()
    """The first of each."""

    @property
    def count(self) -> int:
        """Changes of the capture."""
        return sum(self.changes.values())
