"""The helper's own code in this process, in a folder of the test's, and with nobody's rights but its own."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

from smbench.privileged.client import Helper, HelperError
from smbench.privileged.runs import Runs
from smbench.privileged.system import Caller, RefusedError


class InProcess(Helper):
    """Runs beneath `runtime`, for who this process is, or `uid`. `instead` answers requests that take a
    kernel's client, by their names."""

    def __init__(
        self, runtime: Path, uid: int | None = None, **instead: Callable[..., dict[str, Any]]
    ) -> None:
        self._ours, its = socket.socketpair()
        self._its = its
        self.runtime = runtime
        who = os.getuid() if uid is None else uid
        self.runs = Runs(Caller(os.getpid(), who, os.getgid(), None), its, runtime)
        self.instead = instead

    def ask(self, do: str, *descriptors: int, **fields: Any) -> dict[str, Any]:
        try:
            does = self.instead.get(do) or getattr(self.runs, do)
            answer: dict[str, Any] = does(*descriptors, **fields)
        except (RefusedError, OSError) as error:
            raise HelperError(str(error)) from None
        return answer

    def close(self) -> None:
        self._ours.close()
        self._its.close()
