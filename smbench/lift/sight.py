"""A sight: an exchange on a file, with what its names meant when it was sent."""

from __future__ import annotations

from dataclasses import dataclass

from smbench.lift.rule import Opened
from smbench.trace.model import Exchange


@dataclass(slots=True, eq=False)
class Sight:
    """An exchange on a file, with what its names meant when it was sent."""

    exchange: Exchange
    opened: Opened
    path: str
    target: str
    """Where a rename or link leads; empty for all else."""
    source: int | None
    """The handle that a server-side copy reads from."""
    changes: tuple[str, ...] = ()
    """The paths of which it may change the name or the size."""

    @property
    def answered_ns(self) -> int:
        """When the answer came; of what has none, when it was sent."""
        exchange = self.exchange
        return exchange.time_ns if exchange.response_ns is None else exchange.response_ns
