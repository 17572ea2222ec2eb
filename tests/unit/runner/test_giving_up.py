"""When a server is given up: by what is in the log, and what is out."""

from __future__ import annotations

import errno
from pathlib import Path

import numpy as np
import pytest

from smbench.runner.call_file import KIND_NUMBERS
from smbench.runner.giving_up import GiveUp
from smbench.runner.heartbeat import Heartbeats
from smbench.smb2.ntstatus import Status, outcome_of

S = 1_000_000_000
START = 100 * S
DOWN, GONE = -errno.EHOSTDOWN, outcome_of(Status.NETWORK_NAME_DELETED)
READ, CLOSE, LOCK = (KIND_NUMBERS[name] for name in ("Read", "Close", "Lock"))


class Server:
    """What became of calls that take half a second, one a second; and those that are out."""

    def __init__(self, folder: Path, allowed_s: float = 10) -> None:
        self.records = np.zeros((200, 3), np.int64)
        self.kinds = np.full(200, READ, np.int8)
        self.beats = Heartbeats(folder / "beats", 1, 2)
        self.looks = GiveUp(self.records, self.beats, lambda at: self.kinds[at], int(allowed_s * S))
        self.to_come: list[tuple[int, int]] = []

    def ends(self, at_s: int, outcome: int, kind: int = READ) -> Server:
        self.kinds[len(self.to_come)] = kind
        self.to_come.append((at_s, outcome))
        return self

    def out(self, since_s: int, kind: int = READ) -> Server:
        self.kinds[150] = kind
        self.beats.fly(1, 150, START + since_s * S)
        return self

    def until(self, last_s: int) -> int | None:
        """When it is given up, by a look a second."""
        for now in range(last_s + 1):
            for place, (at_s, outcome) in enumerate(self.to_come):
                if at_s == now:
                    self.records[place] = (START + at_s * S - S // 2, outcome, START + at_s * S)
            if self.looks.look(START, START + now * S):
                return now
        return None


@pytest.fixture
def server(tmp_path: Path) -> Server:
    return Server(tmp_path)


def test_who_answers_is_not_given_up(server):
    for second in range(1, 60):
        server.ends(second, 0)
    assert server.until(60) is None


@pytest.mark.parametrize("refusal", [-errno.EACCES, outcome_of(Status.DISK_FULL), -errno.EIO])
def test_a_refusal_is_an_answer(server, refusal):
    for second in range(1, 60):
        server.ends(second, refusal)
    assert server.until(60) is None


@pytest.mark.parametrize("error", [DOWN, GONE, outcome_of(Status.CONNECTION_DISCONNECTED)])
def test_connection_errors_alone_end_it(server, error):
    server.ends(1, 0).ends(2, 0)
    for second in range(3, 60):
        server.ends(second, error)
    assert server.until(60) == 13
    assert server.looks.why.startswith(
        "the server was given up: for 10.5 s every call failed with a connection error, the last with "
    )


def test_what_is_not_open_here_says_nothing_and_a_close_is_no_answer(server):
    for second in range(1, 60, 3):
        server.ends(second, DOWN).ends(second + 1, -errno.EBADF).ends(second + 2, 0, CLOSE)
    assert server.until(60) is not None


def test_a_call_that_is_out_for_so_long_ends_it(server):
    server.ends(1, 0).out(4)
    assert server.until(60) == 14
    assert server.looks.why == ("the server was given up: no call was answered for 10 s (--give-up)")


def test_one_that_is_out_while_others_are_answered_does_not(server):
    server.out(1)
    for second in range(1, 60):
        server.ends(second, 0)
    assert server.until(60) is None
    assert server.until(75) == 69


def test_who_waits_for_others_and_who_has_nothing_to_do_are_not_dead(server):
    server.ends(1, 0).out(4, LOCK)
    assert server.until(100) is None


def test_one_failure_long_ago_is_no_time_of_failures(server):
    server.ends(1, 0).ends(2, DOWN)
    assert server.until(100) is None
    server.ends(101, DOWN)
    assert server.until(101) == 101


def test_never(tmp_path):
    server = Server(tmp_path, 0).out(1)
    assert server.until(1000) is None
