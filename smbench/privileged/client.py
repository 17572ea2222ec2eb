"""How the helper is asked. A process has one at most: root starts it before it becomes who called it, or when
it first needs it; an ordinary user by sudo, where SMBENCH_HELPER names the program that sudoers has a line
for (docs/security.md).
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from threading import Lock
from typing import Any

from smbench.errors import SetupError
from smbench.privileged import packets
from smbench.privileged.system import BY_ROOT

HELPER = Path(__file__).resolve().with_name("helper.py")
BY_SUDO = "SMBENCH_HELPER"
_ENDED = "the helper that mounts has ended"
_UNHEARD = (
    f"sudo does not start {{program}}, which {BY_SUDO} names, or it is no helper: it needs a line of sudoers "
    "with NOPASSWD (docs/security.md); without the variable, say sudo smbench-mount"
)


class HelperError(SetupError):
    """The helper refused, or failed; `errno` is the system's where that was the reason."""

    def __init__(self, why: str, number: int | None = None) -> None:
        super().__init__(why)
        self.errno = number


class Helper:
    """One that was started, at the other end of a socket. `unheard`: what there is to say where it ends
    before it has answered anything."""

    def __init__(self, command: list[str], environment: Mapping[str, str], unheard: str = _ENDED) -> None:
        self._why_ended = unheard
        self._asked, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        # Here already: what is sent before the helper could ask for it would come from nobody.
        its.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self._number = 0
        self._lock = Lock()
        quiet = None if os.environ.get("SMBENCH_DEBUG") else subprocess.DEVNULL
        with its:
            try:
                # A session of its own: Ctrl-C is the command's, which asks for what is to be undone.
                self._process = subprocess.Popen(
                    command, stdin=its.fileno(), stdout=subprocess.DEVNULL, stderr=quiet, cwd="/",
                    start_new_session=True, env=environment,
                )  # fmt: skip
            except OSError as error:
                self._asked.close()
                raise HelperError(f"the helper that mounts does not start: {error.strerror}") from error

    def ask(self, do: str, *descriptors: int, **fields: Any) -> dict[str, Any]:
        """What it answers. Raises HelperError where it refuses, or is gone."""
        return self._asked_for(do, descriptors, fields)[0]

    def ask_for_file(self, do: str, **fields: Any) -> int:
        """The descriptor that it hands over."""
        _, descriptors = self._asked_for(do, (), fields)
        if len(descriptors) != 1:
            raise HelperError("the helper that mounts handed nothing over")
        return descriptors[0]

    def close(self) -> None:
        """Let go of it: it ends with the last one who could ask."""
        self._asked.close()

    def _asked_for(
        self, do: str, descriptors: tuple[int, ...], fields: dict[str, Any]
    ) -> tuple[dict[str, Any], list[int]]:
        with self._lock:
            self._number += 1
            request = json.dumps({"number": self._number, "do": do, **fields}).encode()
            try:
                packets.send(self._asked, request, descriptors)
                answer, handed = self._heard()
            except OSError as error:
                why = f"the helper that mounts cannot be asked ({error.strerror or error})"
                raise HelperError(why if self._why_ended == _ENDED else self._why_ended) from None
        if "error" in answer:
            raise HelperError(answer["error"], answer.get("errno"))
        return answer, handed

    def _heard(self) -> tuple[dict[str, Any], list[int]]:
        """The answer to the last request, and what was handed over with it."""
        while True:
            content, data, handed = bytearray(), packets.MORE, list[int]()
            while data[:1] == packets.MORE:
                data, handed, _, _ = socket.recv_fds(self._asked, 1 + packets.PIECE, packets.MOST_DESCRIPTORS)
                if not data:
                    raise HelperError(self._why_ended)
                self._why_ended = _ENDED
                content += data[1:]
            answer: dict[str, Any] = json.loads(content)
            if answer.pop("number") == self._number:
                return answer, handed
            # Of a request that was given up, by Ctrl-C.
            for descriptor in handed:
                os.close(descriptor)


_started: Helper | None = None


def start() -> Helper:
    """This process' helper, started where it is not yet. HelperError where it cannot be."""
    global _started
    if _started is None:
        if os.geteuid() == 0:
            _started = Helper([sys.executable, "-I", "-S", str(HELPER), BY_ROOT], {})
        else:
            program = os.environ[BY_SUDO]
            _started = Helper(["sudo", "-n", "--", program], os.environ, _UNHEARD.format(program=program))
    return _started


def helper() -> Helper | None:
    """This process' helper; None where there is none, and nobody here may start one."""
    if _started is not None:
        return _started
    if sys.platform != "linux" or not (os.geteuid() == 0 or os.environ.get(BY_SUDO)):
        return None
    return start()


def let_go() -> None:
    """In a process that was forked: it is none of its business."""
    global _started
    if _started is not None:
        _started.close()
        _started = None
