"""The happens-before edges of a workload, from the meaning of SMB on handles, names and ranges.

One pass in order of arrival, with state by handle, name and file only. An edge runs from an operation
to a later one of another lane that touches the same thing, where the earlier had its answer before the
later was asked: so it cannot deadlock, and what overlapped in the capture stays free to overlap; but what
goes on where another of its handle ended comes after what that one came after. Two have no such condition:
nothing works on a handle before its open, and a handle is closed after its uses. What leases tie together,
also where it overlapped, is in `smbench.plan.leases`; of locks that waited together the one that was granted
first comes first (`smbench.plan.locks`).

Streams are ordered with their file, names without regard to case. What somebody outside did comes after all
that was seen of the name (or listed of its directory) before it, and before all that was seen later. Not
ordered: a listing with what the capture itself made in the directory meanwhile, what happens to files beneath
a directory that is renamed while they are open. Changes and the notifications that report them:
`smbench.plan.changes`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from smbench.plan.breaks import Told
from smbench.plan.changes import Changes
from smbench.plan.columns import Columns
from smbench.plan.handles import Handle
from smbench.plan.knowledge import Access, BriefEdges, Edges, Requirement, require, require_always
from smbench.plan.leases import Leases
from smbench.plan.locks import Locks
from smbench.plan.names import EXCLUSIVE, LOOKUP, Name, open_mode, parent, parents
from smbench.plan.ranges import END, Ranges
from smbench.smb2.constants import CREATING, DELETE_ON_CLOSE, EMPTYING, WRITE_TO_END_OF_FILE
from smbench.smb2.leases import WRITE, broken_by_open, lease_of
from smbench.smb2.ntstatus import Status, failed
from smbench.smb2.patterns import has_wildcard
from smbench.workload.lanes import FOREVER_NS


class Order:
    """Feed it batches in order of arrival; `edges` has the result. `lane_user`: whose each lane is; `breaks`:
    the capture's; `changes` sees all that is fed, where there are notifications; `outside`: the user who
    stands for somebody outside the capture (None: nobody does); `kept` as in `Leases`."""

    def __init__(
        self, lane_user: Sequence[int], breaks: Told, changes: Changes | None = None,
        outside: int | None = None, kept: BriefEdges | None = None,
    ) -> None:  # fmt: skip
        self.edges = Edges(len(lane_user))
        self._changes = changes
        self._leases = Leases(self.edges, lane_user, breaks, kept)
        self._outside = None if outside is None else lane_user.index(outside)
        """The lane of what was done outside: that lies between two sights, whoever had them."""
        self._locks = Locks(self.edges)
        self._handles: dict[int, Handle] = {}
        self._names: dict[str, Name] = {}
        self._ranges: dict[str, Ranges] = {}
        self._rules: dict[str, Callable[[int, Access, int, list[Requirement]], None]] = {
            "Open": self._open,
            "Close": self._close,
            "Read": self._read_data,
            "AllocatedRanges": self._read,
            "Write": self._write_data,
            "PunchHole": self._write_data,
            "Flush": self._flush,
            "Truncate": self._resize,
            "SetAllocation": self._resize,
            "ShiftRange": self._resize,
            "CopyRange": self._copy,
            "StatHandle": self._stat_handle,
            "Lock": self._lock,
            "Unlock": self._unlock,
            "Stat": self._look_up,
            "List": self._list,
            "Notify": self._notify,
            "Rename": self._rename,
            "Link": self._link,
            "SetDelete": self._set_delete,
            "SetAttributes": self._set_attributes,
            "SetEa": self._set_attributes,
            "Unlink": self._remove,
            "RemoveDirectory": self._remove,
            "MakeDirectory": self._remove,
        }
        self._columns: Columns = {}
        self._first_row = 0

    def feed(self, columns: Columns, lanes: list[int], positions: list[int], first_row: int) -> None:
        """One batch: `lanes` and `positions` say where in the plan each operation is."""
        self._columns, self._first_row = columns, first_row
        rules, add, changes = self._rules, self.edges.add, self._changes
        rows = zip(
            lanes, positions, columns["kind"], columns["arrival_ns"], columns["service_ns"], strict=True
        )
        for at, (lane, position, kind, arrival_ns, service_ns) in enumerate(rows):
            end_ns = arrival_ns + service_ns if service_ns >= 0 else FOREVER_NS
            access = Access(first_row + at, lane, position, end_ns)
            required: list[Requirement] = []
            rules.get(kind, self._use_only)(at, access, arrival_ns, required)
            if lane == self._outside:
                self._listing(parent(columns["path"][at]), EXCLUSIVE, access, arrival_ns, required)
            if changes is not None:
                changes.see(columns, at, access, arrival_ns, required)
            if required:
                add(lane, position, required)

    # Handles

    def _use(self, at: int, access: Access, into: list[Requirement]) -> Handle:
        state = self._of(at, access, into)
        state.uses[access.lane] = access
        return state

    def _of(self, at: int, access: Access, into: list[Requirement]) -> Handle:
        """The operation's open, which comes first; it is no use of it yet."""
        handle = self._columns["handle"][at]
        state = self._handles.get(handle)
        if state is None:
            state = self._handles[handle] = Handle(self._columns["path"][at], LOOKUP, None)
        elif state.opened is not None and state.opened.lane != access.lane:
            self._after_open(state.opened, access, into)
        return state

    def _after_open(self, opened: Access, access: Access, into: list[Requirement]) -> None:
        if opened.end_ns > self._columns["arrival_ns"][access.row - self._first_row]:
            self._leases.freeze(access.row)
        require_always(opened, access.lane, into)

    def _use_only(self, at: int, access: Access, _arrival_ns: int, into: list[Requirement]) -> None:
        self._use(at, access, into)

    def _open(self, at: int, access: Access, arrival_ns: int, into: list[Requirement]) -> None:
        columns = self._columns
        path, expected = columns["path"][at], columns["expected"][at]
        wanted = open_mode(columns["access"][at], columns["share_access"][at])
        disposition = columns["disposition"][at]
        self._look_up_parents(path, access, arrival_ns, into)
        if failed(expected):
            self._name(path).access(
                wanted if expected == Status.SHARING_VIOLATION else LOOKUP, access, arrival_ns, into
            )
            return
        outside = access.lane == self._outside
        mode = EXCLUSIVE if disposition in CREATING or outside else wanted
        self._name(path).access(mode, access, arrival_ns, into)
        if disposition in EMPTYING:
            self._range(path).write(0, END, access, arrival_ns, into)
        deletes = columns["options"][at] & DELETE_ON_CLOSE
        state = Handle(path, EXCLUSIVE if deletes or outside else wanted, access)
        handle = columns["handle"][at]
        self._handles[handle] = state
        broken = broken_by_open(columns["access"][at], disposition)
        lease = lease_of(columns["oplock"][at], columns["lease_state"][at]), columns["granted"][at]
        if lease[0] & WRITE and lease[1] != 0:  # only who is alone gets one, and a look by name is an open
            for look in self._name(path).looks():
                require(look, access.lane, arrival_ns, into)
        self._leases.opened(path, handle, broken, wanted, lease, access, arrival_ns, into)

    def _close(self, at: int, access: Access, arrival_ns: int, into: list[Requirement]) -> None:
        state = self._handles.pop(self._columns["handle"][at], None)
        if state is None:
            return
        lane = access.lane
        if state.opened is not None and state.opened.lane != lane:
            self._after_open(state.opened, access, into)
        for use in state.uses.values():
            if use.end_ns > arrival_ns:
                self._leases.freeze(access.row)
            require_always(use, lane, into)
        for use in state.waiting:
            require(use, lane, arrival_ns, into)
        path = self._columns["path"][at]
        if state.locked:
            self._range(path).write(0, END, access, arrival_ns, into)
        if state.opened is not None:
            self._name(path).access(state.mode, access, arrival_ns, into)
        self._leases.closed(self._columns["handle"][at], access, arrival_ns, into)

    # Ranges

    def _read_data(self, at: int, access: Access, arrival_ns: int, into: list[Requirement]) -> None:
        self._read(at, access, arrival_ns, into)
        self._go_on(at, access, arrival_ns, into)

    def _go_on(self, at: int, access: Access, arrival_ns: int, into: list[Requirement]) -> None:
        columns = self._columns
        low = columns["offset"][at]
        handle = self._handles[columns["handle"][at]]
        handle.go_on(low, low + columns["length"][at], access, arrival_ns, into)

    def _read(self, at: int, access: Access, arrival_ns: int, into: list[Requirement]) -> None:
        self._use(at, access, into)
        low = self._columns["offset"][at]
        high = low + self._columns["length"][at]
        self._range(self._columns["path"][at]).read(low, high, access, arrival_ns, into)
        self._leases.looked(self._columns["path"][at], access, arrival_ns, into)

    def _stat_handle(self, at: int, access: Access, arrival_ns: int, into: list[Requirement]) -> None:
        self._use(at, access, into)
        self._leases.looked(self._columns["path"][at], access, arrival_ns, into)

    def _write(self, at: int, access: Access, arrival_ns: int, into: list[Requirement]) -> None:
        self._use(at, access, into)
        low = self._columns["offset"][at]
        high = low + self._columns["length"][at]
        self._range(self._columns["path"][at]).write(low, high, access, arrival_ns, into)

    def _write_data(self, at: int, access: Access, arrival_ns: int, into: list[Requirement]) -> None:
        if self._columns["offset"][at] == WRITE_TO_END_OF_FILE:
            # An append's range is where the file ends by then.
            self._resize(at, access, arrival_ns, into)
            return
        self._write(at, access, arrival_ns, into)
        self._go_on(at, access, arrival_ns, into)
        self._leases.changed(self._columns["handle"][at], access, arrival_ns, into)

    def _flush(self, at: int, access: Access, arrival_ns: int, into: list[Requirement]) -> None:
        self._use(at, access, into)
        self._range(self._columns["path"][at]).read(0, END, access, arrival_ns, into)

    def _resize(self, at: int, access: Access, arrival_ns: int, into: list[Requirement]) -> None:
        # What is read anywhere in the file may depend on where it ends.
        self._use(at, access, into)
        self._range(self._columns["path"][at]).write(0, END, access, arrival_ns, into)
        self._leases.changed(self._columns["handle"][at], access, arrival_ns, into)

    def _copy(self, at: int, access: Access, arrival_ns: int, into: list[Requirement]) -> None:
        columns = self._columns
        length = columns["length"][at]
        source = self._handles.get(columns["source"][at])
        if source is not None:
            if source.opened is not None and source.opened.lane != access.lane:
                self._after_open(source.opened, access, into)
            source.uses[access.lane] = access
            low = columns["source_offset"][at]
            self._range(source.path).read(low, low + length, access, arrival_ns, into)
        self._write_data(at, access, arrival_ns, into)

    def _lock(self, at: int, access: Access, arrival_ns: int, into: list[Requirement]) -> None:
        columns = self._columns
        waits = columns["wait"][at]
        state = (self._of if waits else self._use)(at, access, into)
        state.locked = True
        if waits:
            state.waiting.append(access)
        path, exclusive = columns["path"][at], bool(columns["exclusive"][at])
        low = columns["offset"][at]
        high = low + columns["length"][at]
        if not failed(columns["expected"][at]):
            self._locks.asked(path, low, high, access, arrival_ns, into, exclusive=exclusive)
        lock = self._range(path).write if exclusive else self._range(path).read
        lock(low, high, access, arrival_ns, into)
        self._leases.locked(columns["handle"][at], access, arrival_ns, into)

    def _unlock(self, at: int, access: Access, arrival_ns: int, into: list[Requirement]) -> None:
        self._write(at, access, arrival_ns, into)
        self._leases.unlocked(self._columns["handle"][at], access, arrival_ns, into)

    # Names

    def _look_up(self, at: int, access: Access, arrival_ns: int, into: list[Requirement]) -> None:
        path = self._columns["path"][at]
        self._look_up_parents(path, access, arrival_ns, into)
        self._name(path).access(LOOKUP, access, arrival_ns, into)
        self._leases.opened_and_closed(path, access, arrival_ns, into)

    def _list(self, at: int, access: Access, arrival_ns: int, into: list[Requirement]) -> None:
        state = self._use(at, access, into)
        if state.cursor is not None:  # the answer goes on where the last one ended
            require(state.cursor, access.lane, arrival_ns, into)
        state.cursor = access
        pattern, directory = self._columns["pattern"][at], self._columns["path"][at]
        if self._outside is not None:
            self._listing(directory, LOOKUP, access, arrival_ns, into)
        if not has_wildcard(pattern):
            name = f"{directory}/{pattern}" if directory else pattern
            self._name(name).access(LOOKUP, access, arrival_ns, into)

    def _listing(
        self, directory: str, mode: int, access: Access, arrival_ns: int, into: list[Requirement]
    ) -> None:
        """What is in a directory, as a name that no file can have."""
        self._name(f"{directory}/*").access(mode, access, arrival_ns, into)

    def _notify(self, at: int, access: Access, _arrival_ns: int, into: list[Requirement]) -> None:
        self._of(at, access, into)

    def _rename(self, at: int, access: Access, arrival_ns: int, into: list[Requirement]) -> None:
        state = self._use(at, access, into)
        path, target = self._columns["path"][at], self._columns["target"][at]
        done = self._change(at, path, access, arrival_ns, into)
        self._look_up_parents(target, access, arrival_ns, into)
        self._name(target).access(EXCLUSIVE if done else LOOKUP, access, arrival_ns, into)
        if done:
            self._leases.removed(path, access, arrival_ns, into)
            self._leases.renamed(path, target)
            state.path = target
            if (ranges := self._ranges.pop(path.lower(), None)) is not None:
                self._ranges[target.lower()] = ranges

    def _link(self, at: int, access: Access, arrival_ns: int, into: list[Requirement]) -> None:
        self._use(at, access, into)
        target = self._columns["target"][at]
        self._look_up_parents(target, access, arrival_ns, into)
        self._change(at, target, access, arrival_ns, into)

    def _set_delete(self, at: int, access: Access, arrival_ns: int, into: list[Requirement]) -> None:
        state = self._use(at, access, into)
        if self._change(at, self._columns["path"][at], access, arrival_ns, into):
            state.mode = EXCLUSIVE
            self._leases.removed(self._columns["path"][at], access, arrival_ns, into)

    def _set_attributes(self, at: int, access: Access, arrival_ns: int, into: list[Requirement]) -> None:
        # READONLY decides who may open or delete the file afterwards; others ask for extended attributes.
        self._use(at, access, into)
        self._change(at, self._columns["path"][at], access, arrival_ns, into)

    def _remove(self, at: int, access: Access, arrival_ns: int, into: list[Requirement]) -> None:
        path = self._columns["path"][at]
        self._look_up_parents(path, access, arrival_ns, into)
        if self._change(at, path, access, arrival_ns, into):
            self._leases.removed(path, access, arrival_ns, into)

    def _change(self, at: int, path: str, access: Access, arrival_ns: int, into: list[Requirement]) -> bool:
        """Whether the name was changed; a change that was refused is a look-up, unless it was refused for
        the sake of another's open: then it must come while that is there."""
        expected = self._columns["expected"][at]
        done = not failed(expected)
        mode = EXCLUSIVE if done or expected == Status.SHARING_VIOLATION else LOOKUP
        self._name(path).access(mode, access, arrival_ns, into)
        return done

    def _look_up_parents(self, path: str, access: Access, arrival_ns: int, into: list[Requirement]) -> None:
        for above in parents(path):
            self._name(above).access(LOOKUP, access, arrival_ns, into)

    def _name(self, path: str) -> Name:
        path = path.lower()
        name = self._names.get(path)
        if name is None:
            name = self._names[path] = Name()
        return name

    def _range(self, path: str) -> Ranges:
        path = path.lower()
        ranges = self._ranges.get(path)
        if ranges is None:
            ranges = self._ranges[path] = Ranges()
        return ranges
