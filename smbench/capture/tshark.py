"""tshark as a process: found through pyshark, checked once, run with settings of its own, read line by line.

What a user's own Wireshark profile says never matters here, and keys never stand in argv: every run gets a
private configuration directory (mode 0700) with its preferences, its keys and the script.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path

from smbench.capture.formats import no_capture
from smbench.errors import SetupError
from smbench.trace.model import Command

_OLDEST = (3, 6)
_SCRIPT = "pdus.lua"
_PAYLOAD_LIMIT = 128
"""Bytes of a READ response or WRITE request that are taken over: header and fixed part, no data."""
_LISTING_LIMIT = 9 << 20
"""More than the largest transaction that servers offer (8 MiB)."""
_ERROR_BYTES = 8192
_PROGRESS_LINES = 5000

Progress = Callable[[int], None]
"""Hears how many bytes are read so far."""

LIMITS: Mapping[int, int] = {
    Command.READ * 2 + 1: _PAYLOAD_LIMIT,
    Command.WRITE * 2: _PAYLOAD_LIMIT,
    Command.QUERY_DIRECTORY * 2 + 1: _LISTING_LIMIT,
    Command.CHANGE_NOTIFY * 2 + 1: _LISTING_LIMIT,
}
"""Bytes of a message that the script writes out, by command * 2 + (1 for a response)."""

_PREFERENCES = {
    # Found three messages in 227,330 that are lost without it.
    "tcp.reassemble_out_of_order": "TRUE",
    "tcp.calculate_timestamps": "FALSE",
    "tcp.track_bytes_in_flight": "FALSE",
    "nameres.network_name": "FALSE",
    "nameres.dns_pkt_addr_resolution": "FALSE",
}


@dataclass(frozen=True, slots=True)
class Tshark:
    """A tshark that can do the work."""

    path: str
    version: str


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys that decoding was given."""

    nt_password: str | None = None
    keytab: Path | None = None
    session_keys: tuple[tuple[str, ...], ...] = ()
    """Rows of Wireshark's table `smb2_seskey_list`: session id (wire hex), session key, S2C key, C2S key."""


@cache
def find_tshark() -> Tshark:
    """The tshark of this machine; SetupError where there is none, or none that has Lua."""
    from pyshark.tshark.tshark import TSharkNotFoundException, get_process_path

    mend = "install it (Debian, Ubuntu: apt-get install tshark)"
    try:
        path = str(get_process_path())
    except TSharkNotFoundException:
        raise SetupError(f"tshark is not installed, and captures cannot be read without it: {mend}") from None
    try:
        shown = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SetupError(f"tshark at {path} does not start: {error}; {mend}") from None
    found = re.search(r"(\d+)\.(\d+)\.(\d+)", shown.stdout)
    if not found:
        raise SetupError(f"tshark at {path} does not say its version: {shown.stderr.strip()[:200]}; {mend}")
    version = found.group(0)
    if (int(found[1]), int(found[2])) < _OLDEST:
        raise SetupError(f"tshark at {path} is {version}, older than {_OLDEST[0]}.{_OLDEST[1]}: {mend}")
    if "with Lua" not in " ".join(shown.stdout.split()):
        raise SetupError(f"tshark at {path} was built without Lua, which decoding needs: {mend} with Lua")
    return Tshark(path, version)


@contextlib.contextmanager
def profile(keys: Keys) -> Iterator[Path]:
    """A private configuration directory for tshark runs, gone afterwards with the keys in it."""
    folder = Path(tempfile.mkdtemp(prefix="smbench-tshark-"))
    try:
        (folder / _SCRIPT).write_text(_limits() + (resources.files(__package__) / _SCRIPT).read_text())
        (folder / "preferences").write_text(_preferences(keys))
        if keys.session_keys:
            rows = "".join(",".join(row) + "\n" for row in keys.session_keys)
            (folder / "smb2_seskey_list").write_text(rows)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _limits() -> str:
    return "LIMITS = {" + ", ".join(f"[{key}] = {limit}" for key, limit in LIMITS.items()) + "}\n"


def _preferences(keys: Keys) -> str:
    preferences = dict(_PREFERENCES)
    if keys.nt_password is not None:
        preferences["ntlmssp.nt_password"] = keys.nt_password
    if keys.keytab is not None:
        preferences["kerberos.decrypt"] = "TRUE"
        preferences["kerberos.file"] = str(keys.keytab.resolve())
    return "".join(f"{name}: {value}\n" for name, value in preferences.items())


class Run:
    """One tshark over one capture: an iterator over its lines; a context manager that leaves no process.

    `progress` hears, now and then, how many bytes of the file are read.
    """

    def __init__(self, capture: Path, configuration: Path, ports: Iterable[int], progress: Progress) -> None:
        self._capture = capture
        self._progress = progress
        self._descriptor = ""
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the run; a pipe could fill and hang
        argv = [
            find_tshark().path,
            "-n",
            "-q",
            "-X",
            f"lua_script:{configuration / _SCRIPT}",
            "-r",
            str(capture),
        ]
        for port in ports:
            argv += ["-d", f"tcp.port=={port},nbss"]
        environment = {**os.environ, "WIRESHARK_CONFIG_DIR": str(configuration), "LC_ALL": "C.UTF-8"}
        try:
            self._process = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                bufsize=1 << 20,
                env=environment,
            )
        except OSError as error:
            self._errors.close()
            raise SetupError(f"cannot start tshark at {argv[0]}: {error.strerror}") from None

    def __enter__(self) -> Run:
        return self

    def __exit__(self, *exception: object) -> None:
        self._process.kill()
        self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._errors.close()

    def __iter__(self) -> Iterator[bytes]:
        """The lines, without their ends; after them a UsageError where tshark could not read the file."""
        assert self._process.stdout is not None
        last = b""
        for number, last in enumerate(self._process.stdout):
            if not number % _PROGRESS_LINES:
                self._progress(self._position())
            yield last[:-1]
        self._process.wait()
        if not last.startswith(b"Z\t"):
            raise no_capture(
                self._capture, self.complaint() or f"tshark ended with {self._process.returncode}"
            )

    @property
    def cut_short(self) -> bool:
        """The file ends in the middle of a packet; everything before that was read."""
        return self._process.returncode not in (None, 0)

    def complaint(self) -> str:
        """What tshark had to say on stderr, in one line."""
        self._errors.seek(0)
        lines = self._errors.read(_ERROR_BYTES).decode("utf-8", "replace").splitlines()
        said = [line.strip() for line in lines if line.strip() and "Running as user" not in line]
        return " ".join(said)[:400]

    def _position(self) -> int:
        """How far tshark has read its file; 0 where the system does not tell."""
        process = Path("/proc") / str(self._process.pid)
        try:
            if not self._descriptor:
                ours = self._capture.stat()
                for link in (process / "fd").iterdir():
                    with contextlib.suppress(OSError):
                        if os.path.samestat(link.stat(), ours):
                            self._descriptor = link.name
            return int((process / "fdinfo" / self._descriptor).read_text().split(None, 2)[1])
        except (OSError, ValueError, IndexError):
            return 0


def first_packet_time(start: bytes) -> float:
    """When the first packet of a capture was taken, in seconds since 1970, from the capture's first bytes;
    0 where they have none."""
    argv = [find_tshark().path, "-n", "-r", "-", "-c", "1", "-T", "fields", "-e", "frame.time_epoch"]
    try:
        shown = subprocess.run(argv, input=start, capture_output=True, timeout=60, check=False)
        return float(shown.stdout.split(b"\n")[0] or 0)
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return 0.0
