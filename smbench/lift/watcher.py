"""Who follows the lift from exchange to exchange."""

from __future__ import annotations

from typing import Protocol

from smbench.lift.rule import Opened
from smbench.trace.model import Exchange


class Watcher(Protocol):
    """Who sees every exchange on a file with its open, before the exchange changes what is open."""

    def witness(self, exchange: Exchange, opened: Opened) -> None: ...

    def left(self, opened: Opened, time_ns: int) -> None:
        """The server closed the open with its tree or session."""
