"""All that root does for smbench-mount: mounts in a folder of its own, their end, the capture of a run.

    python -I -S helper.py [root]       requests come at its standard input, a SOCK_SEQPACKET of unix(7)

A program of its own, which loads nothing but the standard library and the few modules of this package that
need no more: it can be read whole. A request is a JSON object: its `number`, what to `do` (a method of `Runs`
or `Access`) and that method's arguments. So is the answer, with the same number, and an `error` where it was
refused or failed. Whoever asks first is the only one who may; which process, user and group it is the kernel
says with each request, never the request. `root` says that root started it by itself; else sudo did, and it
works for nobody but who called that. It ends when nobody is left to ask.
"""

from __future__ import annotations

import array
import contextlib
import json
import os
import resource
import signal
import socket
import struct
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

# Behind the standard library, whose names nothing there may take.
sys.path.append(str(Path(__file__).resolve().parents[2]))

from smbench.privileged import packets
from smbench.privileged.access import Access
from smbench.privileged.runs import Runs
from smbench.privileged.system import BY_ROOT, Caller, RefusedError

REQUESTS = {
    Runs: ("client", "begin", "mount", "umount", "end", "states"),
    Access: ("open_files", "lock", "read", "capture", "capture_lives", "capture_end"),
}
_CREDENTIALS = struct.Struct("3i")
"""struct ucred: pid, uid, gid."""

Credentials = tuple[int, ...]


class Helper:
    """The requests of one process, one after the other."""

    def __init__(self, asked: socket.socket, only: int | None) -> None:
        self._asked = asked
        self._caller = Caller(-1, -1, -1, only)
        self._access = Access(self._caller)
        does: list[Any] = [Runs(self._caller, asked), self._access]
        self._does: dict[str, Callable[..., dict[str, Any] | int]] = {
            name: getattr(one, name) for one in does for name in REQUESTS[type(one)]
        }

    def serve(self) -> None:
        """Until nobody is left to ask."""
        self._asked.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        try:
            while (request := self._received()) is not None:
                self._answer(*request)
        finally:
            self._access.capture_end()

    def _received(self) -> tuple[bytes, list[int], Credentials] | None:
        """The next request, whoever sent it; None: nobody is left to send one."""
        content, senders = bytearray(), set[Credentials]()
        while True:
            data, descriptors, credentials = self._packet()
            if not data:
                return None
            senders.add(credentials)
            if len(content) <= packets.MOST_BYTES:
                content += data[1:]
            if data[:1] != packets.MORE:
                break
            for descriptor in descriptors:  # they come with the last one
                os.close(descriptor)
        whole = data[:1] == packets.LAST and len(content) <= packets.MOST_BYTES
        # Of several senders it is nobody's.
        return bytes(content) if whole else b"", descriptors, credentials if len(senders) == 1 else ()

    def _packet(self) -> tuple[bytes, list[int], Credentials]:
        room = socket.CMSG_SPACE(_CREDENTIALS.size) + socket.CMSG_SPACE(4 * packets.MOST_DESCRIPTORS)
        try:
            data, others, _, _ = self._asked.recvmsg(1 + packets.PIECE, room, socket.MSG_CMSG_CLOEXEC)
        except ConnectionResetError:
            return b"", [], ()
        descriptors, credentials = array.array("i"), Credentials()
        for _, kind, value in others:
            if kind == socket.SCM_RIGHTS:
                descriptors.frombytes(value[: len(value) - len(value) % descriptors.itemsize])
            elif kind == socket.SCM_CREDENTIALS:
                credentials = _CREDENTIALS.unpack(value[: _CREDENTIALS.size])
        return data, list(descriptors), credentials

    def _answer(self, data: bytes, descriptors: list[int], credentials: Credentials) -> None:
        number, handed = None, []
        try:
            request = json.loads(data)
            number = request.pop("number")
            self._admit(credentials)
            answer = self._does[request.pop("do")](*descriptors, **request)
            if isinstance(answer, int):
                handed, answer = [answer], {}
        except RefusedError as error:
            answer = {"error": str(error)}
        except OSError as error:
            answer = {"error": str(error.strerror or error), "errno": error.errno}
        except Exception as error:  # whatever it was that came: it is refused, and the next one is heard
            answer = {"error": f"that is no request ({type(error).__name__}: {error})"}
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            packets.send(self._asked, json.dumps({"number": number, **answer}).encode(), handed)
        for descriptor in (*descriptors, *handed):
            os.close(descriptor)

    def _admit(self, credentials: Credentials) -> None:
        pid, uid, gid = credentials or (0, 0, 0)
        if pid <= 0:  # sent before the kernel was asked to say
            raise RefusedError("the kernel does not say who asks")
        if self._caller.only not in (None, uid):
            raise RefusedError("this helper works for the user who called it by sudo")
        if self._caller.pid not in (-1, pid):
            raise RefusedError("this helper works for one process, and that is another")
        self._caller.pid, self._caller.uid, self._caller.gid = pid, uid, gid


def main() -> None:
    """As root, with nothing of the caller's surroundings."""
    if os.geteuid() != 0:
        sys.exit("this part of smbench-mount mounts and captures, which takes root")
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, signal.SIG_IGN)  # it ends when whoever asks does
    only = None if sys.argv[1:] == [BY_ROOT] else os.environ.get("SUDO_UID", "")
    if only is not None and not only.isdecimal():
        sys.exit("nobody says for whom this is: sudo does, by SUDO_UID")
    os.environ.clear()
    os.chdir("/")
    os.umask(0o022)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with socket.socket(fileno=0) as asked:
        Helper(asked, None if only is None else int(only)).serve()


if __name__ == "__main__":
    main()
