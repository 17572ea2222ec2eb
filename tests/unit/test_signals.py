"""Signals that end a command: told by name, once for a closed terminal, and deferred where that is asked."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator

import pytest

from smbench.signals import ENDING, deferred, exit_status, interrupt, name_of, on_ending

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="os.kill ends the process there")


@pytest.fixture(autouse=True)
def listening() -> Iterator[None]:
    """Whoever runs the tests may ignore some of them."""
    before = {number: signal.signal(number, signal.default_int_handler) for number in ENDING}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize(
    ("name", "status"), [("SIGINT", 130), ("SIGTERM", 143), ("SIGHUP", 129), ("SIGQUIT", 131)]
)
def test_each_ends_by_its_name_and_number(name: str, status: int) -> None:
    with pytest.raises(KeyboardInterrupt) as ended, on_ending(interrupt):
        os.kill(os.getpid(), signal.Signals[name])
    assert name_of(ended.value) == name
    assert exit_status(name) == status


@pytest.mark.parametrize("name", ["deadline", "", None, "SIGUSR1"])
def test_what_ended_it_otherwise_has_no_status(name: str | None) -> None:
    assert exit_status(name) is None


def test_pythons_own_interrupt_is_ctrl_c() -> None:
    assert name_of(KeyboardInterrupt()) == "SIGINT"


def test_a_closed_terminal_is_told_once_and_others_as_they_come() -> None:
    heard: list[str] = []
    with on_ending(heard.append):
        for number in (signal.SIGHUP, signal.SIGHUP, signal.SIGINT, signal.SIGINT):
            os.kill(os.getpid(), number)
    assert heard == ["SIGHUP", "SIGINT", "SIGINT"]
    assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN, "the shell's may come only now"


def test_what_is_ignored_stays_so_and_all_is_as_before() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    others = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT)]
    heard: list[str] = []
    with on_ending(heard.append):
        os.kill(os.getpid(), signal.SIGHUP)
    assert heard == []
    assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    assert others == [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT)]


@pytest.mark.parametrize("threads", [0, 3])
def test_while_held_they_wait(threads: int) -> None:
    heard: list[str] = []
    over = threading.Event()
    others = [threading.Thread(target=over.wait) for _ in range(threads)]
    for other in others:
        other.start()
    with on_ending(heard.append):
        with deferred():
            for _ in range(3):
                os.kill(os.getpid(), signal.SIGTERM)
                time.sleep(0.01)
            assert heard == []
        assert heard == ["SIGTERM"]
    over.set()
    for other in others:
        other.join()
