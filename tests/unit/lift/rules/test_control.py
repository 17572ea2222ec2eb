"""What the client does by itself, and what no file operation can stand for."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.story import Wire, lifted

from smbench.smb2.ntstatus import Status
from smbench.trace import messages as m
from smbench.trace.model import Command

CLIENT = [
    Command.NEGOTIATE, Command.SESSION_SETUP, Command.LOGOFF, Command.TREE_CONNECT, Command.TREE_DISCONNECT,
    Command.ECHO, Command.CANCEL, Command.OPLOCK_BREAK,
]  # fmt: skip


@pytest.mark.parametrize("command", CLIENT)
def test_what_the_client_does(tmp_path: Path, command: int) -> None:
    wire = Wire()
    wire.client("alice").sends(command)
    story = lifted(wire, tmp_path)
    assert story.calls == []
    assert story.coverage[0]["disposition"] == "client"
    assert story.coverage[0]["reason"]


@pytest.mark.parametrize("function", [0x140204, 0x1401FC, 0x60194, 0x601B0, 0x1401D4])
def test_infrastructure_by_ioctl(tmp_path: Path, function: int) -> None:
    wire = Wire()
    wire.client("alice", "IPC$", 2).sends(Command.IOCTL, m.IoctlRequest("ff" * 16, function))
    assert [row["disposition"] for row in lifted(wire, tmp_path).coverage] == ["client"]


def test_break_notification_without_a_session(tmp_path: Path) -> None:
    wire = Wire()
    alice = wire.client("alice")
    alice.sends(Command.OPLOCK_BREAK, m.Break(), None, notification=True, session=-1, user=-1, tree=-1)
    story = lifted(wire, tmp_path)
    assert story.rules == ["lease-break"]
    assert [user.name for user in story.workload.info.trace.users] == ["alice"]


def test_pipes_are_counted_and_not_replayed(tmp_path: Path) -> None:
    wire = Wire()
    pipes = wire.client("alice", "IPC$", 2)
    pipes.opens("srvsvc").writes(0, 10).reads(0, 10).controls(0x11C017).closes()
    story = lifted(wire, tmp_path)
    assert story.calls == []
    assert set(story.rules) == {"pipe"}
    assert story.coverage[0]["reason"] == "named pipe: there is no file behind it: srvsvc"
    assert story.namespace == {}


def test_printers_are_no_files(tmp_path: Path) -> None:
    wire = Wire()
    wire.client("alice", "laser", 3).opens("job").writes(0, 10).closes()
    assert set(lifted(wire, tmp_path).rules) == {"printer", "on-refused-open"} - {"on-refused-open"}


def test_nothing_is_replayed_on_an_open_that_is_not(tmp_path: Path) -> None:
    wire = Wire()
    wire.client("alice").opens("unknown-0", options=0x2000).reads(0, 5).closes()
    story = lifted(wire, tmp_path)
    assert story.calls == []
    assert story.rules == ["open-by-id", "on-refused-open", "on-refused-open"]
    assert "captured server" in story.coverage[1]["reason"]


def test_durable_reconnect_goes_on_with_the_open(tmp_path: Path) -> None:
    wire = Wire()
    alice = wire.client("alice")
    opened = alice.opens("x", request={"contexts": ("DHnQ",)})
    request = m.CreateRequest(
        name="x", access=0, disposition=1, options=0, contexts=("DHnC",), durable_file_id="00"
    )
    alice.sends(Command.CREATE, request, 0, m.CreateResponse(action=1), handle=opened.handle, path="x")
    opened.reads(0, 5).closes()
    alice.sends(Command.CREATE, request, Status.OBJECT_NAME_NOT_FOUND, handle=7, path="x")
    story = lifted(wire, tmp_path)
    assert story.kinds == ["Open", "Read", "Close"]
    assert [rule == "durable-reconnect" for rule in story.rules] == [False, True, False, False, True]


def test_requests_on_handles_that_are_gone(tmp_path: Path) -> None:
    wire = Wire()
    opened = wire.client("alice").opens("x", access=0x80000080)
    opened.reads(0, 5).closes().closes(Status.FILE_CLOSED).reads(0, 5, status=Status.FILE_CLOSED)
    story = lifted(wire, tmp_path)
    assert story.kinds == ["Open", "Read", "Close"]
    assert story.rules[3:] == ["handle-gone", "handle-gone"]


def test_what_is_asked_for_on_an_open_that_the_server_lost(tmp_path: Path) -> None:
    wire = Wire()
    alice = wire.client("alice")
    gone = Status.FILE_CLOSED
    flushed, grown, asked = alice.opens("f"), alice.opens("g", access=2), alice.opens("a")
    sparse, read = alice.opens("s", access=2), alice.opens("r", access=1)
    flushed.sends(Command.FLUSH, m.FlushRequest(""), gone)
    grown.truncates(9, status=gone)
    asked.asks(18, status=gone)
    sparse.controls(0x980C8, status=gone, offset=0, length=5)
    read.reads(0, 1, status=gone)
    flushed.sends(Command.FLUSH, m.FlushRequest(""), gone)
    story = lifted(wire, tmp_path)
    assert story.kinds[5:] == [
        *("Flush", "Close", "Truncate", "Close", "StatHandle", "Close", "PunchHole", "Close", "Close"),
    ]
    assert story.rules[5:] == [*["lost-open"] * 4, "handle-gone", "handle-gone"]
    lost = [operation for operation in story.operations if operation.rule == "lost-open"]
    assert [operation.expected for operation in lost] == [gone] * 4
    assert {row["disposition"] for row in story.coverage[5:9]} == {"approximate"}


@pytest.mark.parametrize(
    "status", [Status.USER_SESSION_DELETED, Status.NETWORK_SESSION_EXPIRED, Status.NETWORK_NAME_DELETED]
)
def test_a_session_that_is_gone_is_not_replayed(tmp_path: Path, status: int) -> None:
    wire = Wire()
    wire.client("alice").opens("x").reads(0, 5, status=status)
    assert lifted(wire, tmp_path).rules == ["open", "session-gone"]


def test_cut_and_unknown_requests(tmp_path: Path) -> None:
    wire = Wire()
    alice = wire.client("alice")
    opened = alice.opens("x")
    opened.sends(Command.READ, m.ReadRequest("", None, None))
    opened.sends(Command.READ, m.IoctlRequest("", offset=0, length=5))
    alice.sends(Command.CREATE, None, handle=5)
    alice.sends(Command.CREATE, m.CreateRequest(name="x"), handle=6)
    alice.sends(77)
    opened.sends(Command.READ, m.ReadRequest("", 0, 1), retransmission=True)
    story = lifted(wire, tmp_path)
    assert story.kinds == ["Open"]
    assert story.rules == ["open", "cut", "cut", "cut", "cut", "unknown-command", "retransmission"]
