"""The wire of a run on Windows: by dumpcap, where Wireshark is installed, else by the system's own pktmon.

The marks are those of `measure.wire`. dumpcap's file shows them, as tcpdump's does; pktmon's trace can be
read only after its end, so that there the end is waited for by the clock. pktmon needs an administrator,
dumpcap only where Npcap was installed so.
"""

from __future__ import annotations

import contextlib
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from smbench.errors import SetupError
from smbench.privileged.capturing import DISCARD_PORT, capture_filter
from smbench.run.store import WIRE
from smbench.run.surroundings import Wire
from smbench.scratch import PREFIX, make_scratch

_START_S, _END_S, _SETTLE_S = 15.0, 15.0, 1.0
_LOOK_S = 0.05
_MARK_S = 5.0
_DUMPCAP_PLACES = (r"C:\Program Files\Wireshark", r"C:\Program Files (x86)\Wireshark")
_NEW_GROUP = getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)
"""Ctrl-C at the console stops the run, and only then the capture."""


@dataclass(slots=True)
class WindowsCapture:
    """One capture under way."""

    program: str
    interface: str
    addresses: tuple[str, ...]
    raw: Path | None
    """The file to look for marks in; None where it cannot be read yet."""
    marks: list[int] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def mark(self) -> int:
        """Mark this moment on the wire; its time in nanoseconds since 1970."""
        sign = f"smbench-mark {len(self.marks)} {time.time_ns()}".encode("ascii")
        sent_ns = time.time_ns()
        family = socket.AF_INET6 if ":" in self.addresses[0] else socket.AF_INET
        with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as sender:
            sender.sendto(sign, (self.addresses[0], DISCARD_PORT))
        self.marks.append(sent_ns)
        if self.raw is None:
            time.sleep(_SETTLE_S)
        elif not _stands(self.raw, sign):
            self.notes.append("a mark did not come through: the last packets before it may be missing")
        return sent_ns

    def describe(self) -> Wire:
        """What a run says of it, as of `measure.wire`'s."""
        return Wire(
            file=WIRE,
            interface=self.interface,
            addresses=tuple(self.addresses),
            filter=self.program,
            window_ns=(self.marks[0], self.marks[-1]) if len(self.marks) > 1 else None,
            notes=tuple(self.notes),
        )


@contextlib.contextmanager
def capture_wire(
    server: str, port: int, output: Path, folder: Path | None = None
) -> Iterator[WindowsCapture]:
    """Capture what goes to and from `server`'s SMB port while the block lasts; then `output` is a pcapng
    file (none where the block raises). Raises SetupError where nothing here can capture."""
    addresses = _addresses(server, port)
    dumpcap = find_dumpcap()
    pktmon = shutil.which("pktmon")
    scratch = make_scratch(f"{PREFIX}wire-", folder)
    try:
        if dumpcap is not None:
            with _by_dumpcap(dumpcap, addresses, port, scratch) as capture:
                yield capture
            shutil.move(scratch / WIRE, output)
        elif pktmon is not None:
            with _by_pktmon(pktmon, addresses, port, scratch) as capture:
                yield capture
            shutil.move(scratch / WIRE, output)
        else:
            raise SetupError(
                "there is neither dumpcap nor pktmon here, and capturing a run needs one: install Wireshark."
            )
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


@contextlib.contextmanager
def _by_dumpcap(
    dumpcap: str, addresses: tuple[str, ...], port: int, folder: Path
) -> Iterator[WindowsCapture]:
    interface = local_interface(addresses[0])
    listed = _run([dumpcap, "-D"])
    number = interface_number(listed, interface)
    if number is None:
        raise SetupError(f"dumpcap does not know the interface {interface}: is Npcap installed?")
    raw = folder / WIRE
    arguments = ["-q", "-i", str(number), "-f", capture_filter(addresses, port), "-w", str(raw)]
    process = subprocess.Popen(
        [dumpcap, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL, creationflags=_NEW_GROUP,
    )  # fmt: skip
    try:
        _await(lambda: raw.exists() or process.poll() is not None)
        if process.poll() is not None:
            raise SetupError(f"dumpcap cannot capture on {interface}; does it need an administrator?")
        yield WindowsCapture("dumpcap", interface, addresses, raw)
    finally:
        # Blocks are written whole: the file is good wherever it ends.
        process.terminate()
        process.wait(_END_S)


@contextlib.contextmanager
def _by_pktmon(pktmon: str, addresses: tuple[str, ...], port: int, folder: Path) -> Iterator[WindowsCapture]:
    trace = folder / "wire.etl"
    for arguments in pktmon_start(addresses, port, trace):
        _run([pktmon, *arguments])
    try:
        yield WindowsCapture("pktmon", "all network adapters", addresses, None)
    finally:
        for arguments in PKTMON_END:
            with contextlib.suppress(SetupError):
                _run([pktmon, *arguments])
    _run([pktmon, "etl2pcap", str(trace), "--out", str(folder / WIRE)])


def pktmon_start(addresses: Sequence[str], port: int, trace: Path) -> list[list[str]]:
    """What starts a trace of SMB with a server, and of the marks. Pure."""
    filters = [
        ["filter", "add", f"smbench-{kind}", "-i", address, "-t", kind, "-p", str(number)]
        for address in addresses
        for kind, number in (("TCP", port), ("UDP", DISCARD_PORT))
    ]
    begin = ["start", "--capture", "--comp", "nics", "--pkt-size", "0", "--file-name", str(trace)]
    return [["filter", "remove"], *filters, begin]


PKTMON_END = (["stop"], ["filter", "remove"])


def find_dumpcap() -> str | None:
    """dumpcap in the path, or where Wireshark's installer puts it."""
    return shutil.which("dumpcap") or next(
        (found for place in _DUMPCAP_PLACES if (found := shutil.which("dumpcap", path=place))), None
    )


_INTERFACE = re.compile(r"^(\d+)\. (\S+)(?: \((.*)\))?\s*$", re.MULTILINE)


def interface_number(listed: str, name: str) -> int | None:
    """The number of an interface in what `dumpcap -D` lists, by its name for people. Pure."""
    for number, device, friendly in _INTERFACE.findall(listed):
        if name in (friendly, device):
            return int(number)
    return None


def local_interface(address: str) -> str:
    """The name of the interface that packets to an address leave by. SetupError where there is none."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as asking:
        try:
            asking.connect((address, DISCARD_PORT))  # sends nothing
        except OSError as error:
            raise SetupError(f"cannot capture the traffic with {address}: {error.strerror}.") from None
        own = asking.getsockname()[0]
    for name, known in psutil.net_if_addrs().items():
        if any(entry.address.partition("%")[0] == own for entry in known):
            return str(name)
    raise SetupError(f"cannot capture the traffic with {address}: no interface has the address {own}.")


def _addresses(server: str, port: int) -> tuple[str, ...]:
    try:
        found = socket.getaddrinfo(server, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise SetupError(
            f"cannot capture the traffic with {server}: it cannot be resolved ({error})."
        ) from None
    return tuple(dict.fromkeys(str(address[4][0]) for address in found))


def _run(command: Sequence[str]) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_START_S, check=False)
    except (OSError, subprocess.SubprocessError) as error:
        raise SetupError(f"{Path(command[0]).stem} does not run: {error}.") from None
    if done.returncode:
        words = (done.stderr or done.stdout).strip().splitlines() or ["it said nothing"]
        raise SetupError(
            f"{Path(command[0]).stem} {command[1]} failed: {words[-1]}; does it need an administrator?"
        )
    return done.stdout


def _await(condition: Any) -> None:
    give_up = time.monotonic() + _START_S
    while not condition() and time.monotonic() < give_up:
        time.sleep(_LOOK_S)


def _stands(raw: Path, sign: bytes) -> bool:
    """Whether the mark is in the file, waiting for it a while; only the end is read again and again."""
    give_up, read = time.monotonic() + _MARK_S, 0
    while time.monotonic() < give_up:
        with raw.open("rb") as file:
            file.seek(max(0, read - len(sign)))
            if sign in file.read():
                return True
            read = file.tell()
        time.sleep(_LOOK_S)
    return False
