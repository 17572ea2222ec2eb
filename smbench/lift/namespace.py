"""What must be there before a replay, and what must not: inferred from every response that tells.

Evidence counts from the moment when the answer came, because then the server had done it. The first
evidence about a name wins; after the workload's own creates, writes, renames and deletions nothing about
what they changed is believed to be of the beginning.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from heapq import heappop, heappush

from smbench.lift.evidence import ABSENT, PRESENT, action_of, inform, inform_of_eas, may_have_been_done
from smbench.lift.names import LATEST_NS, Names
from smbench.lift.nametree import NameTree, Node
from smbench.lift.rule import Case, Context, Opened, refused
from smbench.lift.rules.data import extent, moved
from smbench.lift.rules.set_info import set_of, target_of
from smbench.smb2.constants import (
    ALLOCATION,
    ATTRIBUTE_DIRECTORY,
    ATTRIBUTE_READONLY,
    BASIC,
    CREATED,
    DELETE_ON_CLOSE,
    DIRECTORY_FILE,
    DISPOSITIONS,
    END_OF_FILE,
    FSCTL_SET_SPARSE,
    FSCTL_SET_ZERO_DATA,
    FSCTL_SRV_COPYCHUNK,
    FSCTL_SRV_COPYCHUNK_WRITE,
    FULL_EA,
    INFO_FILE,
    LINKS,
    OPEN,
    OPENED,
    RENAMES,
)
from smbench.smb2.ntstatus import Status
from smbench.trace.messages import (
    CloseResponse,
    CreateRequest,
    CreateResponse,
    IoctlRequest,
    QueryDirectoryResponse,
    QueryInfoResponse,
)
from smbench.trace.model import Command, Exchange
from smbench.trace.values import DirectoryEntry
from smbench.workload.model import Kind, NamespaceEntry

_WRITES = frozenset((FSCTL_SRV_COPYCHUNK, FSCTL_SRV_COPYCHUNK_WRITE))

_DATA = (Command.READ, Command.WRITE)


@dataclass(slots=True, eq=False)
class Sight:
    """An exchange on a file, with what its names meant when it was sent."""

    exchange: Exchange
    opened: Opened
    path: str
    target: str
    """Where a rename or link leads; empty for all else."""
    source: int | None
    """The handle that a server-side copy reads from."""


class NamespaceInference:
    """Feed it every exchange on a file with its open; ask for the entries at the end."""

    def __init__(self, names: Names, context: Context) -> None:
        self.tree = NameTree()
        self._names = names
        self._scene = context
        self._nodes: dict[int, Node] = {}
        """The node of every open, by handle."""
        self._due: list[tuple[int, int, Sight]] = []
        """By the time of the answer, then in order of arrival."""
        self._readers: dict[int, Callable[[Sight, Node], None]] = {
            Command.CLOSE: self._closed,
            Command.READ: self._read,
            Command.WRITE: self._written,
            Command.QUERY_INFO: self._queried,
            Command.QUERY_DIRECTORY: self._listed,
            Command.CHANGE_NOTIFY: _nothing_more,
            Command.SET_INFO: self._set,
            Command.IOCTL: self._controlled,
        }

    def witness(self, exchange: Exchange, opened: Opened) -> None:
        """An exchange and its open, as it was before this exchange changed it."""
        command = exchange.command
        if opened.pipe or opened.not_replayed or (command != Command.CREATE and command not in self._readers):
            return
        if command in _DATA and self._tells_nothing(command, opened):
            return
        target, source = "", None
        if command == Command.IOCTL and isinstance(exchange.request, IoctlRequest):
            source = self._scene.source_of(exchange.request.resume_key)
        if command == Command.SET_INFO and set_of(exchange).target is not None:
            target = target_of(Case(exchange, opened, self._scene))
        at = exchange.time_ns if exchange.response_ns is None else exchange.response_ns
        self._learn_until(exchange.time_ns)
        heappush(self._due, (at, exchange.index, Sight(exchange, opened, opened.path, target, source)))

    def _tells_nothing(self, command: int, opened: Opened) -> bool:
        """Whether all is known already that a READ or WRITE could tell: most of a capture is such."""
        node = self._nodes.get(opened.handle)
        if node is None:
            return False
        if command == Command.WRITE:
            return node.data_touched and node.info_touched
        return node.data_touched or node.entry is None or node.entry.size_known

    def entries(self) -> Iterator[NamespaceEntry]:
        """What the workload presumes; to be asked once, when all exchanges have passed."""
        self._learn_until(LATEST_NS)
        return self.tree.entries()

    def left(self, opened: Opened, time_ns: int) -> None:
        """The server closed the open with its tree or session."""
        self._learn_until(time_ns)
        node = self._nodes.pop(opened.handle, None)
        if node is not None:
            self._let_go(opened, node)

    def _learn_until(self, time_ns: int) -> None:
        while self._due and self._due[0][0] <= time_ns:
            self._learn(heappop(self._due)[2])

    def _learn(self, sight: Sight) -> None:
        exchange, opened = sight.exchange, sight.opened
        if exchange.command == Command.CREATE:
            self._opened(sight)
            return
        node = self._nodes.get(opened.handle)
        if node is None:
            if opened.failed:
                return
            found = self.tree.find(sight.path)
            if found is None:
                return
            kind = Kind.DIRECTORY if opened.directory else None
            node = self._nodes[opened.handle] = self.tree.note(found, True, kind)
            node.opens += 1
        self._readers[exchange.command](sight, node)

    # CREATE

    def _opened(self, sight: Sight) -> None:
        exchange, opened = sight.exchange, sight.opened
        node = self.tree.find(sight.path)
        if node is None or opened.handle in self._nodes:  # a reconnect goes on with what it had
            return
        if opened.failed:
            self._failed(exchange, node)
            return
        response = exchange.response if isinstance(exchange.response, CreateResponse) else CreateResponse()
        action = action_of(exchange, response)
        kind = Kind.DIRECTORY if opened.directory else Kind.FILE
        if action == CREATED:
            node = self.tree.create(node)
        elif action is not None:
            node = self.tree.note(node, True, kind)
            if action == OPENED:
                inform(node, response)
            else:
                node.data_touched = node.info_touched = True
        node.opens += 1
        self._nodes[opened.handle] = node

    def _failed(self, exchange: Exchange, node: Node) -> None:
        request = exchange.request if isinstance(exchange.request, CreateRequest) else CreateRequest()
        wants_directory = bool((request.options or 0) & DIRECTORY_FILE)
        status, parent = exchange.status, node.parent
        if status in ABSENT:
            if not node.is_stream or (parent is not None and parent.exists):
                self.tree.note_absent(node)
        elif status == Status.OBJECT_PATH_NOT_FOUND:
            if parent is not None and parent.exists is None:
                self.tree.note(parent, False)
        elif status == Status.FILE_IS_A_DIRECTORY:
            self.tree.note(node, True, Kind.DIRECTORY)
        elif status == Status.NOT_A_DIRECTORY:
            if wants_directory:
                self.tree.note(node, True, Kind.FILE)
        elif status in PRESENT or (status == Status.ACCESS_DENIED and request.disposition == OPEN):
            self.tree.note(node, True, hint=Kind.DIRECTORY if wants_directory else None)
            if status == Status.CANNOT_DELETE and node.entry is not None and node.entry.attributes is None:
                node.entry.attributes = ATTRIBUTE_READONLY

    # On an open

    def _closed(self, sight: Sight, node: Node) -> None:
        if isinstance(sight.exchange.response, CloseResponse):
            inform(node, sight.exchange.response)
        del self._nodes[sight.opened.handle]
        self._let_go(sight.opened, node)

    def _let_go(self, opened: Opened, node: Node) -> None:
        node.opens -= 1
        if (opened.request.options or 0) & DELETE_ON_CLOSE:
            node.doomed = True
        if node.doomed and node.opens <= 0:
            self.tree.delete(node)

    def _read(self, sight: Sight, node: Node) -> None:
        entry = node.entry
        count = moved(sight.exchange)
        if entry is None or node.data_touched or entry.size_known or not count:
            return
        offset, length = extent(sight.exchange)
        entry.size = min(max(entry.size, offset + count), LATEST_NS)
        entry.size_known = count < length

    def _written(self, sight: Sight, node: Node) -> None:
        if may_have_been_done(sight.exchange):
            node.data_touched = node.info_touched = True

    def _queried(self, sight: Sight, node: Node) -> None:
        response = sight.exchange.response
        inform_of_eas(node, sight.exchange)
        if not isinstance(response, QueryInfoResponse):
            return
        if response.directory is not None and node.entry is not None and node.entry.kind is None:
            node.entry.kind = Kind.DIRECTORY if response.directory else Kind.FILE
        inform(node, response)
        for stream in response.streams:
            name, _, size = stream.rpartition(" ")
            parts = name.split(":")
            if len(parts) > 1 and parts[1] and size.isdigit():
                found = self.tree.note(self.tree.child(node, f":{parts[1]}"), True, Kind.STREAM)
                inform(found, DirectoryEntry(stream, size=int(size)))

    def _listed(self, sight: Sight, node: Node) -> None:
        response = sight.exchange.response
        if not isinstance(response, QueryDirectoryResponse):
            return
        where = f"{sight.path}/" if sight.path else ""
        for entry in response.entries:
            if entry.name in ("", ".", "..") or "/" in entry.name or "\\" in entry.name:
                continue
            name = self._names.spell_in(where, entry.name)
            directory = entry.attributes is not None and bool(entry.attributes & ATTRIBUTE_DIRECTORY)
            kind = None if entry.attributes is None else Kind.DIRECTORY if directory else Kind.FILE
            found = self.tree.note(self.tree.child(node, name), True, kind)
            inform(found, entry)

    def _set(self, sight: Sight, node: Node) -> None:
        exchange = sight.exchange
        request = set_of(exchange)
        if request.info_type != INFO_FILE:
            return
        level = request.level
        if level in RENAMES or level in LINKS:
            self._placed(exchange, node, sight.target)
        elif level in DISPOSITIONS:
            if not refused(exchange.status):
                node.doomed = bool(request.delete)
            elif exchange.status == Status.DIRECTORY_NOT_EMPTY:
                self.tree.hold_something(node)
        elif level in (END_OF_FILE, ALLOCATION) and may_have_been_done(exchange):
            node.data_touched = node.info_touched = True
        elif level == BASIC and may_have_been_done(exchange):
            node.info_touched = True
        elif level == FULL_EA and may_have_been_done(exchange):
            node.ea_touched = True

    def _placed(self, exchange: Exchange, node: Node, target: str) -> None:
        """A rename or a hard link, done or refused."""
        request = set_of(exchange)
        found = self.tree.find(target)
        if found is None or found.parent is None:
            return
        if exchange.status == Status.OBJECT_NAME_COLLISION:
            self.tree.note(found, True)
        elif exchange.status == Status.OBJECT_PATH_NOT_FOUND:
            if found.parent.exists is None:
                self.tree.note(found.parent, False)
        elif not refused(exchange.status) and found is not node:
            if not request.replace and found.exists is None:
                found = self.tree.note_absent(found)
            if request.level in RENAMES:
                self.tree.move(node, found)
            else:
                self.tree.create(found)

    def _controlled(self, sight: Sight, node: Node) -> None:
        request = sight.exchange.request
        if not isinstance(request, IoctlRequest) or refused(sight.exchange.status):
            return
        if request.function in _WRITES:
            node.data_touched = node.info_touched = True
            source = None if sight.source is None else self._nodes.get(sight.source)
            if source is not None and source.entry is not None and not source.data_touched:
                end = max((chunk.source_offset + chunk.length for chunk in request.chunks), default=0)
                if not source.entry.size_known:
                    source.entry.size = min(max(source.entry.size, end), LATEST_NS)
        elif request.function in (FSCTL_SET_ZERO_DATA, FSCTL_SET_SPARSE):
            node.info_touched = True


def _nothing_more(sight: Sight, node: Node) -> None:
    """That it was open tells that it is there."""
    del sight, node
