"""Refused calls that may turn out to be no caller's: what a Linux client looked for by itself.

A client looks a name up before it makes or renames something of that name, and tries to remove a
read-only file before it makes it removable. Only a later exchange tells, so the call waits for it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from smbench.lift.rule import Opened, OpenRule


@dataclass(slots=True)
class Look:
    """A call that was refused, a caller's own as far as one can tell yet: a name was looked for and not
    found, or a file was not to be removed."""

    opened: Opened
    rule: OpenRule
    creates: int
    """How many CREATEs of its session may still come."""


class Looks:
    """Those that are not decided, by session."""

    def __init__(self) -> None:
        self._waiting: dict[int, list[Look]] = {}

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def add(self, rule: OpenRule, opened: Opened) -> bool:
        """Take a complete pattern in, if it may be one; False where it is decided already."""
        creates = rule.undecided_for
        if creates is None or not (opened.failed and opened.linux and len(opened.held) > 1):
            return False
        self._waiting.setdefault(opened.session, []).append(Look(opened, rule, creates))
        return True

    def remove(self, look: Look) -> None:
        looks = self._waiting[look.opened.session]
        looks.remove(look)
        if not looks:
            del self._waiting[look.opened.session]

    def of_path(self, session: int, path: str) -> Look | None:
        """The last one: what came before it was a call of its own."""
        looks = reversed(self._waiting.get(session, ()))
        return next((look for look in looks if look.opened.path == path), None)

    def held_by(self, opened: Opened) -> Look | None:
        looks = self._waiting.get(opened.session, ())
        return next((look for look in looks if look.opened is opened), None)

    def overdue(self, session: int) -> Iterable[Look]:
        """One more CREATE has come: those that nothing told of in time."""
        over = []
        for look in self._waiting.get(session, ()):
            if look.creates == 0:
                over.append(look)
            else:
                look.creates -= 1
        return over
