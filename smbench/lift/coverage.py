"""Coverage: what became of how many exchanges, and why. The four dispositions add up to all of them."""

from __future__ import annotations

from collections import Counter

from smbench.lift.rule import Taken
from smbench.smb2.ntstatus import Status
from smbench.trace.model import command_name
from smbench.workload.model import Coverage, Disposition

UNANSWERED = "the capture has no answer, so that how it ended is compared with nothing"
_ASKED_AGAIN = (Disposition.EXACT, Disposition.APPROXIMATE)
_NO_ANSWER = (None, Status.PENDING)


def fate(taken: Taken) -> tuple[Disposition, str]:
    """What became of exchanges, and why. Where an answer is missing, what is asked for again is not called
    exact: nobody can tell whether it ended so."""
    disposition = taken.rule.disposition
    if not taken.calls or disposition not in _ASKED_AGAIN:
        return disposition, taken.reason
    if all(exchange.status not in _NO_ANSWER for exchange in taken.exchanges):
        return disposition, taken.reason
    known = [taken.reason] if disposition is Disposition.APPROXIMATE else []
    return Disposition.APPROXIMATE, ": ".join([UNANSWERED, *known])


class CoverageCount:
    """Counts exchanges by disposition, command and reason."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[Disposition, int, str]] = Counter()

    def add(self, taken: Taken) -> None:
        disposition, reason = fate(taken)
        for exchange in taken.exchanges:
            self._counts[(disposition, exchange.command, reason)] += 1

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
