"""Notifications and the changes that they report: what must come before which, so that a replay's end alike.

A notification is armed at once and answered by what others do ([MS-SMB2] 3.3.5.19, [MS-FSA] 2.1.5.10.3);
from an open's first one on, the server keeps what changes between two of them. So

- what was changed before a notification was asked for is changed before it is issued;
- what was changed later is changed after it was armed, or has taken what was kept (in the pace `fast`, after
  it was answered, if it was by then); where a change that the
  capture shows may have answered it, its open is closed after that change and after the answer;
- an open whose notification still waited is closed when that was armed, and what came after the close
  comes after it.

The first kind holds nothing but the notification. What waits for a notification waits *briefly*
(`BriefWaits`): the replay's may never be answered (by whom the capture does not show, or because what
answered it fails), and nobody else may hang on that. What changes a directory follows from the kinds of
calls, and from them the bits of a CompletionFilter that it concerns, more often than a server would say so:
that orders more than needed, never less.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from smbench.plan.columns import Columns
from smbench.plan.knowledge import Access, BriefEdges, Requirement, require
from smbench.smb2.constants import (
    CREATING,
    DELETE_ON_CLOSE,
    EMPTYING,
    NOTIFY_CHANGE_ATTRIBUTES,
    NOTIFY_CHANGE_CREATION,
    NOTIFY_CHANGE_DIR_NAME,
    NOTIFY_CHANGE_EA,
    NOTIFY_CHANGE_FILE_NAME,
    NOTIFY_CHANGE_LAST_ACCESS,
    NOTIFY_CHANGE_LAST_WRITE,
    NOTIFY_CHANGE_SECURITY,
    NOTIFY_CHANGE_SIZE,
)
from smbench.smb2.ntstatus import Status, failed

_NAMES = NOTIFY_CHANGE_FILE_NAME | NOTIFY_CHANGE_DIR_NAME
_CONTENT = NOTIFY_CHANGE_SIZE | NOTIFY_CHANGE_LAST_WRITE | NOTIFY_CHANGE_LAST_ACCESS
_ATTRIBUTES = NOTIFY_CHANGE_ATTRIBUTES | NOTIFY_CHANGE_CREATION | NOTIFY_CHANGE_EA | NOTIFY_CHANGE_SECURITY
_TIMES = _ATTRIBUTES | _CONTENT
_KINDS = (_NAMES, _CONTENT, _ATTRIBUTES)
_CHANGES = {
    "Write": _CONTENT, "PunchHole": _CONTENT, "CopyRange": _CONTENT, "Truncate": _CONTENT,
    "SetAllocation": _CONTENT, "Rename": _NAMES, "Link": _NAMES, "SetDelete": _NAMES, "Unlink": _NAMES,
    "RemoveDirectory": _NAMES, "MakeDirectory": _NAMES, "SetAttributes": _ATTRIBUTES, "SetTimes": _TIMES,
    "SetSecurity": _ATTRIBUTES, "SetEa": _ATTRIBUTES,
}  # fmt: skip
"""By kind of call: the bits of a CompletionFilter ([MS-SMB2] 2.2.35) that it may concern."""
_NO_CHANGE = (-1, Status.PENDING, Status.NOTIFY_CLEANUP)
"""How a notification ends that no change has answered, besides failures."""


@dataclass(slots=True)
class _Asked:
    """A notification: where in the plan, and whether it ended with a change."""

    access: Access
    told: bool
    explained: bool
    """Something in the capture may have been the change."""

    def waits(self, at_ns: int) -> bool:
        """Whether it was under way then, or ended in another way than by a change."""
        return not self.told or self.access.end_ns > at_ns


@dataclass(slots=True)
class _Watch:
    """An open with notifications."""

    directory: str
    """With a `/` at its end, but for the root's."""
    tree: bool
    filter: int
    asked: dict[int, _Asked] = field(default_factory=dict)
    """By lane the last, but those behind one that is `unexplained`: a replay may never come to them."""
    ends_some: bool = False
    """One was never told of a change: it may end with the close."""
    last_ns: int = 0
    """When the last of the others was answered."""
    told: dict[int, Access] = field(default_factory=dict)
    """By lane the last change that may have answered one."""
    changed: bool = False
    """Something has since the last was asked for, so that the server may have kept it for the next."""
    unexplained: bool = False
    """One was answered by a change that the capture does not show: in a replay it waits until the close, and
    those after it behind it."""

    def sees(self, path: str, concerned: int) -> bool:
        """Whether a change of these kinds at that path concerns it."""
        if not concerned & self.filter or not path.startswith(self.directory):
            return False
        return self.tree or "/" not in path[len(self.directory) :]


@dataclass(slots=True)
class _Change:
    paths: list[str]
    concerned: int
    access: Access


_Past = dict[str, dict[int, Access]]
"""By directory and lane the last of its kind."""


class Changes:
    """Told of all operations in order of arrival by `see`, which adds to `into` what each must wait for.
    `fast`: no times keep what came after an answer behind it; not every server's client keeps changes.
    What waits briefly is added to `brief`. Memory: opens with notifications, what is under way, and of each
    directory the last change of each lane."""

    def __init__(self, fast: bool, brief: BriefEdges) -> None:
        self._fast = fast
        self._brief = brief
        self._watches: dict[int, _Watch] = {}
        """By handle."""
        self._beneath: dict[str, list[_Watch]] = {}
        """By directory."""
        self._trees: list[_Watch] = []
        self._past: dict[int, _Past] = {bits: {} for bits in _KINDS}
        self._ended: _Past = {}
        """Closes that ended notifications of that directory alone, and of all beneath."""
        self._ended_trees: _Past = {}
        self._under_way: list[_Change] = []
        self._content: set[int] = set()
        self._deleted: set[int] = set()
        """Handles whose close says that their file has changed, or takes it away."""

    def see(
        self, columns: Columns, at: int, access: Access, arrival_ns: int, into: list[Requirement]
    ) -> None:
        """The next operation: row `at` of a batch."""
        kind, handle = columns["kind"][at], columns["handle"][at]
        if kind == "Notify":
            self._notify(columns, at, access, arrival_ns, into)
            return
        if kind == "Close":
            concerned = self._closed(handle, access, arrival_ns, into)
        elif failed(columns["expected"][at]):
            return
        elif kind == "Open":
            concerned = self._opened(handle, columns["disposition"][at], columns["options"][at])
        else:
            concerned = _CHANGES.get(kind, 0)
            if concerned == _CONTENT:
                self._content.add(handle)
            elif kind == "SetDelete":
                (self._deleted.add if columns["delete"][at] else self._deleted.discard)(handle)
        if concerned:
            paths = [path.lower() for path in (columns["path"][at], columns["target"][at]) if path]
            self._changed(_Change(paths, concerned, access.own()), arrival_ns, into)

    def _opened(self, handle: int, disposition: int, options: int) -> int:
        if options & DELETE_ON_CLOSE:
            self._deleted.add(handle)
        emptied = disposition in EMPTYING
        if emptied:
            self._content.add(handle)
        return (_NAMES if disposition in CREATING else 0) | (_CONTENT if emptied else 0)

    # Notifications

    def _notify(
        self, columns: Columns, at: int, access: Access, arrival_ns: int, into: list[Requirement]
    ) -> None:
        watch = self._watch(columns, at)
        watch.unexplained = watch.unexplained or any(
            one.told and not one.explained and one.access.end_ns <= arrival_ns for one in watch.asked.values()
        )
        expected = columns["expected"][at]
        told = not failed(expected) and expected not in _NO_CHANGE
        asked = _Asked(access, told, told and watch.changed)
        watch.changed = False
        watch.ends_some = watch.ends_some or not told
        watch.last_ns = max(watch.last_ns, access.end_ns)
        for bits in _KINDS:
            if bits & watch.filter:
                for changes in _of(self._past[bits], watch):
                    for change in changes.values():
                        require(change, access.lane, arrival_ns, into)
        if watch.unexplained:
            return
        watch.asked[access.lane] = asked
        for one in self._under_way:
            if one.access.end_ns > arrival_ns and any(watch.sees(path, one.concerned) for path in one.paths):
                self._tell(watch, asked, one)

    def _watch(self, columns: Columns, at: int) -> _Watch:
        """The open's; what its first notification asked for holds for all ([MS-SMB2] 3.3.5.19)."""
        handle = columns["handle"][at]
        watch = self._watches.get(handle)
        if watch is None:
            path, tree = columns["path"][at].lower(), bool(columns["watch_tree"][at])
            watch = _Watch(f"{path}/" if path else "", tree, columns["filter"][at] or 0)
            self._watches[handle] = watch
            (self._trees if tree else self._beneath.setdefault(watch.directory, [])).append(watch)
        return watch

    def _tell(self, watch: _Watch, asked: _Asked, change: _Change) -> None:
        """A change that may have answered a notification."""
        if asked.told:
            asked.explained = True
            watch.told[change.access.lane] = change.access
            self._brief.add(change.access, asked.access, answered=False)

    # Changes

    def _changed(self, change: _Change, arrival_ns: int, into: list[Requirement]) -> None:
        mine = change.access
        for path in change.paths:
            directory = path[: path.rfind("/") + 1]
            for watch in (*self._beneath.get(directory, ()), *self._trees):
                if watch.sees(path, change.concerned):
                    watch.changed = True
                    for asked in watch.asked.values():
                        if asked.access.end_ns > arrival_ns:
                            self._tell(watch, asked, change)
                        elif asked.told:
                            self._brief.add(mine, asked.access, answered=self._fast and asked.explained)
            for close in self._closes(directory):
                require(close, mine.lane, arrival_ns, into)
            for bits in _KINDS:
                if bits & change.concerned:
                    past = self._past[bits].setdefault(directory, {})
                    own = mine.own()
                    if mine.lane in past:
                        own.succeed(past[mine.lane])
                    past[mine.lane] = own
        self._under_way = [one for one in self._under_way if one.access.end_ns > arrival_ns]
        self._under_way.append(change)

    def _closes(self, directory: str) -> Iterator[Access]:
        yield from self._ended.get(directory, {}).values()
        for above, ended in self._ended_trees.items():
            if directory.startswith(above):
                yield from ended.values()

    def _closed(self, handle: int, access: Access, arrival_ns: int, into: list[Requirement]) -> int:
        """What a close waits for; and what it changes itself."""
        watch = self._watches.pop(handle, None)
        if watch is not None:
            (self._trees if watch.tree else self._beneath[watch.directory]).remove(watch)
            for change in watch.told.values():
                require(change, access.lane, arrival_ns, into)
            for asked in watch.asked.values():
                self._brief.add(
                    access, asked.access, answered=asked.explained and not asked.waits(arrival_ns)
                )
            if watch.ends_some or watch.last_ns > arrival_ns:
                ended = self._ended_trees if watch.tree else self._ended
                ended.setdefault(watch.directory, {})[access.lane] = access.own()
        concerned = (_CONTENT if handle in self._content else 0) | (_NAMES if handle in self._deleted else 0)
        self._content.discard(handle)
        self._deleted.discard(handle)
        return concerned


def _of(past: _Past, watch: _Watch) -> Iterator[dict[int, Access]]:
    if not watch.tree:
        yield past.get(watch.directory, {})
        return
    for directory, changes in past.items():
        if directory.startswith(watch.directory):
            yield changes
