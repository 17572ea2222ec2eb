"""tcpdump, which needs the right to capture: the helper's, or where there is none this user's own."""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from smbench.advice import how_to_install
from smbench.errors import SetupError
from smbench.privileged.capturing import capture_command, capture_filter
from smbench.privileged.client import Helper, helper

SAID = "said"
RAW = "wire.pcap"
"""Files in a capture's folder: what tcpdump says, and what it captures."""
_END_S = 10.0
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True, slots=True)
class Route:
    """How packets to a server leave: its addresses, and the interface of the first."""

    addresses: tuple[str, ...]
    interface: str

    def filter(self, port: int) -> str:
        """The BPF filter: SMB with the server, and the marks."""
        return capture_filter(self.addresses, port)


class Tcpdump(Protocol):
    """One that was started."""

    @property
    def lives(self) -> bool:
        """Whether it goes on."""
        ...

    def end(self) -> None:
        """Have it write what it has, and end; more than once does no harm."""
        ...


def start_tcpdump(route: Route, port: int, folder: Path) -> Tcpdump:
    """Of what goes to and from a server's port, into RAW in `folder`, and what it says into SAID. SetupError
    where it does not start."""
    mounts = helper()
    with (folder / RAW).open("wb") as out, (folder / SAID).open("wb") as said:
        if mounts is None:
            return _Own(route, port, out.fileno(), said.fileno())
        return _OfHelper(mounts, route, port, out.fileno(), said.fileno())


class _OfHelper:
    def __init__(self, mounts: Helper, route: Route, port: int, out: int, said: int) -> None:
        self._helper = mounts
        addresses = [address.partition("%")[0] for address in route.addresses]
        mounts.ask("capture", out, said, interface=route.interface, addresses=addresses, port=port)

    @property
    def lives(self) -> bool:
        return bool(self._helper.ask("capture_lives")["lives"])

    def end(self) -> None:
        self._helper.ask("capture_end")


class _Own:
    def __init__(self, route: Route, port: int, out: int, said: int) -> None:
        libc = ctypes.CDLL(None)
        self._process = subprocess.Popen(
            capture_command(find_program("tcpdump"), route.interface, route.filter(port)),
            stdin=subprocess.DEVNULL, stdout=out, stderr=said,
            # Ctrl-C at the terminal stops the run, and only then the capture.
            start_new_session=True,
            preexec_fn=lambda: libc.prctl(_PR_SET_PDEATHSIG, signal.SIGINT, 0, 0, 0),
        )  # fmt: skip

    @property
    def lives(self) -> bool:
        return self._process.poll() is None

    def end(self) -> None:
        if self.lives:
            self._process.send_signal(signal.SIGINT)
            try:
                self._process.wait(_END_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()


def find_program(name: str) -> str:
    """Where a program is that capturing a run needs. SetupError where it is not."""
    # sbin is not in an ordinary user's PATH, and tcpdump stood there until Debian 11.
    found = shutil.which(name, path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin")
    if found is None:
        raise SetupError(f"{name} is missing, which capturing a run needs: {how_to_install(name)}")
    return found
