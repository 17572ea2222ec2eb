"""Calls that may turn out to be no caller's, but what a Linux client did by itself.

It probes a name before it makes or renames something of that name, tries to remove a read-only file before
it makes it removable, and asks for a file's extended attributes before it sets one. Only a later exchange
tells, so the call waits for it, as long as its rule says (`OpenRule.undecided_for`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from smbench.lift.rule import Opened, OpenRule


@dataclass(slots=True)
class UndecidedCall:
    """A call, its caller's own as far as one can tell yet: a name was not found, a file was not to be
    removed, or extended attributes were asked for."""

    opened: Opened
    rule: OpenRule
    creates: int
    """How many CREATEs of its session may still come."""


class UndecidedCalls:
    """Those that are not decided, by session."""

    def __init__(self) -> None:
        self._waiting: dict[int, list[UndecidedCall]] = {}

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def add(self, rule: OpenRule, opened: Opened) -> bool:
        """Take a complete pattern in, if it may be one; False where it is decided already."""
        creates = rule.undecided_for
        may_be = opened.linux and len(opened.waiting) > 1 and opened.failed != rule.undecided_if_done
        if creates is None or not may_be:
            return False
        self._waiting.setdefault(opened.session, []).append(UndecidedCall(opened, rule, creates))
        return True

    def remove(self, call: UndecidedCall) -> None:
        calls = self._waiting[call.opened.session]
        calls.remove(call)
        if not calls:
            del self._waiting[call.opened.session]

    def of_path(self, session: int, path: str, *, refused: bool = True) -> UndecidedCall | None:
        """The last one that was refused, or was not: what came before it was a call of its own."""
        calls = reversed(self._waiting.get(session, ()))
        return next(
            (call for call in calls if call.opened.path == path and call.opened.failed == refused), None
        )

    def of_open(self, opened: Opened) -> UndecidedCall | None:
        calls = self._waiting.get(opened.session, ())
        return next((call for call in calls if call.opened is opened), None)

    def overdue(self, session: int) -> Iterable[UndecidedCall]:
        """One more CREATE has come: those that nothing told of in time."""
        over = []
        for call in self._waiting.get(session, ()):
            if call.creates == 0:
                over.append(call)
            else:
                call.creates -= 1
        return over
