"""The progress board: waiting, waking, stopping, between processes; by the kernel or by naps."""

from __future__ import annotations

import os
import time

import pytest

from smbench.measure.clock import now_ns
from smbench.runner.board import ENDED, FAILED, FOREVER, READY, Board
from smbench.runner.futex import Naps, sleeper

MS = 1_000_000


@pytest.fixture(params=[sleeper, Naps])
def board(tmp_path, request):
    return Board(tmp_path / "board", processes=2, lanes=3, wait_by=request.param())


def in_child(act):
    """Run `act` in a forked process after 20 ms; its exit is awaited by the returned function."""
    child = os.fork()
    if not child:
        time.sleep(0.02)
        act()
        os._exit(0)
    return lambda: os.waitpid(child, 0)


@pytest.mark.parametrize(
    ("act", "reached"),
    [
        (lambda board: board.post(1, 5), True),
        (lambda board: board.post(1, 7) or board.release(1), True),
        (lambda board: board.release(1), True),
        (lambda board: board.stop(), False),
    ],
)
def test_whoever_waits_for_a_lane_is_woken(board, act, reached):
    began = now_ns()
    finish = in_child(lambda: act(board))
    assert board.await_count(1, 5) is reached
    assert now_ns() - began >= 20 * MS  # not before the child acts
    finish()
    assert board.completed(0) == board.completed(2) == 0


def test_what_is_done_needs_no_waiting(board):
    board.post(2, 9)
    assert board.await_count(2, 9)
    assert board.await_count(2, 3)
    board.release(2)
    assert board.await_count(2, FOREVER)


def test_what_a_stopped_lane_has_done_is_no_more_than_it_did(board):
    board.post(2, 9)
    board.stop()
    assert board.await_count(2, 9)
    board.release(2)
    assert not board.await_count(2, 10)


def test_a_start_time_reaches_all(board):
    finish = in_child(lambda: board.start_at(12345))
    assert board.await_start() == 12345
    finish()


def test_a_stop_before_the_start_ends_the_waiting(board):
    finish = in_child(board.stop)
    assert board.await_start() == 0
    finish()


def test_a_sleep_ends_at_its_time_or_with_the_stop(board):
    due = now_ns() + 30 * MS
    board.sleep_until(due)
    assert now_ns() >= due
    finish = in_child(board.stop)
    board.sleep_until(now_ns() + 10_000 * MS)
    finish()
    assert now_ns() < due + 2000 * MS


def test_states_and_messages_are_each_processs_own(board):
    board.set_state(1, READY)
    board.set_message(0, "a long story " * 1000)
    board.set_message(1, "kürzer")
    assert (board.state(0), board.state(1)) == (0, READY)
    assert board.message(0).startswith("a long story a")
    assert board.message(1) == "kürzer"


def test_all_have_ended_once_the_last_has(board):
    board.set_state(0, ENDED)
    board.set_state(1, READY)
    board.end_if_all_have()
    began = now_ns()

    def last():
        board.set_state(1, FAILED)
        board.end_if_all_have()

    done = in_child(last)
    board.await_end()
    assert now_ns() - began >= 20 * MS
    done()


def test_a_run_that_is_stopped_has_ended(board):
    done = in_child(board.stop)
    board.await_end()
    assert board.stopping
    done()


def test_whoever_waits_briefly_is_woken_by_what_is_armed_or_answered(board):
    for act, answered in ((lambda: board.arm(1, 5), False), (lambda: board.post(1, 5), True)):
        finish = in_child(act)
        board.await_briefly(1, 5, answered, now_ns() + 60_000 * MS)
        finish()
        assert board.words[board._line_of(1) + (0 if answered else 1)] == 5


def test_a_brief_wait_ends_and_the_next_for_that_lane_ends_when_it_is_due(board):
    board.await_briefly(1, 5, False, 0)
    due_ns = now_ns() + 20 * MS
    board.await_briefly(1, 5, False, due_ns)
    assert now_ns() >= due_ns
    board.arm(1, 4)  # it has come on: the next may wait again
    finish = in_child(lambda: board.arm(1, 5))
    board.await_briefly(1, 5, False, 0)
    finish()
    assert board.words[board._line_of(1) + 1] == 5


@pytest.mark.parametrize("act", [lambda board: board.stop(), lambda board: board.release(1)])
def test_nobody_waits_briefly_for_a_lane_that_has_ended_or_in_a_run_that_is_stopped(board, act):
    act(board)
    board.await_briefly(1, 5, True, now_ns() + 3_600_000 * MS)
    board.await_briefly(1, 5, False, now_ns() + 3_600_000 * MS)
