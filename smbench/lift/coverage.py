"""Coverage: what became of how many exchanges, and why. The four dispositions add up to all of them."""

from __future__ import annotations

from collections import Counter

from smbench.lift.rule import Taken
from smbench.trace.model import command_name
from smbench.workload.model import Coverage, Disposition


class CoverageCount:
    """Counts exchanges by disposition, command and reason."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[Disposition, int, str]] = Counter()

    def add(self, taken: Taken) -> None:
        for exchange in taken.exchanges:
            self._counts[(taken.rule.disposition, exchange.command, taken.reason)] += 1

    def commands(self) -> dict[str, int]:
        """Exchanges by command, in the order of the commands' numbers."""
        by_command: Counter[int] = Counter()
        for (_, command, _), count in self._counts.items():
            by_command[command] += count
        return {command_name(command): by_command[command] for command in sorted(by_command)}

    def rows(self) -> list[Coverage]:
        """One row for each disposition, command and reason, in this order."""
        return [
            Coverage(disposition, command_name(command), reason, count)
            for (disposition, command, reason), count in sorted(self._counts.items(), key=_order)
        ]


_ORDER = {disposition: at for at, disposition in enumerate(Disposition)}


def _order(item: tuple[tuple[Disposition, int, str], int]) -> tuple[int, int, str]:
    (disposition, command, reason), _ = item
    return _ORDER[disposition], command, reason
