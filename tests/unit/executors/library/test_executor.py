"""The executor `library` without a server: credits, names, what it says of itself."""

from __future__ import annotations

import builtins
import struct
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smbench.errors import SetupError, UsageError
from smbench.executors.base import ExecutorContext, ShareAccess, ea_value
from smbench.executors.library import messages as wire
from smbench.executors.library.breaks import Breaks
from smbench.executors.library.calls import FileCalls
from smbench.executors.library.connection import LibraryConnection, RefusedError, Reply
from smbench.executors.library.cpu import CpuClock
from smbench.executors.library.executor import LibraryExecutor
from smbench.executors.library.files import Names, OpenFiles
from smbench.executors.library.opens import lost_contexts
from smbench.executors.library.requests import CreditWindow
from smbench.executors.registry import executor_class
from smbench.secret import secret
from smbench.smb2.constants import UNSOLICITED_MESSAGE_ID
from smbench.smb2.ntstatus import Status, outcome_of
from smbench.trace.model import Command
from smbench.workload import calls

ID = b"i" * 16


def connection(on_break: Any = None) -> LibraryConnection:
    return LibraryConnection(ShareAccess("server", "share"), on_break or (lambda *_: None), uuid4())


def test_a_notification_finds_an_inbox_and_nothing_else_does() -> None:
    bodies: list[bytes] = []
    table = connection(lambda body, _send: bodies.append(body)).outstanding_requests
    header = {"data": SimpleNamespace(get_value=lambda: b"body")}
    # What the library's receiving thread does with whatever it finds.
    inbox = table[UNSOLICITED_MESSAGE_ID]
    assert inbox.session_id == 0
    with inbox.response_event_lock:
        inbox.response = header
        inbox.response_event.set()
        assert inbox.message["reserved"].get_value() == 0
    assert bodies == [b"body"]
    assert list(table.values()) == []
    with pytest.raises(KeyError):
        table[7]


def test_an_old_dialect_s_break_grants_no_credit() -> None:
    one = connection()
    one.supports_multi_credit = False
    before = one.window.free
    with one.sequence_lock:
        one.sequence_window["high"] += 1  # what the library counts for every response
    one.outstanding_requests[UNSOLICITED_MESSAGE_ID].response = {
        "data": SimpleNamespace(get_value=lambda: b"")
    }
    # The library counts before it delivers, so that both together are nothing.
    assert one.window.free == before


def window(size: int) -> CreditWindow:
    return CreditWindow({"low": 0, "high": size}, threading.Lock())


def grant(to: CreditWindow, count: int) -> None:
    with to.changed:
        to["high"] += count


def test_a_request_waits_for_credits() -> None:
    held = window(3)
    sent: list[int] = []

    def send(cost: int) -> None:
        with held.spend(cost, 1, lambda: True):
            sent.append(cost)
            with held.changed:
                held["low"] += cost

    send(2)
    waiting = threading.Thread(target=send, args=(4,))
    waiting.start()
    time.sleep(0.05)
    assert sent == [2]
    grant(held, 3)
    time.sleep(0.05)
    assert sent == [2]  # one is kept for acknowledgements
    grant(held, 1)
    waiting.join(2)
    assert sent == [2, 4]
    assert (held.waits, held.promised, held.free) == (1, 0, 1)
    with held.spend(1, 0, lambda: True):  # an acknowledgement takes the last
        pass


def test_credits_are_not_promised_twice() -> None:
    held = window(10)
    with held.spend(6, 0, lambda: True) as free:
        assert free == 4
        assert held.free == 4
    assert held.free == 10


def test_nobody_waits_for_a_connection_that_is_gone() -> None:
    with window(0).spend(1, 0, lambda: False):
        pass


SHARES = st.text(st.characters(codec="utf-8", exclude_characters="/\\\0"), min_size=1).filter(
    lambda part: part not in (".", "..")
)


@given(st.lists(SHARES, min_size=1, max_size=5), st.lists(SHARES, max_size=2))
def test_names_lie_in_their_folder(parts: list[str], folder: list[str]) -> None:
    name = Names("/".join(folder)).name("/".join(parts))
    assert name.split("\\") == folder + parts


@pytest.mark.parametrize(
    "path", ["..", "a/..", "a/../b", "/a", "a//b", "a/", ".", "a\\..\\b", "a\0", "x" * 40000]
)
def test_names_that_lead_elsewhere_are_refused(path: str) -> None:
    with pytest.raises(RefusedError) as refused:
        Names("folder").name(path)
    assert refused.value.status == Status.OBJECT_NAME_INVALID


def test_the_root_is_the_folder() -> None:
    assert Names("a/b").name("") == "a\\b"
    assert Names("").name("") == ""


def test_it_needs_a_share() -> None:
    with pytest.raises(SetupError, match="needs a share"):
        LibraryExecutor(ExecutorContext(Path("/"), 0))


def test_passwords_are_in_no_repr() -> None:
    context = ExecutorContext(
        Path("/"), 0, share=ShareAccess("s", "x", account="a", password=secret("hidden"))
    )
    assert "hidden" not in repr(context)


def test_nobody_listening_is_one_sentence() -> None:
    share = ShareAccess("127.0.0.1", "share", port=1, account="a", password=secret("hidden"))
    with pytest.raises(SetupError, match=r"cannot connect to //127.0.0.1/share as a: .*port 1") as told:
        LibraryExecutor(ExecutorContext(Path("/"), 0, share=share))
    assert "\n" not in str(told.value)
    assert "secret" not in str(told.value)


def test_without_the_package_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name.partition(".")[0] == "smbprotocol":
            raise ModuleNotFoundError("no smbprotocol", name="smbprotocol")
        return real(name, *rest)

    for module in [name for name in sys.modules if "executors.library" in name]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(UsageError, match=r"needs smbprotocol.*smbench-mount\[library\]"):
        executor_class("library")


def test_no_call_is_refused() -> None:
    assert LibraryExecutor.unsupported == {}


def test_cpu_time_is_counted_by_kind_and_over_threads() -> None:
    clock = CpuClock()

    def burn(_call: Any) -> int:
        began = time.thread_time_ns()
        while time.thread_time_ns() - began < 2_000_000:
            pass
        return 7

    handler = clock.timed("Read", burn)
    threads = [threading.Thread(target=handler, args=(calls.Read(1, 0, 1),)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert handler(calls.Read(1, 0, 1)) == 7
    assert clock.totals()["Read"]["count"] == 4
    assert clock.totals()["Read"]["cpu_ns"] >= 8_000_000


class _Server:
    """A link and its connection: answers every request, and keeps its command; `refuses` one command."""

    largest_piece = 1 << 20
    max_transact_size = 1 << 20
    dialect = 0x0311
    supports_file_leasing = supports_multi_credit = True

    def __init__(self, refuses: int = -1) -> None:
        self.asked: list[wire.Message] = []
        self._refuses = refuses
        self.here = self
        self.counts: Counter[str] = Counter()

    def count(self, what: str) -> None:
        self.counts[what] += 1

    def exchange(self, request: wire.Message) -> Reply:
        self.asked.append(request)
        return Reply(Status.ACCESS_DENIED if self._refuses == request.COMMAND else 0, bytes(200))

    def compound(self, *requests: wire.Message) -> list[Reply]:
        return [self.exchange(request) for request in requests]

    @property
    def commands(self) -> list[int]:
        return [request.COMMAND for request in self.asked]


def on(server: _Server) -> FileCalls:
    """The calls of a user who has opened file 1."""
    files = FileCalls(OpenFiles(server, Breaks(), Names("")), max_io_bytes=0, seed=0)  # type: ignore[arg-type]
    files.open(calls.Open(1, "x", calls.Create(1, 7, 1, 0, 0)))
    server.asked.clear()
    return files


TIMES = (-1, -1, 10**9, -1)
CREATE, FLUSH, IOCTL, SET_INFO = Command.CREATE, Command.FLUSH, Command.IOCTL, Command.SET_INFO
QUERY_INFO = Command.QUERY_INFO
BY_NAME = (CREATE, SET_INFO, Command.CLOSE)


@pytest.mark.parametrize(
    ("call", "commands"),
    [
        (calls.Truncate(1, 7), [SET_INFO]),
        (calls.Truncate(1, 7, times=TIMES), [FLUSH, SET_INFO, SET_INFO]),
        (calls.Truncate(1, 7, True, TIMES), [FLUSH, IOCTL, SET_INFO, SET_INFO]),
        (calls.Truncate(1, 7, times=TIMES, times_by_name=True), [FLUSH, SET_INFO, *BY_NAME]),
        (calls.Truncate(1, 7, flushed=True), [FLUSH, SET_INFO]),
        (calls.Truncate(1, 7, allocated=True), [QUERY_INFO, SET_INFO, SET_INFO, QUERY_INFO]),
        (calls.SetTimes(1, None, None, 5), [SET_INFO]),
        (calls.SetTimes(1, None, None, 5, flushed=True, times_by_name=True), [FLUSH, *BY_NAME]),
        (calls.SetTimes(1, None, None, 5, flushed=True), [FLUSH, SET_INFO]),
        (calls.Open(2, "y", calls.Create(2, 7, 5, 0, 0)), [CREATE]),
        (
            calls.Open(2, "y", calls.Create(2, 7, 5, 0, 0), times=TIMES),
            [CREATE, FLUSH, SET_INFO, SET_INFO],
        ),
        (
            calls.Open(2, "y", calls.Create(2, 7, 5, 0, 0), times=TIMES, times_by_name=True),
            [CREATE, FLUSH, SET_INFO, *BY_NAME],
        ),
        (calls.PunchHole(1, 0, 5), [IOCTL]),
        (calls.PunchHole(1, 0, 5, sparse=True), [IOCTL, IOCTL]),
        (calls.ShiftRange(1, 0, 5, insert=False, size=5 << 19), [IOCTL, *[IOCTL] * 3, SET_INFO]),
        (calls.ShiftRange(1, 0, 5, insert=True, size=5000), [SET_INFO, IOCTL, IOCTL, IOCTL]),
        (calls.ShiftRange(1, 0, 5, insert=False, size=5 << 19, listed=True), [IOCTL, IOCTL, SET_INFO]),
        (
            calls.ShiftRange(1, 0, 5, insert=True, size=5000, listed=True, sparse=True),
            [IOCTL, SET_INFO, IOCTL, *[IOCTL] * 4, IOCTL],
        ),
        (calls.AllocatedRanges(1, 0, 5), [IOCTL]),
        (calls.AllocatedRanges(1, 0, 5, seek=True), [QUERY_INFO, IOCTL]),
        (calls.AllocatedRanges(1, 0, 5, seek=True, flushed=True), [QUERY_INFO, FLUSH, IOCTL]),
        (calls.Control(1, 0x144064, 16), [IOCTL]),
    ],
)
def test_what_the_linux_client_sent_along_is_sent(call: Any, commands: list[int]) -> None:
    server = _Server()
    files = on(server)
    does: Any = {
        calls.Truncate: files.truncate, calls.SetTimes: files.set_times, calls.Open: files.open,
        calls.PunchHole: files.punch_hole, calls.ShiftRange: files.shift_range,
        calls.AllocatedRanges: files.allocated_ranges, calls.Control: files.control,
    }  # fmt: skip
    assert does[type(call)](call) == 0
    assert server.commands == commands


def test_the_times_that_were_set_are_set_and_no_others() -> None:
    server = _Server()
    on(server).truncate(calls.Truncate(1, 7, times=TIMES))
    created, accessed, written, changed = struct.unpack("<4Q", server.asked[-1].body[-40:-8])
    assert (created, accessed, changed) == (0, 0, 0)
    assert written == (11_644_473_600 + 1) * 10**7


def test_a_refused_step_is_the_outcome_and_the_others_are_taken_all_the_same() -> None:
    server = _Server(refuses=FLUSH)
    assert on(server).truncate(calls.Truncate(1, 7, times=TIMES)) == outcome_of(Status.ACCESS_DENIED)
    assert server.commands == [FLUSH, SET_INFO, SET_INFO]


def test_an_extended_attribute_is_set_on_its_handle_or_for_the_create_that_brought_it() -> None:
    server = _Server()
    files = on(server)
    assert files.set_ea(calls.SetEa(1, "n", 2)) == 0
    [asked] = server.asked
    assert asked.COMMAND == SET_INFO
    assert asked.body.endswith(struct.pack("<IBBH", 0, 0, 1, 2) + b"n\0" + ea_value(2))
    files.open(calls.Open(2, "y", calls.Create(1, disposition=2, contexts="MxAc,ExtA")))
    server.asked.clear()
    assert files.set_ea(calls.SetEa(2, "n", 0)) == 0
    assert server.commands == [CREATE, SET_INFO, Command.CLOSE]
    assert struct.unpack_from("<I", server.asked[0].body, 24) == (0x10,)


def test_a_security_descriptor_is_asked_for_and_set() -> None:
    server = _Server()
    assert on(server).set_security(calls.SetSecurity(1, 4)) == 0
    assert server.commands == [Command.QUERY_INFO, SET_INFO]
    server = _Server(refuses=Command.QUERY_INFO)
    assert on(server).set_security(calls.SetSecurity(1, 4)) == outcome_of(Status.ACCESS_DENIED)
    assert server.commands == [Command.QUERY_INFO]


def test_an_open_that_is_refused_empties_nothing() -> None:
    server = _Server(refuses=CREATE)
    opened = on(server).open(calls.Open(2, "y", calls.Create(2, 7, 5, 0, 0), times=TIMES))
    assert opened == outcome_of(Status.ACCESS_DENIED)
    assert server.commands == [CREATE]


def test_what_is_lost_is_said() -> None:
    assert lost_contexts("MxAc,AAPL,RqLs,ExtA") == ["AAPL", "ExtA"]
    kept = calls.Open(1, "x", calls.Create(1, 7, 1, 0, 0, 0xFF, 7, contexts="RqLs,MxAc,QFid,DH2Q"))
    assert LibraryExecutor.loss(kept) is None
    lost = calls.Open(1, "x", calls.Create(1, 7, 1, 0x2000, 0, contexts="ExtA"))
    assert "ExtA" in str(LibraryExecutor.loss(lost))
    assert "file number" in str(LibraryExecutor.loss(lost))
    assert "AAPL" in str(LibraryExecutor.loss(calls.Stat("x", create=calls.Create(0x80, contexts="AAPL"))))
    assert LibraryExecutor.loss(calls.Read(1, 0, 1)) is None
    assert LibraryExecutor.loss(calls.StatHandle(1, 3, 0)) is not None
    assert LibraryExecutor.loss(calls.StatHandle(1, 3, 0, additional=4)) is None
