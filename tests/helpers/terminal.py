"""An interactive program in a terminal of its own: keys go in, and what it shows is waited for."""

from __future__ import annotations

import contextlib
import os
import pty
import select
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

_PATIENCE_S = 60


class Terminal:
    """The terminal's other end."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._unread = ""

    def type(self, keys: str) -> None:
        os.write(self._descriptor, keys.encode())

    def wait_for(self, text: str) -> str:
        """What is shown up to the end of the line that holds `text`."""
        until = time.monotonic() + _PATIENCE_S
        while text not in self._unread or "\n" not in self._unread.partition(text)[2]:
            ready, _, _ = select.select([self._descriptor], [], [], max(0.0, until - time.monotonic()))
            assert ready, f"{text!r} is not shown, but {self._unread!r}"
            try:
                self._unread += os.read(self._descriptor, 4096).decode(errors="replace")
            except OSError:  # EIO: the program has ended
                raise AssertionError(f"it ended without {text!r}: {self._unread!r}") from None
        before, _, after = self._unread.partition(text)
        rest, _, self._unread = after.partition("\n")
        return before + text + rest


@contextlib.contextmanager
def terminal(command: Sequence[str], environment: Mapping[str, str], cwd: Path) -> Iterator[Terminal]:
    """Run `command` in a terminal; it is killed at the end, whatever it does then."""
    ours, theirs = pty.openpty()
    program = subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment, cwd=cwd, start_new_session=True
    )
    os.close(theirs)
    try:
        yield Terminal(ours)
    finally:
        os.killpg(program.pid, signal.SIGKILL)
        program.wait()
        os.close(ours)
