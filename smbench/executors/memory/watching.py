"""Change notifications of the in-memory server ([MS-FSA] 2.1.5.11, [MS-SMB2] 3.3.5.19).

From an open's first notification on, what changes is kept until the next, which is answered with all of it at
once; of those that wait, a change answers the first.
"""

from __future__ import annotations

from collections import deque
from threading import Condition

from smbench.executors.memory.tree import Handle, Link, RefusedError, Tree
from smbench.smb2.constants import (
    EMPTYING,
    FILE_READ_DATA,
    NOTIFY_CHANGE_ATTRIBUTES,
    NOTIFY_CHANGE_CREATION,
    NOTIFY_CHANGE_DIR_NAME,
    NOTIFY_CHANGE_EA,
    NOTIFY_CHANGE_FILE_NAME,
    NOTIFY_CHANGE_LAST_WRITE,
    NOTIFY_CHANGE_SIZE,
)
from smbench.smb2.ntstatus import Status
from smbench.workload import calls
from smbench.workload.calls import Call

_CONTENT = NOTIFY_CHANGE_SIZE | NOTIFY_CHANGE_LAST_WRITE
_CHANGES: dict[type[Call], int] = {
    calls.Write: _CONTENT,
    calls.Truncate: _CONTENT,
    calls.SetAllocation: _CONTENT,
    calls.CopyRange: _CONTENT,
    calls.PunchHole: NOTIFY_CHANGE_LAST_WRITE,
    calls.SetTimes: NOTIFY_CHANGE_LAST_WRITE | NOTIFY_CHANGE_CREATION,
    calls.SetAttributes: NOTIFY_CHANGE_ATTRIBUTES,
    calls.SetEa: NOTIFY_CHANGE_EA,
}
"""What a call changes of its file besides names; these the tree tells."""


class Waiting:
    """A notification that waits."""

    def __init__(self) -> None:
        self.answered = False
        self.ended = False


class _Watch:
    def __init__(self, call: calls.Notify) -> None:
        self.filter = call.filter
        self.tree = call.watch_tree
        self.kept = False
        self.waiting: deque[Waiting] = deque()


class Watching:
    """The watches of a share. All of it is called with `changed` held."""

    def __init__(self, tree: Tree, changed: Condition) -> None:
        self._changed = changed
        self._watches: dict[Handle, _Watch] = {}
        tree.on_change = self._name_changed

    def begin(self, handle: Handle, call: calls.Notify) -> Waiting:
        """A notification, which is answered already where something was kept for it."""
        if not handle.node.directory or handle.stream.name:
            raise RefusedError(Status.INVALID_PARAMETER)
        if not handle.access & FILE_READ_DATA:
            raise RefusedError(Status.ACCESS_DENIED)
        watch = self._watches.setdefault(handle, _Watch(call))
        waiting = Waiting()
        if watch.kept and not watch.waiting:
            watch.kept, waiting.answered = False, True
        else:
            watch.waiting.append(waiting)
        return waiting

    def leave(self, handle: Handle, waiting: Waiting) -> None:
        """It waits no longer."""
        watch = self._watches.get(handle)
        if watch is not None and waiting in watch.waiting:
            watch.waiting.remove(waiting)

    def end(self, handle: Handle) -> None:
        """The open is closed."""
        watch = self._watches.pop(handle, None)
        if watch is not None:
            for waiting in watch.waiting:
                waiting.ended = True

    def done(self, call: Call, handle: Handle | None) -> None:
        """A call on that open was carried out."""
        concerned = _CHANGES.get(type(call), 0)
        if isinstance(call, calls.Open) and call.create.disposition in EMPTYING:
            concerned = _CONTENT
        if concerned and handle is not None and handle.link.parent is not None:
            self._change(handle.link.parent, concerned)

    def _name_changed(self, directory: Link, of_directory: bool) -> None:
        self._change(directory, NOTIFY_CHANGE_DIR_NAME if of_directory else NOTIFY_CHANGE_FILE_NAME)

    def _change(self, directory: Link, concerned: int) -> None:
        for handle, watch in self._watches.items():
            if not concerned & watch.filter:
                continue
            if handle.link is not directory and not (watch.tree and directory.beneath(handle.link)):
                continue
            if watch.waiting:
                watch.waiting.popleft().answered = True
                self._changed.notify_all()
            else:
                watch.kept = True
