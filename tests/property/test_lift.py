"""Whatever the exchanges are: each ends under one rule, coverage adds up, operations are in order."""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from helpers.story import STEP_NS, Client, Wire, lifted
from hypothesis import given, settings
from hypothesis import strategies as st

from smbench.lift.handles import Handles
from smbench.lift.names import Names
from smbench.lift.recogniser import Recogniser
from smbench.lift.rule import Taken
from smbench.lift.sessions import SessionEnds
from smbench.smb2.ntstatus import Status
from smbench.trace import messages as m
from smbench.trace.messages import Message
from smbench.trace.model import Command
from smbench.trace.values import CopyChunk, DirectoryEntry, LockElement
from smbench.workload.model import NamespaceEntry
from smbench.workload.store import StoredOperations

SIZES = st.none() | st.sampled_from([0, 1, 4096, 1 << 16, 1 << 20, (1 << 63) - 1, 1 << 63, (1 << 64) - 1])
COUNTS = st.none() | st.sampled_from([0, 1, 4096, 1 << 16, 1 << 20, (1 << 32) - 1])
NUMBERS = st.none() | st.integers(0, 70) | st.sampled_from([0x80, 0x81, 0x10080, 0x1000, 0x2000, 0x200000])
TIMES = st.none() | st.sampled_from([-1, 0, 1, 10**18, 1 << 80, -(1 << 80)])
TEXTS = st.none() | st.sampled_from(
    [
        "",
        "a",
        "A",
        "a/b",
        "a/b/c",
        "b",
        "a:s",
        "a::$DATA",
        "..",
        "../x",
        "/",
        "\x00",
        "\ud800",
        "d/" * 300,
        ":",
        "x:",
    ]
)
STATUSES = st.sampled_from(
    [
        0,
        0,
        0,
        0,
        None,
        Status.OBJECT_NAME_NOT_FOUND,
        Status.OBJECT_PATH_NOT_FOUND,
        Status.NO_MORE_FILES,
        Status.OBJECT_NAME_COLLISION,
        Status.FILE_CLOSED,
        Status.END_OF_FILE,
        Status.BUFFER_OVERFLOW,
        Status.DIRECTORY_NOT_EMPTY,
        Status.STOPPED_ON_SYMLINK,
        Status.NETWORK_NAME_DELETED,
        Status.DELETE_PENDING,
    ]
)
FLAGS = st.sampled_from([1, 2, 4, 0x12, 7])
LOCKS = st.lists(
    st.builds(LockElement, st.integers(0, 1 << 63), st.integers(0, 1 << 63), FLAGS),
    max_size=3,
).map(tuple)  # fmt: skip
ENTRIES = st.lists(
    st.builds(
        DirectoryEntry,
        TEXTS.map(lambda text: text or "e"),
        NUMBERS,
        SIZES,
        created_ns=TIMES,
        written_ns=TIMES,
    ),
    max_size=3,
).map(tuple)

REQUESTS: dict[int, st.SearchStrategy[Message]] = {
    Command.CREATE: st.builds(
        m.CreateRequest,
        name=TEXTS,
        access=NUMBERS,
        disposition=st.none() | st.integers(0, 6),
        options=NUMBERS,
        contexts=st.sampled_from([(), ("RqLs",), ("ExtA", "TWrp"), ("DHnC",)]),
        snapshot_ns=st.none() | TIMES,
        durable_file_id=st.sampled_from([None, None, "00" * 16]),
    ),
    Command.CLOSE: st.builds(m.CloseRequest),
    Command.FLUSH: st.builds(m.FlushRequest),
    Command.READ: st.builds(m.ReadRequest, offset=SIZES, length=SIZES),
    Command.WRITE: st.builds(m.WriteRequest, offset=SIZES, length=SIZES),
    Command.LOCK: st.builds(m.LockRequest, locks=LOCKS),
    Command.IOCTL: st.builds(
        m.IoctlRequest,
        function=st.sampled_from([None, 0x140078, 0x1480F2, 0x980C8, 0x11C017, 0x140204, 5]),
        offset=SIZES,
        length=SIZES,
        resume_key=st.sampled_from([None, "k"]),
        chunks=st.sampled_from([(), (CopyChunk(0, 1, 2),)]),
    ),
    Command.QUERY_DIRECTORY: st.builds(m.QueryDirectoryRequest, level=NUMBERS, flags=NUMBERS, pattern=TEXTS),
    Command.CHANGE_NOTIFY: st.builds(m.NotifyRequest, filter=NUMBERS, watch_tree=st.none() | st.booleans()),
    Command.QUERY_INFO: st.builds(m.QueryInfoRequest, info_type=st.none() | st.integers(0, 5), level=NUMBERS),
    Command.SET_INFO: st.builds(
        m.SetInfoRequest,
        info_type=st.none() | st.integers(0, 5),
        level=st.none() | st.sampled_from([4, 10, 11, 13, 15, 19, 20, 64, 65, 72, 99]),
        size=SIZES,
        delete=st.none() | st.booleans(),
        target=TEXTS,
        replace=st.none() | st.booleans(),
        attributes=NUMBERS,
        written_ns=TIMES,
        created_ns=TIMES,
    ),
    Command.SESSION_SETUP: st.builds(
        m.SessionSetupRequest, previous_session_id=st.none() | st.integers(0, 3)
    ),
    Command.TREE_DISCONNECT: st.just(Message()),
    Command.LOGOFF: st.just(Message()),
    Command.ECHO: st.just(Message()),
    Command.OPLOCK_BREAK: st.builds(m.Break),
    99: st.just(Message()),
}
RESPONSES: dict[int, st.SearchStrategy[Message]] = {
    Command.CREATE: st.builds(
        m.CreateResponse,
        action=st.none() | st.integers(0, 4),
        attributes=NUMBERS,
        size=SIZES,
        written_ns=TIMES,
        contexts=st.sampled_from([(), ("DHnQ",)]),
    ),
    Command.CLOSE: st.builds(m.CloseResponse, attributes=NUMBERS, size=SIZES, created_ns=TIMES),
    Command.READ: st.builds(m.ReadResponse, count=COUNTS),
    Command.WRITE: st.builds(m.WriteResponse, count=COUNTS),
    Command.IOCTL: st.builds(m.IoctlResponse, resume_key=st.sampled_from([None, "k"])),
    Command.QUERY_DIRECTORY: st.builds(m.QueryDirectoryResponse, entries=ENTRIES),
    Command.QUERY_INFO: st.builds(
        m.QueryInfoResponse,
        attributes=NUMBERS,
        size=SIZES,
        directory=st.none() | st.booleans(),
        streams=st.sampled_from([(), (":s:$DATA 5",), ("::$DATA 1", "odd", ":t x")]),
    ),
}


@st.composite
def wires(draw: st.DrawFn) -> Wire:
    """Exchanges of two clients in any order, with any handle, whole or cut, alone or in compounds."""
    wire = Wire()
    clients: list[Client] = [
        wire.client("alice"),
        wire.client("bob", "IPC$", 2),
        wire.client("alice", "other"),
    ]
    for _ in range(draw(st.integers(0, 40))):
        client = draw(st.sampled_from(clients))
        length = draw(st.sampled_from([1, 1, 1, 2, 3]))
        if length > 1:
            with client:
                handle = draw(st.none() | st.integers(0, 5))
                for _ in range(length):
                    one(draw, client, handle)
        else:
            one(draw, client, draw(st.none() | st.integers(0, 5)))
    return wire


def one(draw: st.DrawFn, client: Client, handle: int | None) -> None:
    command = draw(st.sampled_from(sorted(REQUESTS)))
    fields: dict[str, Any] = {"handle": handle, "path": draw(TEXTS)}
    if draw(st.integers(0, 9)) == 0:
        fields |= draw(
            st.sampled_from(
                [{"tree": -1}, {"user": -1}, {"retransmission": True}, {"replayed": True}, {"session": -1}]
            )
        )
    request = draw(st.none() | REQUESTS[command]) if draw(st.integers(0, 9)) == 0 else draw(REQUESTS[command])
    response = draw(RESPONSES.get(command, st.none()))
    takes = draw(st.sampled_from([0, STEP_NS // 2, 3 * STEP_NS]))
    client.sends(command, request, draw(STATUSES), response, takes_ns=takes, **fields)


@given(wires())
@settings(deadline=None, max_examples=150)
def test_every_exchange_meets_one_rule_and_operations_are_in_order(wire: Wire) -> None:
    with tempfile.TemporaryDirectory() as into:
        story = lifted(wire, Path(into))
        operations = story.workload.operations
        assert isinstance(operations, StoredOperations)
        stored = list(operations.whole())
    info = story.workload.info
    assert [row["exchange"] for row in story.coverage] == [exchange.index for exchange in wire.exchanges]
    assert all(row["reason"] and row["rule"] for row in story.coverage)
    assert sum(row.count for row in info.coverage) == len(wire.exchanges)
    assert Counter(row["disposition"] for row in story.coverage) == _by_disposition(info.coverage)
    assert [operation.index for operation in stored] == list(range(len(stored)))
    for outside in (False, True):  # what was done outside stands before what saw it
        arrivals = [one.arrival_ns for one in stored if one.rule.startswith("outside-") is outside]
        assert arrivals == sorted(arrivals)
    for row in story.coverage:
        if row["operation"] >= 0:
            assert row["exchange"] in stored[row["operation"]].exchanges
    rules_of: dict[int, set[str]] = {}
    for operation in story.operations:
        for exchange in operation.exchanges:
            rules_of.setdefault(exchange, set()).add(operation.rule)
    assert all(len(rules) == 1 for rules in rules_of.values())
    assert sum(info.operations_by_user) == len(story.operations) == sum(info.operations.values())
    assert all(operation.lane < info.lanes[operation.user] for operation in story.operations)
    _check_namespace(list(story.namespace.values()))


@given(wires(), st.integers(0, 6))
@settings(deadline=None, max_examples=100)
def test_nothing_waits_longer_than_the_horizon(wire: Wire, horizon: int) -> None:
    taken: list[Taken] = []
    trace = wire.trace()
    recogniser = Recogniser(
        Handles(Names(trace.info.trees)), taken.append, SessionEnds(trace), horizon=horizon
    )
    for exchange in trace.exchanges:
        recogniser.feed(exchange)
        assert exchange.index - recogniser.oldest(exchange.index) <= horizon
        done = {one.index for what in taken for one in what.exchanges}
        assert set(range(recogniser.oldest(exchange.index))) <= done
    recogniser.finish()
    counts = Counter(one.index for what in taken for one in what.exchanges)
    assert counts == Counter(range(len(wire.exchanges)))


def _by_disposition(coverage: list[Any]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for row in coverage:
        counts[row.disposition.value] += row.count
    return counts


def _check_namespace(entries: list[NamespaceEntry]) -> None:
    seen: dict[str, NamespaceEntry] = {}
    for entry in entries:
        assert entry.path not in seen
        parent = entry.path.rpartition("/")[0]
        if parent and entry.present:
            assert seen[parent].present
        seen[entry.path] = entry
