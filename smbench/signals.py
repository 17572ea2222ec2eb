"""The signals that end a command, by one rule: it unwinds, leaves nothing behind, and ends with 128 + number.

A signal that is ignored when the command starts (SIGHUP under nohup, SIGINT of a job in the background)
stays ignored.
"""

from __future__ import annotations

import errno
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

ENDING = tuple(
    signal.Signals[name]
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT")
    if name in signal.Signals.__members__
)
"""Ctrl-C; `kill`; a terminal that was closed; Ctrl-\\. Windows has the first two."""


def exit_status(name: str | None) -> int | None:
    """What a command ends with that the signal of this name ended; None where it is no name of one."""
    return next((128 + number for number in ENDING if number.name == name), None)


@contextmanager
def on_ending(tell: Callable[[str], None]) -> Iterator[None]:
    """Within, a signal that would end the process calls `tell` with its name instead, in the main thread.

    A terminal that is closed is told once: the kernel sends SIGHUP, and the shell too.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # which hears no signals
        return

    def heard(number: int, _frame: FrameType | None) -> None:
        name = signal.Signals(number).name
        if name == "SIGHUP":
            signal.signal(number, signal.SIG_IGN)
            _leave_terminal()
        tell(name)

    listening = [number for number in ENDING if signal.getsignal(number) != signal.SIG_IGN]
    before = {number: signal.signal(number, heard) for number in listening}
    try:
        yield
    finally:
        for number, handler in before.items():
            if signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, handler)


def interrupt(name: str) -> None:
    """For `on_ending`: unwind as Ctrl-C does, by an exception that says the signal's name."""
    raise KeyboardInterrupt(name)


def name_of(ended: KeyboardInterrupt) -> str:
    """The signal that an interrupt is of; Python's own says nothing."""
    return str(ended) or signal.SIGINT.name


@contextmanager
def acting() -> Iterator[Callable[[str], None]]:
    """What it yields lets a signal, by its name, do what it would have done at the beginning of the block:
    for whoever kept it from that meanwhile."""
    before = {number: signal.getsignal(number) for number in ENDING}

    def act(name: str) -> None:
        number = signal.Signals[name]
        if threading.current_thread() is threading.main_thread():
            signal.signal(number, before[number])
        signal.raise_signal(number)

    yield act


@contextmanager
def deferred() -> Iterator[None]:
    """Within, signals wait: for what is bounded in time and helps nobody when half of it is done.

    By handlers, not by the thread's mask: a library's thread would hear what this one keeps back.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # which hears no signals
        return
    waiting: list[int] = []
    listening = [number for number in ENDING if signal.getsignal(number) not in (signal.SIG_IGN, None)]
    before = {number: signal.signal(number, lambda heard, _: waiting.append(heard)) for number in listening}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for heard in dict.fromkeys(waiting):
            signal.raise_signal(heard)


def ignore_all() -> None:
    """For a process that another one ends, or that is at its end."""
    for number in ENDING:
        signal.signal(number, signal.SIG_IGN)


def _leave_terminal() -> None:
    """What is still said to a terminal that is gone goes nowhere, instead of failing with EIO."""
    if sys.platform == "win32":
        return
    import termios  # not everywhere

    for descriptor in (0, 1, 2):
        try:
            termios.tcgetattr(descriptor)
        except termios.error as error:
            if error.args[0] == errno.EIO:
                nowhere = os.open(os.devnull, os.O_RDWR)
                os.dup2(nowhere, descriptor)
                os.close(nowhere)
