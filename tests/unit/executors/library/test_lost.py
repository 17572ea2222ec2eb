"""The executor `library` when its connection is lost, and on servers of older dialects."""

from __future__ import annotations

import struct
import threading
from collections.abc import Callable
from typing import Any

import pytest
from helpers.smb_server import FakeServer, facts

from smbench.executors.base import ShareAccess, UserLostError
from smbench.executors.library import link
from smbench.executors.library import messages as wire
from smbench.executors.library.breaks import Breaks
from smbench.executors.library.calls import FileCalls
from smbench.executors.library.executor import carried_out, may_be_repeated
from smbench.executors.library.files import Names, OpenFiles
from smbench.executors.library.link import Link
from smbench.executors.library.opens import oplock_like
from smbench.executors.library.report import report_of
from smbench.smb2.ntstatus import Status, outcome_of
from smbench.trace.model import Command
from smbench.workload import calls

CREATE, CLOSE, FLUSH, READ, WRITE, LOCK = (
    Command.CREATE, Command.CLOSE, Command.FLUSH, Command.READ, Command.WRITE, Command.LOCK
)  # fmt: skip
GONE = outcome_of(Status.CONNECTION_DISCONNECTED)
NOT_FOUND = outcome_of(Status.OBJECT_NAME_NOT_FOUND)
LEASE, RWH = 0xFF, 7
KEY = "5a" * 16
LINUX, WINDOWS = "RqLs,DHnQ,QFid", "DH2Q,MxAc,RqLs,QFid"
TRUNCATES, MAKES = 5, 2


class User:
    """A user of the fake server; calls go the way that the lanes' calls go."""

    def __init__(self, server: FakeServer, dialect: int | None = None) -> None:
        self.server = server
        self.breaks = Breaks()
        self.link = Link(ShareAccess("server", "share", account="alice", dialect=dialect), self.breaks)
        self.link.open()
        self.files = OpenFiles(self.link, self.breaks, Names(""))
        self.calls = FileCalls(self.files, max_io_bytes=0, seed=0)

    def does(self, call: Any) -> int:
        names: dict[type, Callable[[Any], int]] = {
                 calls.Open: self.calls.open, calls.Close: self.files.close, calls.Stat: self.files.stat,
                 calls.Unlink: self.files.remove, calls.Read: self.calls.read, calls.Write: self.calls.write,
                 calls.Flush: self.calls.flush, calls.Lock: self.calls.lock, calls.Unlock: self.calls.unlock,
                 calls.CopyRange: self.calls.copy_range, calls.Rename: self.calls.rename}  # fmt: skip
        return carried_out(self.link, names[type(call)])(call)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> FakeServer:
    made = FakeServer()
    monkeypatch.setattr(link, "LibraryConnection", made.connect)
    monkeypatch.setattr(link, "facts_of", facts)
    monkeypatch.setattr(link, "PAUSE_S", 0.01)
    return made


def opens(handle: int, contexts: str = LINUX, disposition: int = TRUNCATES) -> calls.Open:
    asked = calls.Create(
        0xC0000000, 7, disposition, 0, 0, LEASE, RWH, lease_key=KEY, lease_version=2, contexts=contexts
    )
    return calls.Open(handle, "d/f", asked)


def test_a_connection_is_made_again_by_the_same_client_and_ends_its_old_session(server: FakeServer) -> None:
    user = User(server)
    server.drop()
    assert user.does(calls.Stat("d/f")) == 0
    first, second = server.connections
    assert second.guid == first.guid
    assert (first.previous_session, second.previous_session) == (0, first.session_id)
    assert user.link.statistics()["made_again"] == 1
    assert user.link.credit_waits == 2


@pytest.mark.parametrize(("contexts", "claim"), [(LINUX, "DHnC"), (WINDOWS, "DH2C")])
def test_a_durable_handle_is_claimed(server: FakeServer, contexts: str, claim: str) -> None:
    user = User(server)
    assert user.does(opens(1, contexts)) == 0
    opened = server.asked[0]
    server.drop()
    assert user.does(calls.Write(1, 0, 100)) == 100
    claimed, written = server.asked[1:]
    assert (claimed.connection, claimed.command, claimed.disposition) == (1, CREATE, 1)
    assert claimed.contexts.keys() == {"RqLs", claim}
    old_id = struct.pack("<QQ", 0, 1)
    if claim == "DHnC":
        assert claimed.contexts[claim] == old_id
    else:
        assert claimed.contexts[claim] == old_id + opened.contexts["DH2Q"][16:32] + bytes(4)
    assert claimed.contexts["RqLs"] == opened.contexts["RqLs"]
    assert (written.connection, written.file_id) == (1, struct.pack("<QQ", 1, 2))
    assert user.link.counts == {"handles_claimed": 1}


@pytest.mark.parametrize(("durable", "asked"), [(True, [CREATE, CREATE, FLUSH]), (False, [CREATE, FLUSH])])
def test_what_cannot_be_claimed_is_opened_by_name_and_not_emptied(
    server: FakeServer, durable: bool, asked: list[int]
) -> None:
    server.durable, server.keeps = durable, False
    user = User(server)
    assert user.does(opens(1)) == 0
    server.drop()
    assert user.does(calls.Flush(1)) == 0
    assert server.commands(1) == asked
    again = [one for one in server.asked if one.connection == 1 and one.command == CREATE][-1]
    assert again.disposition == 1
    assert list(again.contexts) == LINUX.split(",")
    assert user.link.counts == {"handles_opened_again": 1}


def test_a_reopening_that_is_refused_is_the_outcome_and_is_tried_with_each_call(server: FakeServer) -> None:
    server.durable = False
    user = User(server)
    assert user.does(opens(1)) == 0
    server.drop()
    server.refuses[CREATE] = Status.OBJECT_NAME_NOT_FOUND
    assert [user.does(calls.Read(1, 0, 10)) for _ in range(2)] == [NOT_FOUND] * 2
    assert user.link.counts == {"handles_refused": 2}
    server.refuses.clear()
    assert user.does(calls.Read(1, 0, 10)) == 10


def test_what_was_renamed_is_opened_by_the_name_that_it_has_now(server: FakeServer) -> None:
    server.durable = False
    user = User(server)
    for handle, path in enumerate(("d", "d/f", "D/f:s", "d/ff", "x")):
        assert user.does(calls.Open(handle, path, calls.Create(1, 7, 1, 0, 0))) == 0
    assert user.does(calls.Rename(1, "d/f", "d/g", False)) == 0
    assert user.does(calls.Rename(0, "d", "e/n", False)) == 0
    server.refuses[Command.SET_INFO] = Status.ACCESS_DENIED
    assert user.does(calls.Rename(4, "x", "y", False)) == outcome_of(Status.ACCESS_DENIED)
    server.drop()
    for handle in range(5):
        assert user.does(calls.Flush(handle)) == 0
    names = [one.name for one in server.asked if one.connection == 1 and one.command == CREATE]
    assert names == ["e\\n", "e\\n\\g", "e\\n\\g:s", "e\\n\\ff", "x"]


def test_a_connection_that_is_lost_while_locks_are_had_again_loses_none(server: FakeServer) -> None:
    server.durable = False
    user = User(server)
    assert user.does(opens(1)) == 0
    assert user.does(calls.Lock(1, 0, 10, exclusive=True, wait=True)) == 0
    server.drop()
    server.before_answer = losing_once(server, LOCK)
    assert user.does(calls.Read(1, 0, 10)) == 10
    assert server.commands(2) == [CREATE, LOCK, READ]
    assert user.link.counts["locks_lost"] == 0


def test_locks_are_had_again_without_waiting_and_those_that_are_refused_are_counted(
    server: FakeServer,
) -> None:
    server.durable = False
    user = User(server)
    assert user.does(opens(1)) == 0
    for at in (0, 100, 200):
        assert user.does(calls.Lock(1, at, 10, exclusive=True, wait=True)) == 0
    assert user.does(calls.Unlock(1, 100, 10)) == 0
    server.drop()
    assert user.does(calls.Read(1, 0, 10)) == 10
    assert server.commands(1) == [CREATE, LOCK, LOCK, READ]
    locks = [struct.unpack_from("<QQI", one.body, 24) for one in server.asked[-3:-1]]
    assert locks == [(0, 10, 2 | 0x10), (200, 10, 2 | 0x10)]
    server.drop()
    server.refuses[LOCK] = Status.LOCK_NOT_GRANTED
    assert user.does(calls.Read(1, 0, 10)) == 10
    assert user.link.counts["locks_lost"] == 2


def test_a_claimed_handle_has_its_locks_still(server: FakeServer) -> None:
    user = User(server)
    assert user.does(opens(1)) == 0
    assert user.does(calls.Lock(1, 0, 10, exclusive=True, wait=False)) == 0
    server.drop()
    assert user.does(calls.Read(1, 0, 10)) == 10
    assert server.commands(1) == [CREATE, READ]


def test_closing_what_was_lost_asks_for_nothing(server: FakeServer) -> None:
    user = User(server)
    assert user.does(opens(1)) == 0
    server.drop()
    assert user.does(calls.Close(1)) == 0
    assert server.commands(1) == []
    assert user.does(calls.Close(1)) == outcome_of(Status.FILE_CLOSED)


def losing_once(server: FakeServer, command: int) -> Callable[[Any], None]:
    """The connection breaks before the first such request is answered."""
    lost: list[int] = []

    def lose(asked: Any) -> None:
        if asked.command == command and not lost:
            lost.append(command)
            server.drop()

    return lose


@pytest.mark.parametrize(
    ("call", "loses", "outcome", "counted"),
    [
        (calls.Read(1, 0, 10), READ, 10, "calls_repeated"),
        (calls.Write(1, 0, 10), WRITE, 10, "calls_repeated"),
        (calls.Write(1, (1 << 64) - 1, 10), WRITE, GONE, "answers_lost"),
        (calls.Stat("x"), CREATE, 0, "calls_repeated"),
        (opens(2), CREATE, 0, "calls_repeated"),
        (opens(2, disposition=MAKES), CREATE, GONE, "answers_lost"),
        (calls.Unlink("x"), CREATE, GONE, "answers_lost"),
        (calls.Close(1), CLOSE, 0, "handles_closed_by_loss"),
    ],
)
def test_a_lost_answer_is_asked_for_again_where_that_does_no_harm(
    server: FakeServer, call: Any, loses: int, outcome: int, counted: str
) -> None:
    user = User(server)
    assert user.does(opens(1)) == 0
    server.before_answer = losing_once(server, loses)
    assert user.does(call) == outcome
    assert user.link.counts[counted] == 1
    # Whatever came of it, the user goes on.
    assert user.does(calls.Stat("y")) == 0


def test_of_all_calls_only_those_that_change_nothing_the_second_time_are_repeated() -> None:
    examples = {kind: object.__new__(kind) for kind in calls.CALLS.values()
                if kind not in (calls.Open, calls.Write)}  # fmt: skip
    never = {kind.__name__ for kind, call in examples.items() if not may_be_repeated(call)}
    assert never == {
        "Close", "Unlink", "RemoveDirectory", "MakeDirectory", "Rename", "Link", "Lock", "Unlock",
        "CopyRange", "ShiftRange", "List", "Notify",
    }  # fmt: skip


def test_a_resume_key_is_asked_for_once_a_copy(server: FakeServer) -> None:
    user = User(server)
    assert [user.does(opens(number)) for number in (1, 2)] == [0, 0]
    copy = calls.CopyRange(2, 1, 0, 0, 10)
    for _ in range(2):
        user.does(copy)
    assert server.commands(0).count(Command.IOCTL) == 4  # each its key
    server.drop()
    user.does(copy)
    assert server.commands(1).count(Command.IOCTL) == 2


def test_no_file_id_reaches_another_connection_than_its_own(server: FakeServer) -> None:
    """A lane that has a file's id when another lane makes the connection again asks over the old one."""
    user = User(server)
    assert user.does(opens(1)) == 0
    halfway, made_again = threading.Event(), threading.Event()

    def pause(call: Any) -> int:
        file_id = user.files[call.handle]
        halfway.set()
        assert made_again.wait(5)
        return outcome_of(user.link.exchange(wire.flush(file_id)).status)

    ended: list[int] = []
    lane = threading.Thread(
        target=lambda: ended.append(carried_out(user.link, pause)(calls.Lock(1, 0, 1, True, True)))
    )
    lane.start()
    assert halfway.wait(5)
    server.drop()
    assert user.does(calls.Stat("x")) == 0
    made_again.set()
    lane.join(5)
    assert ended == [GONE]
    assert FLUSH not in server.commands(1)


def test_lanes_that_find_it_lost_at_once_make_it_again_once(server: FakeServer) -> None:
    user = User(server)
    assert user.does(opens(1)) == 0
    server.drop()
    outcomes: list[int] = []
    lanes = [
        threading.Thread(target=lambda: outcomes.append(user.does(calls.Read(1, 0, 10)))) for _ in range(20)
    ]
    for lane in lanes:
        lane.start()
    for lane in lanes:
        lane.join(5)
    assert outcomes == [10] * 20
    assert len(server.connections) == 2
    assert server.commands(1).count(CREATE) == 1


def test_who_cannot_be_connected_in_time_is_lost(server: FakeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link, "GIVE_UP_S", 0.5)
    user = User(server)
    server.up = False
    server.drop()
    with pytest.raises(UserLostError, match=r"no connection to //server/share within 0.5 s .*refused"):
        user.does(calls.Stat("x"))
    assert user.link.statistics()["lost"] is True
    tried = len(server.connections)
    assert tried > 2
    server.up = True
    with pytest.raises(UserLostError):
        user.does(calls.Stat("x"))
    assert len(server.connections) == tried


def test_a_run_that_is_stopped_waits_for_no_server(server: FakeServer) -> None:
    user = User(server)
    server.up = False
    server.drop()
    ended: list[int] = []
    lane = threading.Thread(target=lambda: ended.append(user.does(calls.Stat("x"))))
    lane.start()
    user.link.stop()
    lane.join(5)
    assert ended == [GONE]
    assert user.link.lost == ""


def test_a_server_of_an_older_dialect_is_spoken_to_in_it(server: FakeServer) -> None:
    server.dialect = 0x0210
    User(server, 0x0302)
    assert [connection.dialects for connection in server.connections] == [[0x0302], [None]]
    server.connections.clear()
    User(server, 0x0311)
    assert [connection.dialects for connection in server.connections] == [[None]]


@pytest.mark.parametrize(
    ("dialect", "leases", "oplock", "tags", "lease_bytes", "counted"),
    [
        (0x0311, True, LEASE, "DH2Q,MxAc,RqLs,QFid", 52, {}),
        (0x0300, True, LEASE, "DH2Q,MxAc,RqLs,QFid", 52, {}),
        (0x0210, True, LEASE, "DHnQ,MxAc,RqLs,QFid", 32, {"lease_v2_as_v1": 1, "durable_v2_as_v1": 1}),
        (0x0210, False, 9, "DHnQ,MxAc,QFid", 0, {"lease_as_oplock": 1, "durable_v2_as_v1": 1}),
        (0x0202, False, 9, "DHnQ,MxAc,QFid", 0, {"lease_as_oplock": 1, "durable_v2_as_v1": 1}),
        (0x0311, False, 9, "DH2Q,MxAc,QFid", 0, {"lease_as_oplock": 1}),
    ],
)
def test_an_open_asks_for_what_the_dialect_and_the_server_have(
    server: FakeServer, dialect: int, leases: bool, oplock: int, tags: str, lease_bytes: int,
    counted: dict[str, int],
) -> None:  # fmt: skip
    server.dialect, server.leases = dialect, leases
    user = User(server)
    assert user.does(opens(1, WINDOWS)) == 0
    (asked,) = server.asked
    assert asked.oplock == oplock
    assert ",".join(asked.contexts) == tags
    assert len(asked.contexts.get("RqLs", b"")) == lease_bytes
    assert user.link.counts == counted


def test_the_nearest_oplock_lets_a_client_cache_what_the_lease_would() -> None:
    assert [oplock_like(state) for state in range(8)] == [0, 1, 0, 1, 0, 8, 0, 9]


def statistics(**connection: Any) -> dict[str, Any]:
    about = {
        "dialect": "3.1.1",
        "asked_dialect": "3.1.1",
        "made_again": 0,
        "made_again_ns": [],
        **connection,
    }
    beyond = about.pop("beyond", {})
    leases, oplocks = about.pop("breaks", (0, 0))
    breaks = {"lease_acknowledged": leases, "oplock_acknowledged": oplocks}
    return {"connection": about, "beyond": beyond, "breaks": breaks}


def test_what_a_reader_should_know_is_said_in_sentences() -> None:
    assert report_of({}).warnings == []
    quiet = report_of({"alice": statistics(breaks=(2, 1))})
    assert (quiet.warnings, quiet.counters) == (
        [], {"lease_breaks_acknowledged": 2, "oplock_breaks_acknowledged": 1}
    )  # fmt: skip
    lost = statistics(made_again=2, made_again_ns=[10**9, 3 * 10**9],
                      beyond={"handles_claimed": 2, "answers_lost": 1})  # fmt: skip
    report = report_of({"alice": lost, "bob": statistics()})
    assert report.counters["connections_made_again"] == 2
    assert report.warnings == [
        "the connection of alice was lost and made again (2 times, within 3 s at most): 2 durable handles "
        "claimed, 1 calls whose outcome nobody knows"
    ]
    old = {name: statistics(dialect="2.0.2", beyond={"lease_as_oplock": 8}) for name in "abcde"}
    assert report_of(old).warnings == [
        "a, b, c and 2 more spoke SMB 2.0.2 in the place of 3.1.1: there are no leases (40 opens asked for "
        "the nearest oplock)"
    ]
