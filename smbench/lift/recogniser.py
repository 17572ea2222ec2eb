"""Runs the table of rules over a stream of exchanges: each exchange ends in exactly one `Taken`.

What may be a part of a pattern waits with its open until the pattern is complete or ruled out: by the
first exchange that does not fit, by the CLOSE, by the end of the trace, or by age. An open that its
client kept for more than `HORIZON` exchanges of the trace is no stat and no unlink: it lasts. So memory
stays bounded, whatever stays open through the capture.
"""

from __future__ import annotations

from collections.abc import Callable

from smbench.lift.handles import Handles, makes_directory
from smbench.lift.rule import Case, Opened, Rule, Taken, refused
from smbench.lift.rules import linux, linux_names
from smbench.lift.rules.control import SENT_WHEN_LOST
from smbench.lift.rules.extended_attributes import EA_LOOK_BEFORE, sets_ea_by_name
from smbench.lift.rules.implied import CLOSED_BY_SERVER, CLOSED_WITH_TREE
from smbench.lift.rules.set_info import set_of, target_of
from smbench.lift.rules.table import TABLE, Table
from smbench.lift.runs import Runs
from smbench.lift.sessions import SessionEnds, left_by
from smbench.lift.taking import Taker, reason_of
from smbench.lift.undecided import UndecidedCall, UndecidedCalls
from smbench.lift.waiting import Waiting
from smbench.lift.watcher import Watcher
from smbench.smb2.constants import INFO_FILE, RENAMES
from smbench.smb2.ntstatus import Status
from smbench.smb2.paths import renamed
from smbench.trace.model import Command, Exchange

HORIZON = 1 << 15
"""Exchanges of the trace that a decision may wait for."""

_CREATE, _CLOSE, _SET_INFO, _IOCTL = Command.CREATE, Command.CLOSE, Command.SET_INFO, Command.IOCTL
_QUERY_DIRECTORY = Command.QUERY_DIRECTORY
_LEAVES = frozenset((Command.TREE_DISCONNECT, Command.LOGOFF))


class Recogniser:
    """Feed it exchanges in the order of the trace; it calls `take` with what became of them.

    `take` gets each exchange once, patterns when they are decided. `oldest` is the number of the
    oldest exchange that still waits: everything before it has been taken.
    """

    def __init__(
        self,
        handles: Handles,
        take: Callable[[Taken], None],
        ends: SessionEnds,
        table: Table = TABLE,
        horizon: int = HORIZON,
        watcher: Watcher | None = None,
    ) -> None:
        self._handles = handles
        self._ends = ends
        self._watcher = watcher
        self._table = table
        self._horizon = horizon
        self._now = 0
        self._waiting = Waiting()
        self._taker = Taker(take, table, self._waiting)
        self._runs = Runs(handles, self._waiting, self._taker, table)
        self._undecided = UndecidedCalls()
        self._broken_chains: dict[int, Opened] = {}
        """By connection: the open whose CREATE failed in the compound that is being read."""

    def oldest(self, now: int) -> int:
        """The number of the oldest exchange that waits, `now` where none does."""
        return self._waiting.oldest(now)

    def feed(self, exchange: Exchange) -> None:
        """One exchange."""
        self._now = exchange.index
        if self._waiting:
            self._age(exchange.index)
        if self._broken_chains:
            self._end_chain(exchange)
        command = exchange.command
        opened = self._create(exchange) if command == _CREATE else self._take(exchange)
        if opened is not None:
            if self._watcher is not None:
                self._watcher.witness(exchange, opened)
            if command != _CREATE:
                self._follow(exchange, opened)
        else:
            self._close_with(exchange)

    def _take(self, exchange: Exchange) -> Opened | None:
        """Give it to its rule; the open that it works on, if any."""
        opened = self._handles.find(exchange)
        case = Case(exchange, opened, self._handles)
        rule = self._taker.judging(case)
        if rule is not None:
            self._taker.single(rule, case)
        elif opened is None:
            self._taker.plain(case)
        else:
            self._on_open(case, opened)
        return opened

    def finish(self) -> None:
        """The trace is over: whatever waits is decided by what is there."""
        for opened in self._waiting:
            self._settle(opened)

    # CREATE

    def _create(self, create: Exchange) -> Opened | None:
        reconnects = self._handles.reconnects(create)
        opened = self._handles.find(create) if reconnects else self._handles.open(create)
        case = Case(create, opened, self._handles)
        rule = self._taker.judging(case)
        if rule is not None:
            if opened is not None and not reconnects:
                opened.not_replayed = reason_of(rule, case)
                self._expect_rest(create, opened)
            self._taker.single(rule, case)
            return opened
        if opened is None:  # a reconnect that failed, and that no rule took
            opened = self._handles.open(create)
        if self._undecided:
            self._decide_earlier(opened)
        if opened.path and (scan := self._waiting.scanned(opened.session, opened.path.rpartition("/")[0])):
            self._settle(scan)  # who goes on to an entry meanwhile (rm -r, find) reads in pieces
        if linux.sets_by_name(opened):
            opened.completes = self._runs.incomplete(opened)
            if opened.completes is None:
                self._runs.end_flush(opened)
        opened.patterns = tuple(pattern for pattern in self._table.patterns if pattern.begins(opened))
        self._expect_rest(create, opened)
        if opened.failed and create.compound is not None:
            self._waiting.add(opened, create)
        elif opened.failed:
            opened.waiting.append(create)
            if not self._whole(opened):
                self._release(opened)
        elif opened.patterns:
            self._waiting.add(opened, create)
        else:
            case.found = opened
            self._runs.feed(case, opened)
        return opened

    def _expect_rest(self, create: Exchange, opened: Opened) -> None:
        """What follows a refused CREATE in its compound names its handle too."""
        if opened.failed and create.compound is not None:
            self._broken_chains[create.connection] = opened

    def _end_chain(self, exchange: Exchange) -> None:
        opened = self._broken_chains.get(exchange.connection)
        if opened is None or opened.create is None or exchange.compound == opened.create.compound:
            return
        del self._broken_chains[exchange.connection]
        if not (opened.waiting and self._whole(opened)):
            self._settle(opened)
        self._handles.close(opened)

    # Exchanges of an open

    def _on_open(self, case: Case, opened: Opened) -> None:
        exchange = case.exchange
        if opened.failed and not opened.waiting:
            self._taker.plain(case)  # what came before it in the compound was decided by its age
        elif opened.patterns or opened.failed:
            if exchange.command == _CLOSE:
                opened.waiting.append(exchange)
                if not opened.failed and not self._whole(opened):
                    self._release(opened)
                return
            body = len(opened.waiting)
            opened.patterns = tuple(
                rule
                for rule in opened.patterns
                if body <= rule.longest and rule.body is not None and rule.body(exchange)
            )
            opened.waiting.append(exchange)
            if not opened.patterns and not opened.failed:
                self._release(opened)
        else:
            self._runs.feed(case, opened)

    def _whole(self, opened: Opened) -> bool:
        """Whether what waits is one pattern, now that the open is over; if so, it is taken."""
        waiting = opened.waiting
        if waiting[0].command != _CREATE or not (waiting[-1].command == _CLOSE or opened.failed):
            return False
        if opened.completes is not None:
            return self._runs.complete(opened)
        for rule in opened.patterns:
            if rule.complete is None or rule.complete(opened):
                opened.patterns = ()
                opened.announced = True
                if not self._undecided.add(rule, opened):
                    self._taker.pattern(rule, opened, None if rule.call is None else rule.call(opened))
                return True
        return False

    def _decide_earlier(self, opened: Opened) -> None:
        """An open has come: it makes what was probed, makes removable what was not, or sets what was asked
        for; or it tells their age."""
        if makes_directory(opened.request) and (call := self._undecided.of_path(opened.session, opened.path)):
            self._decide(call, linux.LOOK_BEFORE)
        if linux_names.makes_removable(opened) and (
            call := self._undecided.of_path(opened.session, opened.path)
        ):
            self._decide(call, linux_names.REMOVAL_REFUSED)
        if sets_ea_by_name(opened) and (
            call := self._undecided.of_path(opened.session, opened.path, refused=False)
        ):
            self._decide(call, EA_LOOK_BEFORE)
        for call in self._undecided.overdue(opened.session):
            self._decide(call, call.rule)

    def _decide(self, call: UndecidedCall, rule: Rule) -> None:
        """It is the caller's, by its own rule, or the client's."""
        self._undecided.remove(call)
        call_of = None if call.rule.call is None else call.rule.call(call.opened)
        self._taker.pattern(rule, call.opened, call_of)

    # What waits

    def _release(self, opened: Opened) -> None:
        """No pattern: what waits goes on to the rules below."""
        opened.patterns = ()
        if opened.completes is not None:
            self._runs.end_flush(opened)
        cases = [Case(exchange, opened, self._handles) for exchange in self._waiting.take(opened)]
        linux_names.confirm_retry(opened, cases)
        for case in cases:
            exchange = case.exchange
            # A run starts with what comes, not with what waited.
            if opened.failed or exchange.index < self._now:
                self._taker.plain(case)
            else:
                self._runs.feed(case, opened)

    def _settle(self, opened: Opened) -> None:
        """Decide at once about what waits on an open."""
        if (
            opened.waiting
            and not opened.runs
            and not self._undecided.of_open(opened)
            and not (opened.failed and self._whole(opened))
        ):
            self._release(opened)
        while opened.runs:
            self._runs.end(opened)
        if call := self._undecided.of_open(opened):
            self._decide(call, call.rule)

    def _age(self, now: int) -> None:
        while self._waiting and now - self._waiting.oldest(now) > self._horizon:
            self._settle(self._waiting.longest())

    # What an exchange changes for those after it

    def _follow(self, exchange: Exchange, opened: Opened) -> None:
        command = exchange.command
        if opened.failed:
            return  # its handle means the rest of its compound, whatever that holds
        if command == _QUERY_DIRECTORY and opened.first_query < 0 and opened.create is not None:
            opened.first_query = exchange.index
        if exchange.status == Status.FILE_CLOSED:
            # On another tree or session it says nothing of the open, while that session goes on.
            same = (exchange.session, exchange.tree) == (opened.session, opened.tree)
            if same or self._ends.is_over(opened.session, exchange.index):
                # What is asked for all the same is carried out before the open is over.
                self._lose(CLOSED_BY_SERVER, exchange, opened, 1 if command in SENT_WHEN_LOST else -1)
            return
        if command == _CLOSE:
            if self._undecided.of_open(opened) is None:
                self._settle(opened)
            self._handles.close(opened)
        elif command == _IOCTL:
            self._runs.end_copies(exchange, opened)
            self._handles.remember(exchange, opened)
        elif command == _SET_INFO:
            self._placed(exchange, opened)

    def _placed(self, exchange: Exchange, opened: Opened) -> None:
        """A rename or link gives a file another name, or is refused."""
        request = set_of(exchange)
        if request.info_type != INFO_FILE or request.target is None:
            return
        if refused(exchange.status):
            self._handles.refuse(exchange, opened)
        target = target_of(Case(exchange, opened, self._handles))
        if call := self._undecided.of_path(exchange.session, target):
            self._decide(call, linux.LOOK_BEFORE)
        if request.level in RENAMES and not (refused(exchange.status) or linux_names.renames_away(exchange)):
            self._rename(opened, target)

    def _rename(self, opened: Opened, target: str) -> None:
        source = opened.path
        for other in self._handles.beneath(source):
            self._settle(other)  # what waits bears the old name
            other.path = renamed(other.path, source, target) or other.path

    def _close_with(self, exchange: Exchange) -> None:
        """What the server closes when a client leaves a tree or a session, or comes back with a new one."""
        if exchange.command in _LEAVES and not refused(exchange.status):
            for opened in left_by(exchange, self._handles):
                self._lose(CLOSED_WITH_TREE, exchange, opened, 1)
        elif exchange.command == Command.SESSION_SETUP and exchange.status == Status.SUCCESS:
            for opened in self._ends.succeeded_by(exchange, self._handles):
                self._lose(CLOSED_BY_SERVER, exchange, opened, 1)

    def _lose(self, rule: Rule, exchange: Exchange, opened: Opened, beside: int) -> None:
        """The server closed an open without being asked to."""
        self._settle(opened)
        self._taker.closed(rule, opened, exchange, beside)
        self._handles.close(opened)
        if self._watcher is not None:
            self._watcher.left(opened, exchange.time_ns)
