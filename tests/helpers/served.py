"""Random captures that a true server answered: clients whose requests overlap, and somebody outside.

Each request takes effect at one moment between its time and its answer's, in the order of these moments, on
the in-memory server. What somebody outside does is done on the server, and is in no exchange.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from helpers.story import DIRECTORY, NORMAL, Client, Open, Wire

from smbench.executors.memory import opens
from smbench.executors.memory.server import MemoryServer
from smbench.executors.memory.tree import Handle, Link, RefusedError, parse
from smbench.smb2 import constants as c
from smbench.trace import messages as m
from smbench.trace.model import Command
from smbench.trace.values import DirectoryEntry
from smbench.workload.calls import Create, List

PATHS = ("a", "b", "d", "d/a", "d/b", "e", "e/a")
_STEP_NS = 1_000_000
_READS = c.FILE_READ_DATA | c.FILE_READ_ATTRIBUTES
_ACCESSES = (_READS, _READS | c.FILE_WRITE_DATA, c.FILE_READ_ATTRIBUTES, c.DELETE, _READS | c.DELETE)
_MADE = {False: c.OPENED, True: c.CREATED}


@dataclass(slots=True)
class _Held:
    """An open: of the server, of the story, and when the client knows of it."""

    handle: Handle
    known_ns: int
    told: Open | None = None


@dataclass(slots=True)
class Served:
    """`overlap`: how many steps a request may be sent before, and answered after, it takes effect. `plain`:
    no open is a call by itself from its CREATE to its CLOSE, so that each takes effect where it is sent; and
    nothing is removed, so that no name waits for its last close."""

    dice: random.Random
    overlap: int = 0
    clients: int = 2
    plain: bool = False
    server: MemoryServer = field(default_factory=MemoryServer)
    outside: list[str] = field(default_factory=list)
    """What somebody outside did, in words."""
    _now_ns: int = 0
    _held: list[list[_Held]] = field(default_factory=list)
    _sent: list[tuple[int, int, Callable[[list[Client]], None]]] = field(default_factory=list)

    def wire(self, steps: int, outside: float = 0.0) -> Wire:
        """The capture of so many steps, of which that share is somebody outside's."""
        self._held = [[] for _ in range(self.clients)]
        for _ in range(steps):
            self._now_ns += _STEP_NS
            if self.dice.random() < outside:
                self._change()
            else:
                self._ask(self.dice.randrange(self.clients))
        wire = Wire()
        people = [wire.client(f"user{number}") for number in range(self.clients)]
        for _, _, send in sorted(self._sent, key=lambda one: one[:2]):
            send(people)
        return wire

    # Clients

    def _ask(self, who: int) -> None:
        ready = [held for held in self._held[who] if held.known_ns <= self._now_ns]
        if not ready or self.dice.random() < 0.4:
            self._open(who)
            return
        held = self.dice.choice(ready)
        does = [self._close, self._close, self._read, self._write, self._truncate, self._rename,
                self._question, self._list]  # fmt: skip
        self.dice.choice(does if self.plain else [*does, self._doom])(who, held)

    def _times(self, after_ns: int = 0) -> dict[str, Any]:
        """When a request that takes effect now was sent, and how long it took; nothing falls together."""
        most = self.overlap * _STEP_NS
        sent = max(self._now_ns - self.dice.randint(0, most), after_ns + 1)
        answered = self._now_ns + self.dice.randint(1, most + 1000)
        return {"at_ns": sent, "takes_ns": answered - sent}

    def _send(self, times: dict[str, Any], send: Callable[[list[Client]], None]) -> None:
        self._sent.append((times["at_ns"], len(self._sent), send))

    def _open(self, who: int) -> None:
        dice = self.dice
        path, access = dice.choice(PATHS), dice.choice(_ACCESSES)
        options = dice.choice((0, 0, c.DIRECTORY_FILE, c.NON_DIRECTORY_FILE))
        if not self.plain and access & c.DELETE and dice.random() < 0.5:
            options |= c.DELETE_ON_CLOSE
        disposition = dice.choice((c.OPEN, c.OPEN, c.OPEN, c.CREATE, c.OPEN_IF, c.OVERWRITE_IF))
        if self.plain:
            access |= c.FILE_READ_DATA
            if options & c.DIRECTORY_FILE and disposition == c.CREATE:
                disposition = c.OPEN_IF
        asked: dict[str, Any] = {"access": access, "options": options, "disposition": disposition}
        times = self._times()
        made = self._found(path) is None
        try:
            handle = opens.open_file(self.server.tree, path, Create(**asked))
        except RefusedError as refused:
            status = refused.status
            self._send(times, lambda people: _drop(people[who].opens(path, status, **asked, **times)))
            return
        held = _Held(handle, times["at_ns"] + times["takes_ns"])
        self._held[who].append(held)
        emptied = not made and disposition in c.EMPTYING
        told: dict[str, Any] = {
            "size": handle.stream.size,
            "attributes": DIRECTORY if handle.node.directory else NORMAL,
            "action": c.OVERWRITTEN if emptied else _MADE[made],
        }

        def send(people: list[Client]) -> None:
            held.told = people[who].opens(path, **asked, **told, **times)

        self._send(times, send)

    def _on(self, held: _Held, act: Callable[[], Any], send: Callable[..., Any]) -> None:
        """An exchange on an open: what the server says to it, and how the story tells it."""
        times = self._times(held.known_ns)
        status, answer = 0, None
        try:
            answer = act()
        except RefusedError as refused:
            status = refused.status

        def tell(_people: list[Client]) -> None:
            assert held.told is not None
            send(held.told, status, answer, times)

        self._send(times, tell)

    def _close(self, who: int, held: _Held) -> None:
        self._held[who].remove(held)
        # The client uses no handle that it has closed, so it closes after all else was answered.
        last = max((at for at, _, _ in self._sent), default=0)
        held.known_ns = max(held.known_ns, min(last, self._now_ns - 1))
        self._on(
            held,
            lambda: opens.close_file(self.server.tree, held.handle),
            lambda told, status, _, times: told.sends(Command.CLOSE, m.CloseRequest("", 1), status, **times),
        )

    def _read(self, _who: int, held: _Held) -> None:
        offset, length = self.dice.randrange(0, 300, 50), self.dice.choice((50, 400))
        self._on(
            held,
            lambda: self.server.read(held.handle, offset, length),
            lambda told, status, count, times: told.reads(offset, length, count or 0, status, **times),
        )

    def _write(self, _who: int, held: _Held) -> None:
        offset = self.dice.randrange(0, 300, 50)
        self._on(
            held,
            lambda: self.server.write(held.handle, offset, 50),
            lambda told, status, _, times: told.writes(offset, 50, status, **times),
        )

    def _truncate(self, _who: int, held: _Held) -> None:
        size = self.dice.randrange(0, 400, 50)
        self._set(held, lambda: self.server.truncate(held.handle, size), 20, size=size)

    def _doom(self, _who: int, held: _Held) -> None:
        delete = self.dice.random() < 0.8
        self._set(held, lambda: self.server.set_delete(held.handle, delete), 13, delete=delete)

    def _rename(self, _who: int, held: _Held) -> None:
        target, replace = self.dice.choice(PATHS), self.dice.random() < 0.5
        self._set(
            held,
            lambda: self.server.rename(held.handle, target, replace),
            10, target=target.replace("/", "\\"), replace=replace,
        )  # fmt: skip

    def _set(self, held: _Held, act: Callable[[], Any], level: int, **payload: Any) -> None:
        request = m.SetInfoRequest("", 1, level, **payload)
        self._on(
            held, act, lambda told, status, _, times: told.sends(Command.SET_INFO, request, status, **times)
        )

    def _question(self, _who: int, held: _Held) -> None:
        self._on(
            held,
            lambda: held.handle.stream.size,
            lambda told, status, size, times: told.sends(
                Command.QUERY_INFO, m.QueryInfoRequest("", 1, 5, 4096), status,
                m.QueryInfoResponse(size=size, directory=held.handle.node.directory), **times,
            ),
        )  # fmt: skip

    def _list(self, _who: int, held: _Held) -> None:
        def entries() -> tuple[DirectoryEntry, ...]:
            self.server.list_directory(held.handle, List(0, "*", 37, True, 65536))
            return tuple(
                DirectoryEntry(
                    link.name, DIRECTORY if link.node.directory else NORMAL, size=link.node.data.size
                )
                for link in held.handle.node.children.values()
            )

        self._on(
            held,
            entries,
            lambda told, status, found, times: told.sends(
                Command.QUERY_DIRECTORY, m.QueryDirectoryRequest("", 37, 1, "*", 65536), status,
                m.QueryDirectoryResponse(found or (), len(found or ())), **times,
            ),
        )  # fmt: skip

    def _found(self, path: str) -> Link | None:
        try:
            return self.server.tree.find(parse(path)[0])
        except RefusedError:
            return None

    # Outside

    def _change(self) -> None:
        tree, path = self.server.tree, self.dice.choice(PATHS)
        size = self.dice.randrange(0, 400, 50)
        link = self._found(path)
        if link is None:
            directory = path in ("d", "e") and self.dice.random() < 0.7
            options = c.DIRECTORY_FILE if directory else 0
            asked = Create(_READS | c.FILE_WRITE_DATA, disposition=c.CREATE, options=options)
            try:
                handle = opens.open_file(tree, path, asked)
            except RefusedError:
                return
            handle.stream.size = 0 if directory else size
            opens.close_file(tree, handle)
            self.outside.append(f"made {path}")
        elif next(link.node.handles(), None) is None and not link.node.children and self.dice.random() < 0.5:
            tree.remove(link)
            self.outside.append(f"removed {path}")
        elif not link.node.directory:
            link.node.data.size = size
            self.outside.append(f"resized {path}")


def _drop(_opened: Open) -> None:
    """A refused open is used for nothing."""
