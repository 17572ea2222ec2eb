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
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import IO

from smbench.errors import SetupError, UsageError
from smbench.trace.model import Command

_OLDEST = (3, 6)
_SCRIPT = "pdus.lua"
_PAYLOAD_LIMIT = 128
"""Bytes of a READ response or WRITE request that are taken over: header and fixed part, no data."""
_LISTING_LIMIT = 9 << 20
"""More than the largest transaction that servers offer (8 MiB)."""
_ERROR_BYTES = 8192

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
class Dissection:
    """What decoding needs to be told: ports beside 445 and 139, and keys."""

    ports: tuple[int, ...] = ()
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
def profile(dissection: Dissection) -> Iterator[Path]:
    """A private configuration directory for tshark runs, gone afterwards with the keys in it."""
    folder = Path(tempfile.mkdtemp(prefix="smbench-tshark-"))
    try:
        (folder / _SCRIPT).write_text(_limits() + (resources.files(__package__) / _SCRIPT).read_text())
        (folder / "preferences").write_text(_preferences(dissection))
        if dissection.session_keys:
            rows = "".join(",".join(row) + "\n" for row in dissection.session_keys)
            (folder / "smb2_seskey_list").write_text(rows)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _limits() -> str:
    return "LIMITS = {" + ", ".join(f"[{key}] = {limit}" for key, limit in LIMITS.items()) + "}\n"


def _preferences(dissection: Dissection) -> str:
    preferences = dict(_PREFERENCES)
    if dissection.ports:
        preferences["nbss.tcp.port"] = ",".join(map(str, (139, 445, *dissection.ports)))
    if dissection.nt_password is not None:
        preferences["ntlmssp.nt_password"] = dissection.nt_password
    if dissection.keytab is not None:
        preferences["kerberos.decrypt"] = "TRUE"
        preferences["kerberos.file"] = str(dissection.keytab.resolve())
    return "".join(f"{name}: {value}\n" for name, value in preferences.items())


class Run:
    """One tshark over one capture: an iterator over its lines; a context manager that leaves no process.

    `source` is a file, or the reading end of a pipe that carries a capture.
    """

    def __init__(self, source: Path | IO[bytes], configuration: Path) -> None:
        stdin: int | IO[bytes] = subprocess.DEVNULL if isinstance(source, Path) else source
        file = str(source) if isinstance(source, Path) else "-"
        self._name = file if isinstance(source, Path) else "the capture"
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the run; a pipe could fill and hang
        argv = [
            find_tshark().path, "-n", "-q", "-X", f"lua_script:{configuration / _SCRIPT}",
            "-r", file,
        ]  # fmt: skip
        environment = {**os.environ, "WIRESHARK_CONFIG_DIR": str(configuration), "LC_ALL": "C.UTF-8"}
        self._process = subprocess.Popen(
            argv,
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            bufsize=1 << 20,
            env=environment,
        )

    @property
    def pid(self) -> int:
        return self._process.pid

    def __enter__(self) -> Run:
        return self

    def __exit__(self, *exception: object) -> None:
        self._process.kill()
        self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._errors.close()

    def __iter__(self) -> Iterator[bytes]:
        """The lines, without their ends; a UsageError after them where tshark could not read the file."""
        assert self._process.stdout is not None
        complete = False
        for line in self._process.stdout:
            complete = line[:2] == b"Z\t"
            yield line[:-1]
        status = self._process.wait()
        # tshark ends with 2 on a capture cut short in the middle of a packet, after all that is before it.
        if not complete:
            raise UsageError(f"cannot read {self._name}: {self.complaint() or f'tshark ended with {status}'}")

    def complaint(self) -> str:
        """What tshark had to say on stderr, in one line."""
        self._errors.seek(0)
        lines = self._errors.read(_ERROR_BYTES).decode("utf-8", "replace").splitlines()
        said = [line.strip() for line in lines if line.strip() and "Running as user" not in line]
        return " ".join(said)[:400]
