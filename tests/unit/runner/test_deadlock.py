"""Waits are ended where nobody is left to answer them, and nowhere else."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from smbench.executors.base import Executor, ExecutorContext, Handler
from smbench.runner import board as states
from smbench.runner.board import Board
from smbench.runner.deadlock import DeadlockWatch
from smbench.workload.calls import Call


class Waiter(Executor):
    """An executor of which so many calls wait."""

    def __init__(self, _context: ExecutorContext | None = None) -> None:
        self.calls = 0
        self.interrupted = 0

    def handlers(self) -> Mapping[type[Call], Handler]:
        return {}

    def waiting(self) -> int:
        return self.calls

    def interrupt(self) -> None:
        self.interrupted += 1
        self.calls = 0

    def close(self) -> None:
        return


@pytest.fixture
def world(tmp_path: Path) -> Callable[[int], tuple[Board, list[DeadlockWatch], list[Waiter]]]:
    def make(processes: int) -> tuple[Board, list[DeadlockWatch], list[Waiter]]:
        board = Board(tmp_path / "board", processes, processes)
        executors = [Waiter() for _ in range(processes)]
        quiets = [DeadlockWatch(board, n, processes, [executor]) for n, executor in enumerate(executors)]
        for process in range(processes):
            board.set_state(process, states.READY)
        return board, quiets, executors

    return make


def test_the_last_lane_waits(world: Callable[..., tuple[Board, list[DeadlockWatch], list[Waiter]]]) -> None:
    board, (watch,), (executor,) = world(1)
    executor.calls = 1
    for _ in range(10):
        watch.look(running=2, blocked=0)
    assert (board.state(0), executor.interrupted) == (states.READY, 0), "another lane may answer it"
    watch.look(running=1, blocked=0)
    assert (board.state(0), executor.interrupted) == (states.WAITING, 0), "it must be so for a while"
    watch.look(running=1, blocked=0)
    watch.look(running=1, blocked=0)
    assert executor.interrupted == 1


def test_who_waits_for_the_waiting_lane_is_blocked_too(
    world: Callable[..., tuple[Board, list[DeadlockWatch], list[Waiter]]],
) -> None:
    _, (watch,), (executor,) = world(1)
    executor.calls = 1
    for _ in range(3):
        watch.look(running=2, blocked=1)
    assert executor.interrupted == 1


def test_lanes_that_only_wait_for_lanes_are_nobody_s_to_end(
    world: Callable[..., tuple[Board, list[DeadlockWatch], list[Waiter]]],
) -> None:
    board, (watch,), (executor,) = world(1)
    for _ in range(10):
        watch.look(running=1, blocked=1)
    assert (board.state(0), executor.interrupted) == (states.WAITING, 0)


@pytest.mark.parametrize("end", [states.DONE, states.FAILED])
def test_other_processes_may_answer_until_they_end(
    world: Callable[..., tuple[Board, list[DeadlockWatch], list[Waiter]]], end: int
) -> None:
    board, (watch, _), (executor, _) = world(2)
    executor.calls = 1
    for _ in range(10):
        watch.look(running=1, blocked=0)
    assert executor.interrupted == 0
    board.set_state(1, end)
    for _ in range(3):
        watch.look(running=1, blocked=0)
    assert executor.interrupted == 1


def test_two_processes_that_wait_for_each_other(
    world: Callable[..., tuple[Board, list[DeadlockWatch], list[Waiter]]],
) -> None:
    _, quiets, executors = world(2)
    executors[0].calls = 1
    for _ in range(4):
        quiets[0].look(running=1, blocked=0)
        quiets[1].look(running=1, blocked=1)
    assert [executor.interrupted for executor in executors] == [1, 0]


def test_a_run_that_is_stopped_waits_for_nothing(
    world: Callable[..., tuple[Board, list[DeadlockWatch], list[Waiter]]],
) -> None:
    board, (watch, _), (executor, _) = world(2)
    executor.calls = 1
    board.stop()
    watch.look(running=2, blocked=0)
    assert executor.interrupted == 1
