"""Asks the table which rule takes exchanges, and hands on what it took."""

from __future__ import annotations

from collections.abc import Callable

from smbench.lift.amounts import amounts
from smbench.lift.rule import Case, ExchangeRule, Opened, Rule, Taken
from smbench.lift.rules import kept_directories
from smbench.lift.rules.implied import OPENED_BEFORE
from smbench.lift.rules.table import LEFT_OVER, Table
from smbench.lift.waiting import Waiting
from smbench.smb2.constants import FILE_READ_ATTRIBUTES, GENERIC_READ, GENERIC_WRITE
from smbench.trace.model import Exchange
from smbench.workload.calls import Call, Close, Create, Open


class Taker:
    """Gives each exchange once to `take`, with its rule and the calls that stand for it."""

    def __init__(self, take: Callable[[Taken], None], table: Table, waiting: Waiting) -> None:
        self._take = take
        self._table = table
        self._waiting = waiting

    def judging(self, case: Case) -> ExchangeRule | None:
        """The rule that judges an exchange before any pattern does."""
        for rule in self._table.first.get(case.exchange.command, self._table.unknown):
            if rule.applies is None or rule.applies(case):
                return rule
        return None

    def plain(self, case: Case) -> None:
        """An exchange that is of no pattern."""
        for rule in self._table.then.get(case.exchange.command, self._table.unknown):
            if rule.applies is None or rule.applies(case):
                self.single(rule, case)
                return
        self.single(LEFT_OVER, case)

    def single(self, rule: ExchangeRule, case: Case) -> None:
        """An exchange by itself."""
        exchange, opened = case.exchange, case.found
        calls: tuple[Call, ...] = ()
        if rule.calls is not None and opened is not None:
            calls = rule.calls(case)
            if calls:
                self._announce(exchange, opened)
        path = opened.path if opened is not None else exchange.path or ""
        told = amounts(opened, (exchange,), calls)
        self._take(Taken(rule, reason_of(rule, case), (exchange,), calls, path, exchange, 0, told))

    def pattern(self, rule: Rule, opened: Opened, call: Call | None, other: Opened | None = None) -> None:
        """All exchanges of an open that wait, and of another one: one call stands for them, or none."""
        self._announce(opened.waiting[0], opened)
        calls = () if call is None else (call,)
        taken = self._waiting.take(opened)
        if other is not None:
            other.announced = True
            taken += self._waiting.take(other)
        told, reason = amounts(opened, taken, calls), rule.reason or rule.name
        self._take(Taken(rule, reason, tuple(taken), calls, opened.path, taken[0], 0, told))

    def closed(self, rule: Rule, opened: Opened, at: Exchange, beside: int) -> None:
        """The server closed an open without being asked to; `beside` as in `Taken`."""
        if opened.announced and not opened.failed:
            rule = kept_directories.CLOSED_WHILE_KEPT if kept_directories.keeps_directory(opened) else rule
            self._take(Taken(rule, rule.reason, (), (Close(opened.handle),), opened.path, at, beside))

    def _announce(self, exchange: Exchange, opened: Opened) -> None:
        """An open whose CREATE the capture lacks gets an Open of its own before its first operation."""
        if opened.announced:
            return
        opened.announced = True
        if opened.create is not None:
            return
        access = GENERIC_READ | FILE_READ_ATTRIBUTES | (0 if opened.directory else GENERIC_WRITE)
        call = Open(opened.handle, opened.path, Create(access), opened.directory)
        self._take(Taken(OPENED_BEFORE, OPENED_BEFORE.reason, (), (call,), opened.path, exchange, -1))


def reason_of(rule: ExchangeRule, case: Case) -> str:
    """Why a rule takes an exchange, with the detail that it gives."""
    if rule.detail is None:
        return rule.reason or rule.name
    detail = rule.detail(case)
    return ": ".join(part for part in (rule.reason, detail) if part) or rule.name
