"""Refused calls that may turn out to be no caller's, but what a Linux client did by itself.

It probes a name before it makes or renames something of that name, and tries to remove a read-only file
before it makes it removable. Only a later exchange tells, so the call waits for it, as long as its rule says
(`OpenRule.undecided_for`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from smbench.lift.rule import Opened, OpenRule


@dataclass(slots=True)
class RefusedCall:
    """A call that was refused, its caller's own as far as one can tell yet: a name was not found, or a file
    was not to be removed."""

    opened: Opened
    rule: OpenRule
    creates: int
    """How many CREATEs of its session may still come."""


class RefusedCalls:
    """Those that are not decided, by session."""

    def __init__(self) -> None:
        self._waiting: dict[int, list[RefusedCall]] = {}

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def add(self, rule: OpenRule, opened: Opened) -> bool:
        """Take a complete pattern in, if it may be one; False where it is decided already."""
        creates = rule.undecided_for
        if creates is None or not (opened.failed and opened.linux and len(opened.waiting) > 1):
            return False
        self._waiting.setdefault(opened.session, []).append(RefusedCall(opened, rule, creates))
        return True

    def remove(self, call: RefusedCall) -> None:
        calls = self._waiting[call.opened.session]
        calls.remove(call)
        if not calls:
            del self._waiting[call.opened.session]

    def of_path(self, session: int, path: str) -> RefusedCall | None:
        """The last one: what came before it was a call of its own."""
        calls = reversed(self._waiting.get(session, ()))
        return next((call for call in calls if call.opened.path == path), None)

    def of_open(self, opened: Opened) -> RefusedCall | None:
        calls = self._waiting.get(opened.session, ())
        return next((call for call in calls if call.opened is opened), None)

    def overdue(self, session: int) -> Iterable[RefusedCall]:
        """One more CREATE has come: those that nothing told of in time."""
        over = []
        for call in self._waiting.get(session, ()):
            if call.creates == 0:
                over.append(call)
            else:
                call.creates -= 1
        return over
