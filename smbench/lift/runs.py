"""Runs of exchanges on one open that are one call, while they go on: what follows decides what they are."""

from __future__ import annotations

from smbench.lift.handles import Handles
from smbench.lift.rule import Case, Opened, Rule, RunRule
from smbench.lift.rules.control import function_of
from smbench.lift.rules.linux import FLUSH_BEFORE, is_setting_times
from smbench.lift.rules.linux_ranges import FLUSH_BEFORE_SEEK
from smbench.lift.rules.table import Table
from smbench.lift.taking import Taker
from smbench.lift.waiting import Waiting
from smbench.smb2.constants import FSCTL_SRV_REQUEST_RESUME_KEY
from smbench.trace.model import Exchange
from smbench.workload.calls import Flush


class Runs:
    """The runs of all opens; their exchanges wait with the open that they are on."""

    def __init__(self, handles: Handles, waiting: Waiting, taker: Taker, table: Table) -> None:
        self._handles = handles
        self._waiting = waiting
        self._taker = taker
        self._table = table

    def feed(self, case: Case, opened: Opened) -> None:
        """One exchange on an open that is of no pattern as a whole."""
        exchange = case.exchange
        while opened.runs:
            runs = tuple(rule for rule in opened.runs if rule.continues(opened, exchange))
            if runs:
                opened.runs = runs
                self._waiting.extend(opened, exchange)
                if all(rule.ends(opened) for rule in runs):
                    self.end(opened)
                return
            self.end(opened)
        starting = self._table.runs.get(exchange.command, ())
        opened.runs = tuple(rule for rule in starting if rule.begins(case)) if starting else ()
        if opened.runs:
            opened.copied = self._handles.copied_by(exchange)
            self._waiting.add(opened, exchange)
        else:
            self._taker.plain(case)

    def end(self, opened: Opened) -> None:
        """Decide about the run that waits: it is a call, or its first exchange is by itself, and the others
        may be another."""
        runs, opened.runs = opened.runs, ()
        for rule in runs:
            if rule.complete(opened):
                if rule.flushes:
                    self._end_flush_between(opened)
                self._taker.pattern(rule, opened, rule.call(opened))
                return
        first, *others = self._waiting.take(opened)
        self._taker.plain(Case(first, opened, self._handles))
        for exchange in others:
            self.feed(Case(exchange, opened, self._handles), opened)

    def incomplete(self, setter: Opened) -> Opened | None:
        """The open of a call that may be complete once the times are set by the name."""
        opened = self._waiting.flushed_first(setter.session, setter.path)
        return opened if opened is not None and self._by_name(opened) is not None else None

    def complete(self, setter: Opened) -> bool:
        """They are set: whether they complete the call that waits for them; if so, it is taken."""
        opened = setter.completes
        rule = None if opened is None else self._by_name(opened)
        if opened is None or rule is None or rule.call_by_name is None or not is_setting_times(setter):
            return False
        opened.runs = ()
        self._taker.pattern(rule, opened, rule.call_by_name(opened, setter), setter)
        return True

    @staticmethod
    def _by_name(opened: Opened) -> RunRule | None:
        for rule in opened.runs:
            if rule.complete_by_name is not None and rule.complete_by_name(opened):
                return rule
        return None

    def end_flush(self, setter: Opened) -> None:
        """Attributes are set by the name: a flush that came last on an open of the file was for that."""
        opened = self._waiting.flushed(setter.session, setter.path)
        if opened is not None:
            self._take_flush(FLUSH_BEFORE, opened)

    def _end_flush_between(self, opened: Opened) -> None:
        """A flush of another open of the file, while a run of this one went on, was for that."""
        other = self._waiting.flushed(opened.session, opened.path)
        if other is None or other is opened:
            return
        first, last = opened.waiting[0].index, opened.waiting[-1].index
        if first < other.waiting[-1].index < last:
            self._take_flush(FLUSH_BEFORE_SEEK, other)

    def _take_flush(self, rule: Rule, opened: Opened) -> None:
        while len(opened.waiting) > 1:
            self.end(opened)
        opened.runs = ()
        self._taker.pattern(rule, opened, Flush(opened.handle))

    def end_copies(self, exchange: Exchange, source: Opened) -> None:
        """A key is asked for once a copy: what is copied from this open from now on is another one."""
        if function_of(exchange) != FSCTL_SRV_REQUEST_RESUME_KEY:
            return
        for opened in self._waiting:
            while opened.runs and opened.copied == source.handle and opened is not source:
                self.end(opened)
