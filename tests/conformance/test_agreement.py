"""Random calls: posix on a directory ends as the oracle says, save for stated differences."""

from __future__ import annotations

import importlib
import pkgutil
import shutil
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis.internal
import numpy.random  # noqa: F401 - see below
import pytest
from hypothesis import HealthCheck, event, example, given, settings
from hypothesis import strategies as st

from smbench.executors.memory.executor import MemoryServer
from smbench.executors.memory.tree import Handle, Link, RefusedError, parse
from smbench.executors.registry import names
from smbench.smb2 import ntstatus
from smbench.smb2.constants import ATTRIBUTE_READONLY, DELETE, EMPTYING, GENERIC_READ, GENERIC_WRITE
from smbench.smb2.ntstatus import Status
from smbench.workload import calls
from smbench.workload.calls import Call
from smbench.workload.model import Kind, NamespaceEntry

if TYPE_CHECKING:
    from conformance.conftest import Target

# hypothesis imports these when it needs them, by then as a user who may not read the interpreter.
for module in pkgutil.walk_packages(hypothesis.internal.__path__, "hypothesis.internal."):
    importlib.import_module(module.name)

pytestmark = pytest.mark.skipif("posix" not in names(), reason="posix runs on Linux only")

READ, WRITE = GENERIC_READ, GENERIC_WRITE

# What only a server refuses, by kind of call (None: any). Memory has then changed nothing, and posix is
# not asked, so that both go on from the same state.
ONLY_A_SERVER_REFUSES: dict[Status, set[type[Call]] | None] = {
    Status.SHARING_VIOLATION: None,
    Status.DELETE_PENDING: None,  # a POSIX name is gone at once
    Status.FILE_LOCK_CONFLICT: None,  # advisory locks
    Status.CANNOT_DELETE: None,  # permissions of a file do not forbid its removal
    Status.RANGE_NOT_LOCKED: None,  # POSIX unlocks what is not locked
    Status.INVALID_VIEW_SIZE: None,  # copy_file_range copies what there is
    Status.ACCESS_DENIED: {
        calls.Flush,
        calls.AllocatedRanges,
        calls.CopyRange,
        calls.List,
        calls.StatHandle,
        calls.SetEa,
    },
}

NAMESPACE = [
    NamespaceEntry("a", Kind.FILE, size=100),
    NamespaceEntry("d", Kind.DIRECTORY),
    NamespaceEntry("d/a", Kind.FILE, size=5000),
    NamespaceEntry("d/e", Kind.DIRECTORY),
]

paths = st.sampled_from(["a", "b", "d", "d/a", "d/e", "d/e/a", "x/a", "a/b"])
handles = st.integers(1, 3)
offsets = st.sampled_from([0, 1, 10, 4096, 10000])
lengths = st.sampled_from([0, 1, 10, 5000])
accesses = st.sampled_from([READ | DELETE | 0x100, WRITE | DELETE | 0x80, READ | WRITE | DELETE])

opens = st.builds(
    calls.Open,
    handles,
    paths,
    st.builds(
        calls.Create,
        accesses,
        st.sampled_from([7, 7, 7, 1]),
        st.integers(0, 6),
        st.sampled_from([0x40, 0x40, 0, 0x1, 0x41, 0x1040, 0x1001]),
        st.sampled_from([0, 0, 0x80, 0x1]),
    ),
)

operations: st.SearchStrategy[Call] = st.one_of(
    opens,
    opens,
    opens,
    st.builds(calls.Close, handles),
    st.builds(calls.Read, handles, offsets, lengths),
    st.builds(calls.Write, handles, offsets, lengths, st.booleans()),
    st.builds(calls.Flush, handles),
    st.builds(calls.Lock, handles, offsets, lengths, st.booleans(), st.just(False)),
    st.builds(calls.Unlock, handles, offsets, lengths),
    st.builds(calls.Stat, paths),
    st.builds(calls.StatHandle, handles, st.just(1), st.sampled_from([5, 6, 15, 18])),
    st.builds(calls.SetEa, handles, st.sampled_from(["a", "b"]), st.sampled_from([0, 1, 100])),
    st.builds(calls.StatFs, handles, st.just(7)),
    st.builds(
        calls.List, handles, st.sampled_from(["*", "", "a", "n*", "?"]), st.just(37), st.booleans(),
        st.just(0), st.sampled_from([1, 2]),
    ),
    st.builds(calls.Rename, handles, paths, paths, st.booleans()),
    st.builds(calls.Link, handles, paths, paths, st.booleans()),
    st.builds(calls.SetDelete, handles, paths, st.booleans()),
    st.builds(calls.Unlink, paths),
    st.builds(calls.RemoveDirectory, paths),
    st.builds(calls.MakeDirectory, paths),
    st.builds(calls.Truncate, handles, offsets),
    st.builds(calls.SetTimes, handles, st.none(), st.just(10**18), st.one_of(st.none(), st.just(10**18))),
    st.builds(calls.SetAttributes, handles, st.sampled_from([0, 0x80, 0x1])),
    st.builds(calls.CopyRange, handles, handles, offsets, offsets, lengths),
    st.builds(calls.PunchHole, handles, offsets, lengths),
    st.builds(calls.AllocatedRanges, handles, offsets, lengths),
)  # fmt: skip

DATA_CALLS = (
    calls.Write, calls.Flush, calls.Lock, calls.Unlock, calls.Truncate, calls.CopyRange, calls.PunchHole,
    calls.AllocatedRanges, calls.SetAttributes,
)  # fmt: skip


class Knowledge:
    """What the oracle's state says of a call before it is made."""

    def __init__(self, server: MemoryServer, open_handles: dict[int, Handle]) -> None:
        self._server = server
        self._handles = open_handles

    def link(self, path: str) -> Link | None:
        try:
            return self._server.tree.find(parse(path)[0])
        except RefusedError:
            return None

    def as_captured(self, call: Call) -> Call:
        """An open says what it turned out to be, as a capture does; the others are as drawn."""
        if isinstance(call, calls.Open):
            link = self.link(call.path)
            directory = link is not None and link.node.directory
            return replace(call, directory=directory)
        return call

    def difference(self, call: Call) -> str | None:  # noqa: C901 - a list: one difference after the other
        """Why POSIX succeeds, or fails, otherwise than a server; None where both should agree."""
        handle = self._handles.get(getattr(call, "handle", -1))
        target = self.link(call.target) if isinstance(call, calls.Rename | calls.Link) else None
        named = [self.link(path) for path in _paths(call)]
        if any(link and link.delete_pending and link.node.directory for link in named):
            return "a directory's name is gone at its SetDelete"
        if isinstance(call, calls.RemoveDirectory | calls.SetDelete):
            link = handle.link if handle and isinstance(call, calls.SetDelete) else self.link(_paths(call)[0])
            if link and any(child.delete_pending for child in link.node.children.values()):
                return "a pending deletion keeps its directory from being empty"
        if isinstance(call, calls.Open) and call.create.disposition in EMPTYING and named[0]:
            if call.directory:
                return "emptying a directory is EISDIR, to a server a wrong parameter"
            return (
                "emptying a file leaves its attributes as they are"
                if call.create.attributes & ATTRIBUTE_READONLY
                else None
            )
        if handle is None:
            return None
        if isinstance(call, calls.Read | calls.Write) and not call.length:
            return "a read or write of nothing is not sent"
        if handle.node.directory:
            if isinstance(call, DATA_CALLS):
                return "a directory's descriptor refuses data calls in ways of its own"
            if handle.link.delete_pending:
                return "the directory is gone already"
            if isinstance(call, calls.SetDelete) and not call.delete:
                return None
        if isinstance(call, calls.List):
            return None if handle.node.directory else "INVALID_PARAMETER is ENOTDIR in POSIX"
        if isinstance(call, calls.CopyRange):
            source = self._handles.get(call.source)
            if source and (source.node is handle.node or source.node.directory):
                return "copying within a file, or from a directory, is EINVAL or EISDIR"
        if isinstance(call, calls.Rename | calls.Link):
            if handle.link.delete_pending:
                return "its name may be gone already"
            if target and (target.node is handle.node and target is not handle.link):
                return "renaming one name of a file onto another does nothing in POSIX"
            if target and target.node.directory:
                return "what may replace a directory differs"
            if handle.node.directory:
                return (
                    "directories with open files move; they move over files with ENOTDIR; they have no links"
                )
            if isinstance(call, calls.Link) and target is handle.link:
                return "a name linked onto itself"
            if target and isinstance(call, calls.Link) and target.delete_pending:
                return "a pending name is gone already"
        if isinstance(call, calls.SetDelete) and not call.delete and handle.link.delete_pending:
            return "another handle's deletion may have happened"
        return self._lock_difference(call, handle)

    def _lock_difference(self, call: Call, handle: Handle) -> str | None:
        if isinstance(call, calls.Lock):
            end = call.offset + call.length
            if not call.length:
                return "a range of length 0"
            if any(
                lock.owner is handle and lock.start < end and call.offset < lock.end
                for lock in handle.stream.locks
            ):
                return "POSIX merges the locks of one open"
        if isinstance(call, calls.PunchHole) and not call.length and not handle.access & 0x2:
            return "a range of length 0 is not sent"
        return None


def _paths(call: Call) -> list[str]:
    return [getattr(call, name) for name in ("path", "target") if hasattr(call, name)]


def _only_a_server(status: int, call: Call) -> bool:
    kinds = ONLY_A_SERVER_REFUSES.get(Status(status), set())
    return kinds is None or type(call) in kinds


@settings(
    max_examples=300,
    deadline=None,
    database=None,  # it would lie where the ordinary user may not look
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@example(
    sequence=[
        calls.Open(3, "a", calls.Create(READ | DELETE | 0x100, 7, 1, 0x40, 0)),
        calls.Open(3, "b", calls.Create(READ | DELETE | 0x100, 7, 0, 0x1040, ATTRIBUTE_READONLY)),
        calls.Close(3),
    ]
)
@example(
    sequence=[
        calls.Open(1, "a", calls.Create(READ | DELETE | 0x100, 7, 0, 0x40, 0)),
        calls.Open(2, "b", calls.Create(READ | DELETE | 0x100, 7, 0, 0x40, 0)),
        calls.Link(1, "a", "b", True),
    ]
)
@example(
    sequence=[
        calls.Open(1, "a", calls.Create(WRITE | DELETE, 7, 0, 0x40, 0)),
        calls.SetAttributes(1, ATTRIBUTE_READONLY),
        calls.SetEa(1, "a", 5),
        calls.SetEa(1, "a", 0),
        calls.Close(1),
    ]
)
@given(sequence=st.lists(operations, min_size=10, max_size=30))
def test_posix_agrees_with_the_oracle(
    make_target: Callable[..., Target], ordinary_user: Path, sequence: Iterable[Call]
) -> None:
    oracle, posix = make_target("memory"), make_target("posix")
    try:
        oracle.prepare(NAMESPACE)
        posix.prepare(NAMESPACE)
        oracle.handlers(0)
        executor = oracle._executors[0]
        knowledge = Knowledge(MemoryServer.at(ordinary_user), vars(executor)["_handles"])
        told = []
        for drawn in sequence:
            call = knowledge.as_captured(drawn)
            if reason := knowledge.difference(call):
                event(f"difference: {reason}")
                continue
            expected = oracle.run(call)
            status = expected & 0xFFFFFFFF if expected < 0 else Status.SUCCESS
            if _only_a_server(status, call):
                event(f"only a server: {ntstatus.name(status)}")
                if isinstance(call, calls.Open):
                    posix.run(calls.Close(call.handle))  # what had this number; memory has closed it
                continue
            outcome = posix.run(call)
            told.append((call, ntstatus.outcome_name(expected), ntstatus.outcome_name(outcome)))
            assert ntstatus.matches(status, outcome, call), told
            if expected >= 0 and isinstance(call, calls.Read | calls.Write):
                assert outcome == expected, told
    finally:
        oracle.close()
        posix.close()
        oracle._executors.clear()
        posix._executors.clear()
        for left in ordinary_user.iterdir():
            shutil.rmtree(left) if left.is_dir() else left.unlink()
