"""Signals between a run's first call and its written result."""

from __future__ import annotations

import time
from collections.abc import Callable

from smbench.signals import interrupt

GIVE_UP_S = 5.0


class Finishing:
    """Hears them, as `smbench.signals.on_ending` tells of them: while there is nothing to lose, a signal ends
    the run as ever; then only a second one within GIVE_UP_S does."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._last_s: float | None = None
        self.measured = False
        """Something was, and is not written yet."""
        self.name = ""
        """The signal that came since."""

    def begin(self) -> None:
        """Something is measured from now on."""
        self.measured = True

    def heard(self, name: str) -> None:
        if not self.measured:
            interrupt(name)
        now_s = time.monotonic()
        if self._last_s is not None and now_s - self._last_s <= GIVE_UP_S:
            interrupt(name)
        self._last_s, self.name = now_s, name
        self._tell(f"{name}: writing the result; once more within {GIVE_UP_S:g} s to give up")
