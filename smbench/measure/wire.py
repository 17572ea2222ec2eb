"""The wire of a run: what its connections sent, captured by tcpdump beside the run itself.

Two marks, datagrams to the server's discard port (RFC 863), keep the run's own traffic apart from
mounting, preparing and warming. tcpdump is behind what it captures, so each mark is waited for until it
stands in the file: then all that was sent before it stands there too.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import socket
import subprocess
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from smbench.errors import SetupError
from smbench.measure.tcpdump import RAW, SAID, Route, Tcpdump, find_program, start_tcpdump
from smbench.privileged.capturing import DISCARD_PORT
from smbench.run.store import WIRE
from smbench.run.surroundings import Wire
from smbench.scratch import PREFIX, make_scratch

_START_S = 10.0
_MARK_S = 10.0
_REPEAT_S = 0.5
_LOOK_S = 0.02
_CHUNK = 1 << 22
_FOLDER = Path("/var/tmp")
"""On disk, where captures fit, and where AppArmor's profile for tcpdump lets it write (names in .pcap;
nothing beneath a hidden folder of a home)."""


def find_route(server: str, port: int) -> Route:
    """Ask the resolver and the kernel. SetupError where there is no way to the server."""
    try:
        found = socket.getaddrinfo(server, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise SetupError(
            f"cannot capture the traffic with {server}: it cannot be resolved ({error})"
        ) from None
    addresses = tuple(dict.fromkeys(str(address[4][0]) for address in found))
    try:
        said = subprocess.run(
            [find_program("ip"), "-j", "route", "get", addresses[0]],
            capture_output=True, text=True, check=True, timeout=_START_S,
        )  # fmt: skip
        return Route(addresses, parse_route(said.stdout))
    except (subprocess.SubprocessError, ValueError):
        raise SetupError(
            f"cannot capture the traffic with {server}: the kernel has no route to {addresses[0]}"
        ) from None


def parse_route(text: str) -> str:
    """The interface in what `ip -j route get` says. ValueError where it names none."""
    document = json.loads(text)
    try:
        return str(document[0]["dev"])
    except (LookupError, TypeError):
        raise ValueError(f"no route in {text!r}") from None


_COUNTED = {
    "captured": re.compile(r"^(\d+) packets? captured", re.MULTILINE),
    "received": re.compile(r"^(\d+) packets? received by filter", re.MULTILINE),
    "dropped": re.compile(r"^(\d+) packets? dropped by kernel", re.MULTILINE),
    "dropped_by_interface": re.compile(r"^(\d+) packets? dropped by interface", re.MULTILINE),
}


def parse_summary(text: str) -> dict[str, int]:
    """tcpdump's last words. `received` counts a packet twice on the loopback, where it goes out and
    comes in; `dropped` is what the kernel had no room for: what is not in the file."""
    found = {name: pattern.search(text) for name, pattern in _COUNTED.items()}
    return {name: int(match[1]) for name, match in found.items() if match}


@dataclass(slots=True)
class WireCapture:
    """One capture under way. `capture_wire` starts and ends it."""

    route: Route
    filter: str
    _folder: Path
    _tcpdump: Tcpdump
    marks: list[int] = field(default_factory=list)
    """When each mark was sent, nanoseconds since 1970."""
    packets: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    _searched: int = 0

    @property
    def raw(self) -> Path:
        """The file that tcpdump writes."""
        return self._folder / RAW

    def mark(self) -> int:
        """Mark this moment on the wire, and wait until all before it stands in the file. The time of the
        mark comes back; that it did not come through is noted, and no error."""
        sign = f"smbench-mark {uuid.uuid4().hex}".encode("ascii")
        sent_ns = time.time_ns()
        give_up = time.monotonic() + _MARK_S
        while time.monotonic() < give_up and self._tcpdump.lives:
            self._send(sign)
            again = time.monotonic() + _REPEAT_S
            while time.monotonic() < again:
                if self._stands(sign):
                    self.marks.append(sent_ns)
                    return sent_ns
                time.sleep(_LOOK_S)
        self.notes.append(
            f"a mark did not come through within {_MARK_S:g} s: the last packets before it may be missing"
        )
        self.marks.append(sent_ns)
        return sent_ns

    def describe(self) -> Wire:
        """What a run says of it; the window is from the first mark to the last."""
        return Wire(
            file=WIRE,
            interface=self.route.interface,
            addresses=tuple(self.route.addresses),
            filter=self.filter,
            window_ns=(self.marks[0], self.marks[-1]) if len(self.marks) > 1 else None,
            packets=self.packets,
            notes=tuple(self.notes),
        )

    def _send(self, sign: bytes) -> None:
        address = self.route.addresses[0]
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as sender:
            sender.sendto(sign, (address, DISCARD_PORT))

    def _stands(self, sign: bytes) -> bool:
        with self.raw.open("rb") as file:
            file.seek(max(0, self._searched - len(sign)))
            while chunk := file.read(_CHUNK):
                end = file.tell()
                if sign in chunk:
                    self._searched = end
                    return True
                self._searched = end
                if len(chunk) == _CHUNK:
                    file.seek(end - len(sign))
        return False

    def _end(self) -> str:
        """End the capture; what tcpdump said."""
        self._tcpdump.end()
        return _said(self._folder)


@contextlib.contextmanager
def capture_wire(server: str, port: int, output: Path, folder: Path | None = None) -> Iterator[WireCapture]:
    """Capture what goes to and from `server`'s SMB port for as long as the block lasts; then `output` is
    a pcapng file (none where the block raises). `folder` takes the raw capture meanwhile.

    Needs root, or the right to capture. Raises SetupError where tcpdump does not start.
    """
    editcap = find_program("editcap")
    route = find_route(server, port)
    scratch = make_scratch(f"{PREFIX}wire-", folder or _scratch())
    capture: WireCapture | None = None
    try:
        capture = WireCapture(route, route.filter(port), scratch, start_tcpdump(route, port, scratch))
        _await_start(capture, scratch)
        yield capture
        said = capture._end()
        capture.packets = parse_summary(said)
        if capture.packets.get("dropped"):
            capture.notes.append(
                f"the kernel dropped {capture.packets['dropped']:,} packets that tcpdump was too slow for"
            )
        if not capture.packets:
            capture.notes.append(f"tcpdump ended before the run did: {_last_line(said)}")
        _convert(editcap, capture.raw, output)
    finally:
        if capture is not None:
            capture._end()
        shutil.rmtree(scratch, ignore_errors=True)


def _scratch() -> Path | None:
    return _FOLDER if _FOLDER.is_dir() and os.access(_FOLDER, os.W_OK) else None


def _await_start(capture: WireCapture, folder: Path) -> None:
    give_up = time.monotonic() + _START_S
    while "listening on" not in _said(folder):
        if not capture._tcpdump.lives or time.monotonic() > give_up:
            raise SetupError(
                f"tcpdump cannot capture on {capture.route.interface}: {_last_line(_said(folder))}; "
                "capturing needs root"
            )
        time.sleep(_LOOK_S)


def _said(folder: Path) -> str:
    return (folder / SAID).read_text(encoding="utf-8", errors="replace")


def _last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1].removeprefix("tcpdump: ") if lines else "it said nothing"


def _convert(editcap: str, raw: Path, output: Path) -> None:
    done = subprocess.run([editcap, "-F", "pcapng", raw, output], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SetupError(f"cannot write {output}: {_last_line(done.stderr)}")
