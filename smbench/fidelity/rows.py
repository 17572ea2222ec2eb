"""A side's exchanges as columns: what matching and counting need, and no object an exchange.

Paths, keys and compared parameters are words of one `Vocabulary` that both sides share, so that equal
numbers mean equal values.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
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
    trace's start (NONE: unanswered); `command`; `fate` (a number in the side's fates); `counterpart` (a
    number in `lacking`; NONE: POSIX has one); `warm` (1: of a run's warm-up: its time counts nowhere);
    `apart` (1: it or its like on the other side failed, and they did not end the same).
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
    "command", "fate", "counterpart", "warm", "apart",
)  # fmt: skip


def gather(side: Side, vocabulary: Vocabulary) -> Rows:
    """One pass over a side's exchanges."""
    begin, end, warm_until = _span(side)
    shares, spelled = Shares(side.info.trees), Words()
    folder = side.folder or ""
    answerable, fates = side.fates.answerable(), side.fates
    tally, counterparts, lacking = Tally(), Counterparts(), Words()
    users = [user.name for user in side.info.users]
    nobody = len(users)
    rows: list[tuple[int, ...]] = []
    left_out = of_others = 0
    keys, compared = vocabulary.keys, vocabulary.compared
    for exchange in side.exchanges:
        fate = fates[exchange.index]
        if fate == NONE:
            continue
        counts = fate in answerable
        if not begin <= exchange.time_ns <= end:
            left_out += counts
            continue
        if side.connections is not None and exchange.connection not in side.connections:
            of_others += counts
            continue
        tally.add(exchange, counts)
        if not counts:
            continue
        unnamed = shares.unnamed(exchange.tree)
        path = (
            (UNKNOWN_PATH, NAMED)
            if exchange.path is None
            else (without(shares.place(exchange.tree, exchange.path), folder), unnamed)
        )
        sent = parameters.target_of(exchange)
        target = NONE
        if sent is not None:
            renamed = rename_target(exchange.path or "", sent, exchange.dfs)
            target = spelled.number((without(shares.place(exchange.tree, renamed), folder), unnamed))
        missing = counterparts.missing(exchange, fates.kinds[fate].rule)
        rows.append(
            (
                exchange.index,
                exchange.frame,
                exchange.user if exchange.user >= 0 else nobody,
                spelled.number(path),
                target,
                keys.number(parameters.key_of(exchange)),
                compared.number((exchange.command, *parameters.compared_of(exchange))),
                NONE if exchange.status is None else exchange.status,
                exchange.time_ns,
                NONE if exchange.response_ns is None else exchange.response_ns,
                exchange.command,
                fate,
                lacking.number(missing) if missing else NONE,
                exchange.time_ns < warm_until,
                False,
            )
        )
    table = np.array(rows, np.int64).reshape(len(rows), len(_COLUMNS))
    return Rows(
        {name: np.ascontiguousarray(table[:, at]) for at, name in enumerate(_COLUMNS)},
        [path for path, _ in spelled.values],
        [tree for _, tree in spelled.values],
        shares.only,
        tally,
        [*users, "unknown"],
        left_out,
        of_others,
        lacking.values,
    )


def _span(side: Side) -> tuple[int, int, int]:
    """From when to when exchanges count, and until when a run warmed up."""
    if side.window is None:
        return -(1 << 62), 1 << 62, -(1 << 62)
    start, window = side.info.start_epoch_ns, side.window
    return window.begin_ns - start, window.end_ns - start, window.warm_until_ns - start
