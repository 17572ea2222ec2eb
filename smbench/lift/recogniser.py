"""Runs the table of rules over a stream of exchanges: each exchange ends in exactly one `Taken`.

What may be a part of a pattern waits with its open until the pattern is complete or ruled out: by the
first exchange that does not fit, by the CLOSE, by the end of the trace, or by age. An open that its
client kept for more than `HORIZON` exchanges of the trace is no stat and no unlink: it lasts. So memory
stays bounded, whatever opens are held through the capture.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from smbench.lift.handles import Handles, makes_directory
from smbench.lift.looks import Look, Looks
from smbench.lift.rule import Case, ExchangeRule, Opened, OpenRule, Rule, RunRule, Taken, refused
from smbench.lift.rules.implied import CLOSED_BY_SERVER, CLOSED_WITH_TREE, OPENED_BEFORE
from smbench.lift.rules.linux import FLUSH_BEFORE, LOOK_BEFORE, REMOVAL_REFUSED, makes_removable, sets_by_name
from smbench.lift.rules.metadata import set_of, target_of
from smbench.lift.rules.table import LEFT_OVER, TABLE, Table
from smbench.lift.sessions import SessionEnds
from smbench.smb2.constants import (
    FILE_READ_ATTRIBUTES,
    GENERIC_READ,
    GENERIC_WRITE,
    INFO_FILE,
    OPEN,
    RENAMES,
    SHARE_ALL,
)
from smbench.smb2.ntstatus import Status
from smbench.smb2.paths import renamed
from smbench.trace.messages import CreateResponse, SessionSetupRequest
from smbench.trace.model import Command, Exchange
from smbench.workload.calls import Call, Close, Flush, Open

HORIZON = 1 << 15
"""Exchanges of the trace that a decision may wait for."""

_CREATE, _CLOSE, _SET_INFO, _IOCTL = Command.CREATE, Command.CLOSE, Command.SET_INFO, Command.IOCTL
_LEAVES = frozenset((Command.TREE_DISCONNECT, Command.LOGOFF))


class Watcher(Protocol):
    """Who sees every exchange on a file with its open, before the exchange changes what is open."""

    def witness(self, exchange: Exchange, opened: Opened) -> None: ...

    def left(self, opened: Opened, time_ns: int) -> None:
        """The server closed the open with its tree or session."""


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
        self._take = take
        self._table = table
        self._horizon = horizon
        self._now = 0
        self._waiting: dict[int, Opened] = {}
        """Opens that hold exchanges, by the number of the first; in the order of these numbers."""
        self._flushed: dict[tuple[int, str], Opened] = {}
        """Those of them that hold a FLUSH first, by session and path."""
        self._looks = Looks()
        self._broken_chains: dict[int, Opened] = {}
        """By connection: the open whose CREATE failed in the compound that is being read."""

    def oldest(self, now: int) -> int:
        """The number of the oldest exchange that waits, `now` where none does."""
        return next(iter(self._waiting), now)

    def feed(self, exchange: Exchange) -> None:
        """One exchange."""
        self._now = exchange.index
        if self._waiting:
            self._age(exchange.index)
        if self._broken_chains:
            self._end_chain(exchange)
        command = exchange.command
        if command == _CREATE:
            opened = self._create(exchange)
            if opened is not None and self._watcher is not None:
                self._watcher.witness(exchange, opened)
            return
        opened = self._handles.find(exchange)
        case = Case(exchange, opened, self._handles)
        rule = self._first(case)
        if rule is not None:
            self._single(rule, case)
        elif opened is None:
            self._plain(case)
        else:
            self._on_open(case, opened)
        if opened is not None:
            if self._watcher is not None:
                self._watcher.witness(exchange, opened)
            self._follow(exchange, opened)
        elif command in _LEAVES and not refused(exchange.status):
            self._leave(exchange)
        elif command == Command.SESSION_SETUP and exchange.status == 0:
            self._succeed(exchange)

    def finish(self) -> None:
        """The trace is over: whatever waits is decided by what is there."""
        for opened in list(self._waiting.values()):
            self._settle(opened)

    # CREATE

    def _create(self, create: Exchange) -> Opened | None:
        reconnects = self._handles.reconnects(create)
        opened = self._handles.find(create) if reconnects else self._handles.open(create)
        case = Case(create, opened, self._handles)
        rule = self._first(case)
        if rule is not None:
            if opened is not None and not reconnects:
                opened.refused = _reason(rule, case)
                self._expect_rest(create, opened)
            self._single(rule, case)
            return opened
        if opened is None:  # a reconnect that failed, and that no rule took
            opened = self._handles.open(create)
        if self._looks:
            self._end_looks(opened)
        if self._flushed and sets_by_name(opened):
            self._end_flush(opened)
        opened.patterns = tuple(pattern for pattern in self._table.patterns if pattern.begins(opened))
        self._expect_rest(create, opened)
        if opened.failed and create.compound is not None:
            self._hold(opened, create)
        elif opened.failed:
            opened.held.append(create)
            if not self._whole(opened):
                self._release(opened)
        elif opened.patterns:
            self._hold(opened, create)
        else:
            case.found = opened
            self._in_run(case, opened)
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
        if not (opened.held and self._whole(opened)):
            self._settle(opened)
        self._handles.close(opened)

    # Exchanges of an open

    def _on_open(self, case: Case, opened: Opened) -> None:
        exchange = case.exchange
        if opened.failed and not opened.held:
            self._plain(case)  # what came before it in the compound was decided by its age
        elif opened.patterns or opened.failed:
            if exchange.command == _CLOSE:
                opened.held.append(exchange)
                if not opened.failed and not self._whole(opened):
                    self._release(opened)
                return
            body = len(opened.held)
            opened.patterns = tuple(
                rule
                for rule in opened.patterns
                if body <= rule.longest and rule.body is not None and rule.body(exchange)
            )
            opened.held.append(exchange)
            if not opened.patterns and not opened.failed:
                self._release(opened)
        else:
            self._in_run(case, opened)

    def _whole(self, opened: Opened) -> bool:
        """Whether what an open holds is one pattern, now that it is over; if so, it is taken."""
        held = opened.held
        if held[0].command != _CREATE or not (held[-1].command == _CLOSE or opened.failed):
            return False
        for rule in opened.patterns:
            if rule.complete is None or rule.complete(opened):
                opened.patterns = ()
                opened.announced = True
                if not self._looks.add(rule, opened):
                    self._give(rule, opened)
                return True
        return False

    def _end_looks(self, opened: Opened) -> None:
        """An open has come: it makes what was looked for, or removable what was not, or tells their age."""
        if makes_directory(opened.wish) and (look := self._looks.of_path(opened.session, opened.path)):
            self._end_look(look, LOOK_BEFORE)
        if makes_removable(opened) and (look := self._looks.of_path(opened.session, opened.path)):
            self._end_look(look, REMOVAL_REFUSED)
        for look in self._looks.overdue(opened.session):
            self._end_look(look, look.rule)

    def _end_look(self, look: Look, rule: Rule) -> None:
        self._looks.remove(look)
        calls = () if look.rule.call is None else (look.rule.call(look.opened),)
        held = self._unhold(look.opened)
        reason = rule.reason or rule.name
        self._take(Taken(rule, reason, tuple(held), calls, look.opened.path, held[0], 0))

    def _end_flush(self, setter: Opened) -> None:
        """Attributes are set by the name: a flush that came last on an open of the file was for that."""
        opened = self._flushed.get((setter.session, setter.path))
        if opened is None or len(opened.held) > 1:
            return
        opened.runs = ()
        (flush,) = self._unhold(opened)
        if not opened.announced:
            self._announce(flush, opened)
        calls = (Flush(opened.handle),)
        self._take(Taken(FLUSH_BEFORE, FLUSH_BEFORE.reason, (flush,), calls, opened.path, flush, 0))

    def _in_run(self, case: Case, opened: Opened) -> None:
        exchange = case.exchange
        if opened.runs:
            runs = tuple(rule for rule in opened.runs if rule.continues(opened, exchange))
            if runs:
                opened.runs = runs
                opened.held.append(exchange)
                if all(rule.ends(opened) for rule in runs):
                    self._end_run(opened)
                return
            self._end_run(opened)
        starting = self._table.runs.get(exchange.command, ())
        opened.runs = tuple(rule for rule in starting if rule.begins(opened, exchange))
        if opened.runs:
            self._hold(opened, exchange)
        else:
            self._plain(case)

    def _end_run(self, opened: Opened) -> None:
        runs, opened.runs = opened.runs, ()
        for rule in runs:
            if rule.complete(opened):
                self._give(rule, opened)
                return
        for exchange in self._unhold(opened):
            self._plain(Case(exchange, opened, self._handles))

    # What waits

    def _hold(self, opened: Opened, exchange: Exchange) -> None:
        opened.held.append(exchange)
        self._waiting[exchange.index] = opened
        if exchange.command == Command.FLUSH:
            self._flushed[opened.session, opened.path] = opened

    def _unhold(self, opened: Opened) -> list[Exchange]:
        held, opened.held = opened.held, []
        if held:
            self._waiting.pop(held[0].index, None)
            if held[0].command == Command.FLUSH:
                self._flushed.pop((opened.session, opened.path), None)
        return held

    def _release(self, opened: Opened) -> None:
        """No pattern: what an open holds goes on to the rules below."""
        opened.patterns = ()
        for exchange in self._unhold(opened):
            case = Case(exchange, opened, self._handles)
            if (
                opened.failed or exchange.index < self._now
            ):  # a run starts with what comes, not with what waited
                self._plain(case)
            else:
                self._in_run(case, opened)

    def _settle(self, opened: Opened) -> None:
        """Decide at once about what an open holds."""
        if opened.runs:
            self._end_run(opened)
        elif opened.held and not self._looks.held_by(opened) and not (opened.failed and self._whole(opened)):
            self._release(opened)
            if opened.runs:
                self._end_run(opened)
        if look := self._looks.held_by(opened):
            self._end_look(look, look.rule)

    def _age(self, now: int) -> None:
        while self._waiting:
            first = next(iter(self._waiting))
            if now - first <= self._horizon:
                return
            self._settle(self._waiting[first])

    # What an exchange changes for those after it

    def _follow(self, exchange: Exchange, opened: Opened) -> None:
        command = exchange.command
        if opened.failed:
            return  # its handle means the rest of its compound, whatever that holds
        if exchange.status == Status.FILE_CLOSED:
            # On another tree or session it says nothing of the open, while that session goes on.
            same = (exchange.session, exchange.tree) == (opened.session, opened.tree)
            if same or self._ends.is_over(opened.session, exchange.index):
                self._lose(CLOSED_BY_SERVER, exchange, opened, -1)
            return
        if command == _CLOSE:
            self._settle(opened)
            self._handles.close(opened)
        elif command == _IOCTL:
            self._handles.remember(exchange, opened)
        elif command == _SET_INFO and not refused(exchange.status):
            request = set_of(exchange)
            if request.info_type != INFO_FILE or request.target is None:
                return
            target = target_of(Case(exchange, opened, self._handles))
            if look := self._looks.of_path(exchange.session, target):
                self._end_look(look, LOOK_BEFORE)
            if request.level in RENAMES:
                self._rename(opened, target)

    def _rename(self, opened: Opened, target: str) -> None:
        source = opened.path
        for other in self._handles.beneath(source):
            self._settle(other)  # what it holds bears the old name
            other.path = renamed(other.path, source, target) or other.path

    def _leave(self, exchange: Exchange) -> None:
        """The server closes what is open on a tree or in a session that its client leaves."""
        whole_session = exchange.command == Command.LOGOFF
        for opened in self._handles:
            if opened.session == exchange.session and (whole_session or opened.tree == exchange.tree):
                self._lose(CLOSED_WITH_TREE, exchange, opened, 1)

    def _succeed(self, setup: Exchange) -> None:
        """A client that lost its connection comes back with a new session. The server has closed what the
        old one had open ([MS-SMB2] 3.3.7.1), but for durable opens, which it may take up again."""
        request = setup.request
        previous = request.previous_session_id if isinstance(request, SessionSetupRequest) else None
        for opened in self._handles:
            if (
                opened.user == setup.user
                and opened.session != setup.session
                and not _is_durable(opened)
                and (
                    self._ends.is_over(opened.session, setup.index)
                    or (previous and self._ends.session_id(opened.session) == previous)
                )
            ):
                self._lose(CLOSED_BY_SERVER, setup, opened, 1)

    def _lose(self, rule: Rule, exchange: Exchange, opened: Opened, beside: int) -> None:
        """The server closed an open without being asked to."""
        self._settle(opened)
        if opened.announced and not opened.failed:
            self._take(Taken(rule, "", (), (Close(opened.handle),), opened.path, exchange, beside))
        self._handles.close(opened)
        if self._watcher is not None:
            self._watcher.left(opened, exchange.time_ns)

    # Taking

    def _first(self, case: Case) -> ExchangeRule | None:
        for rule in self._table.first.get(case.exchange.command, self._table.unknown):
            if rule.applies is None or rule.applies(case):
                return rule
        return None

    def _plain(self, case: Case) -> None:
        for rule in self._table.then.get(case.exchange.command, self._table.unknown):
            if rule.applies is None or rule.applies(case):
                self._single(rule, case)
                return
        self._single(LEFT_OVER, case)

    def _single(self, rule: ExchangeRule, case: Case) -> None:
        exchange, opened = case.exchange, case.found
        calls: tuple[Call, ...] = ()
        if rule.calls is not None and opened is not None:
            calls = rule.calls(case)
            if calls and not opened.announced:
                self._announce(exchange, opened)
        path = opened.path if opened is not None else exchange.path or ""
        self._take(Taken(rule, _reason(rule, case), (exchange,), calls, path, exchange, 0))

    def _give(self, rule: OpenRule | RunRule, opened: Opened) -> None:
        """A pattern is complete: all that the open holds stands for its one call."""
        if not opened.announced:
            self._announce(opened.held[0], opened)
        calls = () if rule.call is None else (rule.call(opened),)
        held = self._unhold(opened)
        self._take(Taken(rule, rule.reason or rule.name, tuple(held), calls, opened.path, held[0], 0))

    def _announce(self, exchange: Exchange, opened: Opened) -> None:
        """An open whose CREATE the capture lacks gets an Open of its own before its first operation."""
        opened.announced = True
        if opened.create is not None:
            return
        access = GENERIC_READ | FILE_READ_ATTRIBUTES | (0 if opened.directory else GENERIC_WRITE)
        call = Open(opened.handle, opened.path, access, SHARE_ALL, OPEN, 0, 0, directory=opened.directory)
        self._take(Taken(OPENED_BEFORE, OPENED_BEFORE.reason, (), (call,), opened.path, exchange, -1))


def _is_durable(opened: Opened) -> bool:
    response = None if opened.create is None else opened.create.response
    granted = response.contexts if isinstance(response, CreateResponse) else ()
    return "DHnQ" in granted or "DH2Q" in granted


def _reason(rule: ExchangeRule, case: Case) -> str:
    if rule.detail is None:
        return rule.reason or rule.name
    detail = rule.detail(case)
    return ": ".join(part for part in (rule.reason, detail) if part) or rule.name
