"""Traces that no client and no server would make, of ones that they did: each value may be any that its type
holds, in any order. Seeded.

Handles that were never opened, times that run backwards, offsets from 2^63 on, messages of other commands,
renames in circles, names of nothing, of 64 KiB, of half a character.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import fields, replace
from typing import Any, get_args, get_type_hints

from helpers.story import READ, Wire
from helpers.synthetic import STORIES, told

from smbench.smb2.ntstatus import Status
from smbench.tables import MOST
from smbench.trace.messages import IoctlRequest, Message
from smbench.trace.model import Command, Exchange, TraceInfo
from smbench.trace.store import KINDS
from smbench.trace.values import ByteRange, LockElement, Value

_LONGEST = 150
"""Exchanges of one trace."""
_NUMBERS = (0, 1, 2, 3, 4, 7, 8, 0x10, 0x80, 0x1000, 65535, 1 << 20, (1 << 31) - 1, 1 << 31, (1 << 32) - 1)
_LONG_NUMBERS = (*_NUMBERS, 1 << 32, (1 << 62) - 1, 1 << 62, (1 << 63) - 1, 1 << 63, (1 << 64) - 1)
_LONG = (
    "offset",
    "source_offset",
    "target_offset",
    "size",
    "allocation",
    "capacity",
    "available",
    "previous_session_id",
)
"""Fields of 64 bits on the wire; in some messages `length` is one of them."""
_LONG_LENGTHS = (LockElement, ByteRange, IoctlRequest)
_TIMES = (0, 1, -1, 1 << 40, -(1 << 40), 10**18, (1 << 63) - 1, -(1 << 63), MOST, -MOST)
_NAMES = (
    "", "a", "A", "a/b", "a/b/c", "b", "/", "\\", "//", ".", "..", "../x", "a/../..", "/etc/passwd", "C:\\x",
    "\0", "a\0b", "\n", "\x1b[2J", "\u202egpj", "\ufffd", "\uffff", "\U0001f600", "*", "?", "a*", "CON",
    "a ", "a.", ":", "x:", "a:s", "a:s:$DATA", "a::$DATA", "::$INDEX_ALLOCATION", "ß", "ẞ", "İ", "i̇",
    "e\u0301", "é", "n" * 255, "n" * 256, "x" * 32767, "x" * 65536, "d/" * 300, "d\\" * 16384,
    "\U0001f600" * 16384,
)  # fmt: skip
_STATUSES = (0, 0, 0, None, 0xFFFFFFFF, 0x80000000, 0x103, 1, *(int(status) for status in Status))
_BEYOND_NAMES = ("\ud800", "a/\udfff", "\udc80b", "\ud800" * 300)


def senseless(seed: int, *, beyond: bool = False) -> tuple[TraceInfo, list[Exchange]]:
    """A trace by its number. `beyond`: with what no column holds and no decoder gives, too: times of more
    than 64 bits, lone surrogates."""
    chance = random.Random(seed)
    wire = deepcopy(told(chance.choice((*STORIES, _circles)), chance.randrange(1000)))
    first = chance.randrange(max(1, len(wire.exchanges) - _LONGEST // 2))
    exchanges = wire.exchanges[first : first + chance.randrange(1, _LONGEST)]
    made = _Nonsense(chance, wire.info, exchanges, beyond)
    share = chance.choice((0.02, 0.1, 0.4, 1.0))
    for number in range(len(exchanges)):
        if chance.random() < share:
            for _ in range(chance.randrange(1, 4)):
                chance.choice(made.changes)(exchanges, min(number, len(exchanges) - 1))
    made.describe(exchanges)
    return wire.info, [replace(one, index=index) for index, one in enumerate(exchanges)]


def _circles(wire: Wire, dice: random.Random) -> None:
    """Renames that come back to where they began, or go beneath themselves; the names in use meanwhile."""
    ann, bob = wire.client("ann"), wire.client("bob")
    names = ["a", "b", "c", "a/b", "a/b/c", "A", "a:s", ""]
    for _ in range(50):
        name, target = dice.choice(names), dice.choice(names)
        opened = dice.choice((ann, bob)).opens(name, access=READ, attributes=dice.choice((0x10, 0x80)))
        opened.renames(target, replace=dice.random() < 0.5).renames(name)
        dice.choice((ann, bob)).looks(dice.choice(names))
        opened.sets(11, target=target, replace=True)
        if dice.random() < 0.7:
            opened.closes()


class _Nonsense:
    """The changes, each to the exchange at a place."""

    def __init__(
        self, chance: random.Random, info: TraceInfo, exchanges: Sequence[Exchange], beyond: bool
    ) -> None:
        self._chance, self._info = chance, info
        self._names: list[str] = [*_NAMES, *(_BEYOND_NAMES if beyond else ())]
        self._names += {one.path for one in exchanges if one.path is not None}
        self._times = (*_TIMES, *((1 << 80, -(1 << 80)) if beyond else ()))
        self.changes: tuple[Callable[[list[Exchange], int], None], ...] = (
            self._header, self._header, self._field, self._field, self._field, self._message, self._move,
            self._double, self._lose,
        )  # fmt: skip

    def describe(self, exchanges: Sequence[Exchange]) -> None:
        """What stands beside the exchanges, which others named too."""
        for tree in self._info.trees:
            if self._chance.random() < 0.2:
                tree.share, tree.share_type = self._text()[:300], self._chance.choice((None, 1, 2, 3, 99))
        for user in self._info.users:
            if self._chance.random() < 0.2:
                user.name = self._text()[:300]
        ends = [time for one in exchanges for time in (one.time_ns, one.response_ns) if time is not None]
        self._info.duration_ns, self._info.exchanges = max(ends, default=0), len(exchanges)

    def _text(self) -> str:
        return self._chance.choice(self._names)

    def _number(self, long: bool) -> int:
        chance = self._chance
        numbers = _LONG_NUMBERS if long else _NUMBERS
        return chance.choice(numbers) if chance.random() < 0.7 else chance.randrange(1 << 16)

    def _header(self, exchanges: list[Exchange], place: int) -> None:
        chance, one = self._chance, exchanges[place]
        handles = sum(other.handle is not None for other in exchanges)
        values: dict[str, Callable[[], Any]] = {
            "command": lambda: chance.choice((*Command, *Command, 19, 99, 65535)),
            "status": lambda: chance.choice(_STATUSES),
            "time_ns": lambda: chance.choice(
                (0, max(0, one.time_ns - 10**9), one.time_ns + 10**9, MOST // 2)
            ),
            "response_ns": lambda: chance.choice((None, 0, one.time_ns - 1, MOST // 2)),
            "pending_ns": lambda: chance.choice((None, 0, one.time_ns - 1, MOST // 2)),
            "handle": lambda: chance.choice((None, 0, chance.randrange(handles + 1), handles + 9)),
            "path": lambda: chance.choice((None, self._text())),
            "user": lambda: chance.randrange(-1, len(self._info.users)),
            "tree": lambda: chance.randrange(-1, len(self._info.trees)),
            "session": lambda: chance.randrange(-1, len(self._info.sessions)),
            "connection": lambda: chance.randrange(len(self._info.connections)),
            "compound": lambda: chance.choice((None, 0, 1, one.index, MOST)),
            "compound_position": lambda: chance.choice((0, 1, 2, 99)),
            "message_id": lambda: chance.choice((0, 1, (1 << 64) - 1)),
            "async_id": lambda: chance.choice((None, 0, (1 << 64) - 1)),
            **dict.fromkeys(
                ("related", "notification", "replayed", "retransmission", "dfs", "signed", "encrypted"),
                lambda: chance.random() < 0.5,
            ),
        }
        name = chance.choice([*values])
        exchanges[place] = replace(one, **{name: values[name]()})

    def _field(self, exchanges: list[Exchange], place: int) -> None:
        side = self._chance.choice(("request", "response"))
        message = getattr(exchanges[place], side)
        if message is not None:
            exchanges[place] = replace(exchanges[place], **{side: self._changed(message)})

    def _message(self, exchanges: list[Exchange], place: int) -> None:
        """A message of any kind, in the place of one or of none."""
        made: Message | None = KINDS[self._chance.choice([*KINDS])]()
        for _ in range(self._chance.randrange(8)):
            made = self._changed(made)
        made = self._chance.choice((made, made, made, None))
        side = self._chance.choice(("request", "response"))
        values: dict[str, Any] = {side: made}
        exchanges[place] = replace(exchanges[place], **values)

    def _move(self, exchanges: list[Exchange], place: int) -> None:
        exchanges.insert(self._chance.randrange(len(exchanges)), exchanges.pop(place))

    def _double(self, exchanges: list[Exchange], place: int) -> None:
        exchanges.insert(self._chance.randrange(len(exchanges) + 1), exchanges[place])

    def _lose(self, exchanges: list[Exchange], place: int) -> None:
        if len(exchanges) > 1:
            del exchanges[place]

    def _changed(self, value: Any) -> Any:
        """The message or value with one field of another content."""
        names = [field.name for field in fields(value)]
        if not names:
            return value
        name = self._chance.choice(names)
        return replace(value, **{name: self._any(type(value), name, get_type_hints(type(value))[name])})

    def _any(self, of: type[Value], name: str, hint: Any) -> Any:
        """A value of that type, for the field of that name of a message or value."""
        chance, choices = self._chance, get_args(hint)
        if type(None) in choices:
            return None if chance.random() < 0.2 else self._any(of, name, choices[0])
        if choices:
            return tuple(self._any(of, name, choices[0]) for _ in range(chance.choice((0, 1, 2, 40))))
        if isinstance(hint, type) and issubclass(hint, Value):
            return hint(*(self._any(hint, inner, kind) for inner, kind in get_type_hints(hint).items()))
        if hint is bool:
            return chance.random() < 0.5
        if hint is str:
            return self._text()
        if name.endswith("_ns"):
            return chance.choice(self._times)
        return self._number(name in _LONG or (name == "length" and of in _LONG_LENGTHS))
