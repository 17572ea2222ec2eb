"""By which call an exchange is brought about: what is wanted, which calls could send it, and what a client
profile says of them. Pure.

The executor asks for none of this: it has the client's habits, which are what is chosen here. Where no call
sends what is wanted, it is a loss, with the calls that come nearest (`smbench.executors.posix.losses`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from smbench.executors.base import OLD_HABITS, Habits, TimesSet

Calls = Mapping[str, Sequence[str]]
"""Of a client profile: by trial, what it put on the wire."""


@dataclass(frozen=True, slots=True)
class Strategy:
    """One wanted exchange."""

    wanted: tuple[str, ...]
    """Messages in words (`smbench.clients.wording`)."""
    candidates: tuple[str, ...]
    """Trials that might send it (`smbench.clients.trials`); what is preferred comes first."""

    def best(self, calls: Calls) -> str | None:
        """The candidate that sends the fewest messages too many or too few; None where no trial is known."""
        known = [each for each in self.candidates if each in calls]
        return min(known, key=lambda each: self._amiss(calls[each]), default=None)

    def exact(self, calls: Calls) -> list[str]:
        """The candidates that send what is wanted and nothing else."""
        return [each for each in self.candidates if each in calls and not self._amiss(calls[each])]

    def _amiss(self, sent: Sequence[str]) -> int:
        missing, more = Counter(self.wanted), Counter(sent)
        return (missing - more).total() + (more - missing).total()


_APART = "open again with "
_PINNED, _GROWN = "unlink what a descriptor names", "fallocate to more"
_AT_WORST = "O_DIRECT"
"""It changes what the CREATE asks for as well, and keeps an open apart on every client."""

SECOND_OPEN = Strategy(
    ("CREATE",), tuple(_APART + flag for flag in (*OLD_HABITS.opened_apart_by, _AT_WORST))
)  # fmt: skip
GROWTH = Strategy(("SET_INFO EndOfFile",), (_GROWN, "ftruncate to more"))
"""A size that grows, with nothing before it and behind it."""
REMOVAL = Strategy(("CREATE+CLOSE",), (_PINNED, "unlink"))
"""Of a file whose name is kept by a descriptor, or was until then."""


def habits_of(calls: Calls) -> Habits:
    """What an executor has to know of a client, by what it put on the wire."""
    return Habits(
        hides_what_is_open=REMOVAL.best(calls) not in (None, _PINNED),
        grows_in_one=GROWTH.best(calls) == _GROWN,
        opened_apart_by=_opened_apart_by(calls),
        after_truncating=_times_of("ftruncate to less", calls),
        after_emptying=_times_of("open with O_TRUNC", calls),
        of_open=_times_of("futimens", calls),
    )


def _opened_apart_by(calls: Calls) -> tuple[str, ...]:
    if SECOND_OPEN.best(calls) is None:
        return OLD_HABITS.opened_apart_by
    flags = [each.removeprefix(_APART) for each in SECOND_OPEN.exact(calls)]
    return tuple(flag for flag in flags if flag != _AT_WORST) or (_AT_WORST,)


def _times_of(trial: str, calls: Calls) -> TimesSet | None:
    if trial not in calls:
        return None
    if "SET_INFO Basic" in calls[trial]:
        return TimesSet.ON_THE_OPEN
    by_name = "CREATE+SET_INFO Basic+CLOSE" in calls[trial]
    return TimesSet.BY_THE_NAME if by_name else TimesSet.NOT_AT_ALL
