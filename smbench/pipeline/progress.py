"""What a step of the pipeline tells while it works, and to whom."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from smbench.runner.watch import RunView

Counter = Callable[[int, int], None]
"""Told how much is done, and of how much, now and then."""


class Progress:
    """Hears how a step gets on; this one lets it pass. Override what is to be heard:

        class Shown(smbench.Progress):
            def warn(self, text):
                print("warning:", text)

    All of it is called in the thread that called the step.
    """

    def warn(self, text: str) -> None:
        """Something that has to be known, in a sentence."""

    def count(self, stage: str, done: int, total: int) -> None:
        """How far a stage is: `preparing`, `mounting`, `reading the capture` …"""

    def view(self, view: RunView) -> None:
        """How the run stands, each second while it is carried out."""

    @contextmanager
    def stage(self, what: str) -> Iterator[Counter]:
        """Around a stage; what it yields is told its counts."""
        yield partial(self.count, what)

    @contextmanager
    def watching(self) -> Iterator[Callable[[RunView], None] | None]:
        """Around the run itself; what it yields is told how it stands. None: nobody looks, and nothing is
        spent on looking."""
        yield None if type(self).view is Progress.view else self.view


SILENT = Progress()
