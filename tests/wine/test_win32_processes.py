"""Workers on Windows: spawned, bound to their parent, told by the board; and logons."""

from __future__ import annotations

import subprocess
import sys
import time
from contextlib import AbstractContextManager
from pathlib import Path

import multiprocess
import psutil
import pytest

from smbench.errors import SetupError
from smbench.measure.clock import epoch_of, now_ns
from smbench.measure.oplog import RECORD, OperationLog
from smbench.mounts.accounts import Account
from smbench.mounts.windows.connections import connections
from smbench.mounts.windows.logon import close_all, logon_of
from smbench.runner import board as states
from smbench.runner.board import Board
from smbench.secret import secret

DEADLINE_S = 30.0
LOGON = "Wine 8.0 has no logons: LogonUser gives a handle that means nothing"
CONNECT = "Wine 8.0 has no network provider for WNetAddConnection2"


def until(condition: object, what: str) -> None:
    assert callable(condition)
    give_up = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < give_up, what
        time.sleep(0.02)


def take_part(board: Board, log: OperationLog) -> None:
    """A worker in small: ready, start, a record, done."""
    board.set_state(0, states.READY)
    start_ns = board.await_start()
    board.sleep_until(start_ns)
    RECORD.pack_into(log.buffer, 24, start_ns, -5, now_ns())
    board.set_message(0, "done so")
    board.await_count(1, 7)
    board.set_state(0, states.DONE)


def test_a_spawned_worker_sees_the_board_and_the_log(tmp_path: Path) -> None:
    board, log = Board(tmp_path / "board", 1, 2), OperationLog(tmp_path / "log", 3)
    worker = multiprocess.get_context("spawn").Process(target=take_part, args=(board, log))
    worker.start()
    until(lambda: board.state(0) == states.READY, "it is not ready")
    start_ns = now_ns() + 50_000_000
    board.start_at(start_ns)
    until(lambda: board.message(0) == "done so", "it did not start")
    assert worker.is_alive(), "it waits for lane 1"
    board.post(1, 7)
    worker.join(DEADLINE_S)
    assert (worker.exitcode, board.state(0)) == (0, states.DONE)
    issued, outcome, completed = log.records[1].tolist()
    assert (issued, outcome) == (start_ns, -5)
    assert 0 <= completed - start_ns < 1_000_000_000, "one clock for both processes"
    assert list(tmp_path.iterdir()) == [], "shared memory has a name, not a file"


def test_the_clock_is_fine_and_sleeps_are_exact(tmp_path: Path) -> None:
    readings = {now_ns() for _ in range(1000)}
    assert len(readings) > 500, "the other clock moves every 15.6 ms"
    assert abs(epoch_of(now_ns()) - time.time_ns()) < 1_000_000_000
    board = Board(tmp_path / "board", 1, 1)
    late = []
    for _ in range(20):
        due_ns = now_ns() + 3_000_000
        board.sleep_until(due_ns)
        late.append(now_ns() - due_ns)
    assert min(late) >= 0
    assert sorted(late)[5] < 3_000_000, "a timer of 15.6 ms would be late by more, most of the time"


PARENT = """
import subprocess, sys, time
from smbench.runner.job_windows import end_children_with_this_process
end_children_with_this_process()
end_children_with_this_process()
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
print(child.pid, flush=True)
if len(sys.argv) > 1:
    sys.exit(7)
time.sleep(60)
"""


def test_children_end_with_their_parent() -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    assert psutil.pid_exists(child)
    parent.kill()
    parent.wait(DEADLINE_S)
    until(lambda: not psutil.pid_exists(child), "the child lives on")
    parent.stdout.close()


def test_a_parent_that_ends_by_itself_keeps_its_exit_status() -> None:
    done = subprocess.run([sys.executable, "-c", PARENT, "end"], capture_output=True, text=True, check=False)
    assert done.returncode == 7, done.stderr
    until(lambda: not psutil.pid_exists(int(done.stdout)), "the child lives on")


def refusal(entering: AbstractContextManager[None]) -> str:
    """Why a block could not be entered; empty where it could."""
    try:
        with entering:
            return ""
    except SetupError as refused:
        return str(refused)


def test_a_logon_of_other_credentials() -> None:
    why = refusal(logon_of(0, Account("alice", secret("secret"), "LAB")).entered())
    close_all()
    if why:
        assert "alice" in why
        assert "secret" not in why
        pytest.skip(f"{LOGON} ({why})")


def test_a_connection_as_somebody_else() -> None:
    why = refusal(connections(r"\\server\share", [Account("alice", secret("secret"))]))
    if why:
        assert "alice" in why
        assert "secret" not in why
        pytest.skip(f"{CONNECT} ({why})")
