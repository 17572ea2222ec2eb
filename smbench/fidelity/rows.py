"""A side's exchanges as columns: what matching and counting need, and no object an exchange.

Paths, keys and compared parameters are words of one `Vocabulary` that both sides share, so that equal
numbers mean equal values.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from smbench.fidelity import parameters
from smbench.fidelity.counterpart import Counterparts
from smbench.fidelity.paths import without
from smbench.fidelity.shares import NAMED, Shares
from smbench.fidelity.sides import Side
from smbench.fidelity.tally import Tally
from smbench.smb2.paths import rename_target
from smbench.trace.model import Exchange

Numbers = NDArray[np.int64]
NONE = -1
UNKNOWN_PATH = "?"
"""Where the capture never told the name."""


class Words:
    """Values by number, numbers by value."""

    def __init__(self) -> None:
        self.values: list[Any] = []
        self._numbers: dict[Hashable, int] = {}

    def number(self, value: Hashable) -> int:
        found = self._numbers.get(value)
        if found is None:
            found = self._numbers[value] = len(self.values)
            self.values.append(value)
        return found


@dataclass(slots=True)
class Vocabulary:
    """The words of both sides of a comparison."""

    keys: Words = field(default_factory=Words)
    compared: Words = field(default_factory=Words)
    requests: Words = field(default_factory=Words)
    """(key, target's path): what must be equal for a match, beside user and path."""
    paths: Words = field(default_factory=Words)
    """Paths regardless of case, as a share does."""


@dataclass(slots=True)
class Rows:
    """The exchanges of a side that a replay is answerable for, in the order of their requests.

    Columns: `index` in the trace; `user`; `path` and `target` (numbers in `spellings`; NONE for no target);
    `key` and `compared` (words); `status` (NONE: unanswered); `time_ns` and `answered_ns` since the
    trace's start (NONE: unanswered); `command`; `disposition` (a number in the side's dispositions);
    `counterpart` (a number in `lacking`; NONE: POSIX has one); `warm` (1: of a run's warm-up: its time counts
    nowhere); `apart` (1: it or its like on the other side failed, and they did not end the same).
    """

    columns: dict[str, Numbers]
    spellings: list[str]
    """Paths; of a share without a name below that share (`trees`)."""
    trees: list[int]
    """By spelling: the tree, where its share has no name (`shares.py`); else NAMED."""
    only_share: str
    """The one share with a name, where there are others without."""
    tally: Tally
    users: list[str]
    left_out: int = 0
    """Answerable exchanges outside the run's window."""
    of_others: int = 0
    """Answerable exchanges of other clones."""
    of_outside: int = 0
    """Answerable exchanges that a run sent for somebody outside the capture."""
    lacking: list[str] = field(default_factory=list)
    """Why exchanges have no POSIX counterpart."""

    def __len__(self) -> int:
        return len(self.columns["index"])

    def senders(self) -> list[int]:
        """The users who sent any of them."""
        return [int(user) for user in np.unique(self["user"])]

    def __getitem__(self, column: str) -> Numbers:
        return self.columns[column]


_COLUMNS = (
    "index", "frame", "user", "path", "target", "key", "compared", "status", "time_ns", "answered_ns",
    "command", "disposition", "counterpart", "warm", "apart",
)  # fmt: skip


def gather(side: Side, vocabulary: Vocabulary) -> Rows:
    """One pass over a side's exchanges."""
    begin, end, _ = span = _span(side)
    answerable, dispositions = side.dispositions.answerable(), side.dispositions
    tally = Tally()
    columns = _Columns(side, vocabulary, span)
    left_out = of_others = of_outside = 0
    for exchange in side.exchanges:
        disposition = dispositions[exchange.index]
        if disposition == NONE:
            continue
        counts = disposition in answerable
        if not begin <= exchange.time_ns <= end:
            left_out += counts
            continue
        if side.connections is not None and exchange.connection not in side.connections:
            of_others += counts
            continue
        if exchange.user in side.outside:
            of_outside += counts
            continue
        tally.add(exchange, counts)
        if counts:
            columns.add(exchange, disposition)
    return replace(columns.rows(tally), left_out=left_out, of_others=of_others, of_outside=of_outside)


class _Columns:
    """The rows of one side as they come."""

    def __init__(self, side: Side, vocabulary: Vocabulary, span: tuple[int, int, int]) -> None:
        self._folder = side.folder or ""
        self._dispositions = side.dispositions.kinds
        self._users = [user.name for user in side.info.users]
        self._same_user = side.same_user
        self._keys, self._compared = vocabulary.keys, vocabulary.compared
        self._warm_until = span[2]
        self._shares, self._spelled = Shares(side.info.trees, side.share), Words()
        self._counterparts, self._lacking = Counterparts(), Words()
        self._rows: list[tuple[int, ...]] = []

    def add(self, exchange: Exchange, disposition: int) -> None:
        """An exchange that a replay is answerable for."""
        unnamed = self._shares.unnamed(exchange.tree)
        path = (
            (UNKNOWN_PATH, NAMED)
            if exchange.path is None
            else (self._within(exchange, exchange.path), unnamed)
        )
        sent = parameters.target_of(exchange)
        target = NONE
        if sent is not None:
            renamed = rename_target(exchange.path or "", sent, exchange.dfs)
            target = self._spelled.number((self._within(exchange, renamed), unnamed))
        missing = self._counterparts.missing(exchange, self._dispositions[disposition].rule)
        self._rows.append(
            (
                exchange.index,
                exchange.frame,
                self._user(exchange.user),
                self._spelled.number(path),
                target,
                self._keys.number(parameters.key_of(exchange)),
                self._compared.number((exchange.command, *parameters.compared_of(exchange))),
                NONE if exchange.status is None else exchange.status,
                exchange.time_ns,
                NONE if exchange.response_ns is None else exchange.response_ns,
                exchange.command,
                disposition,
                self._lacking.number(missing) if missing else NONE,
                exchange.time_ns < self._warm_until,
                False,
            )
        )

    def rows(self, tally: Tally) -> Rows:
        """All that came."""
        table = np.array(self._rows, np.int64).reshape(len(self._rows), len(_COLUMNS))
        return Rows(
            {name: np.ascontiguousarray(table[:, at]) for at, name in enumerate(_COLUMNS)},
            [path for path, _ in self._spelled.values],
            [tree for _, tree in self._spelled.values],
            self._shares.only,
            tally,
            [*self._users, "unknown"],
            lacking=self._lacking.values,
        )

    def _user(self, user: int) -> int:
        return self._same_user.get(user, user) if user >= 0 else len(self._users)

    def _within(self, exchange: Exchange, path: str) -> str:
        """A path of the exchange's share, relative to the side's folder."""
        return without(self._shares.place(exchange.tree, path), self._folder)


def _span(side: Side) -> tuple[int, int, int]:
    """From when to when exchanges count, and until when a run warmed up."""
    if side.window is None:
        return -(1 << 62), 1 << 62, -(1 << 62)
    start, window = side.info.start_epoch_ns, side.window
    return window.begin_ns - start, window.end_ns - start, window.warm_until_ns - start
