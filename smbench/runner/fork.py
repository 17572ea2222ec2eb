"""Workers forked so that a thousand of them cost little: multiprocess's Process on a leaner way to start.

The library's own gives every child two pipes and a finalizer, keeps a set of all children that it polls
at each start, and copies all of that into every later child: time and memory that grow with the square
of the number. Here a child is one fork and one pidfd (pidfd_open(2), Linux 5.3).
"""

from __future__ import annotations

import os
import signal
import sys
import traceback
from typing import Any

import multiprocess
from multiprocess import process
from multiprocess.popen_fork import Popen

_Forked = multiprocess.get_context("fork").Process


class _LeanPopen(Popen):  # type: ignore[misc]
    """A fork that takes nothing along of its siblings."""

    def _launch(self, process_object: Any) -> None:
        self.pid = os.fork()
        if not self.pid:
            code = 1
            try:
                process_object.run()
                code = 0
            except BaseException:
                if os.environ.get("SMBENCH_DEBUG"):
                    traceback.print_exc()
            finally:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(code)  # exit handlers and finalizers are the parent's
        try:
            self.sentinel = os.pidfd_open(self.pid)
        except BaseException:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
            raise

    def close(self) -> None:
        os.close(self.sentinel)


class LeanProcess(_Forked):  # type: ignore[misc,valid-type]
    """A process whose starter ends it itself: nobody joins it at exit."""

    @staticmethod
    def _Popen(process_object: Any) -> Popen:  # noqa: N802 - the library's name for it
        return _LeanPopen(process_object)

    def start(self) -> None:
        super().start()
        process._children.discard(self)
