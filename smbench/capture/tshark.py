"""tshark as a process: found, checked, and started so that it can do no harm.

It parses strangers' bytes with millions of lines of C, so it is never root: started by root it runs as
whoever called sudo, else as nobody (`smbench.identity`). What it reads is opened for it and is its standard
input, so that a capture which only root may read is read all the same. It works in a private folder (mode
0700), which is its configuration too: what the user's own Wireshark profile says and which plug-ins it has
never matters, and keys never stand in argv.

What differs by version, as far as it matters here (4.0.17, 4.2.2, 4.4.19 and 4.6.9 were tried, with the
decoder's tests):

    from 4.2    as root no Lua script is run (4.0 runs it)
    from 4.2    with tcp.reassemble_out_of_order a connection may end where nothing is lost
    from 4.4    Lua is 5.4, not 5.2: a number may be a float
    from 4.4    user names are found in Kerberos by way of the server (IAKERB, as macOS clients use it)
    from 4.6    --version says `+Lua`, not `with Lua`; PDML shows absolute times as ISO 8601
    from 4.6    that it cannot write is told as `Success`, whatever the reason
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import IO, Any

from smbench.advice import MORE_PROCESSES, how_to_install
from smbench.capture.disk import cannot_write
from smbench.capture.formats import no_capture
from smbench.errors import SetupError, SmbenchError
from smbench.identity import ordinary_user
from smbench.signals import deferred

_OLDEST = (3, 6)
_KEPT = ("PATH", "LD_LIBRARY_PATH", "SYSTEMROOT", "TEMP", "TMP")
"""Of the environment: what a program needs to start, and nothing that may be secret."""
_ERROR_BYTES = 8192
_QUICK_S = 60

_PREFERENCES = {
    "tcp.reassemble_out_of_order": "FALSE",
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

    def __str__(self) -> str:
        user = ordinary_user()
        return f"tshark {self.version} at {self.path}" + (f", as {user.name}" if user else "")


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys that decoding was given."""

    nt_password: str | None = None
    keytab: Path | None = None
    session_keys: tuple[tuple[str, ...], ...] = ()
    """Rows of Wireshark's table `smb2_seskey_list`: session id (wire hex), session key, S2C key, C2S key."""


_LUA = re.compile(r"(?:with|\+)\s*Lua")
"""How a tshark says that it was built with Lua: `+Lua` from 4.6 on."""


@cache
def find_tshark() -> Tshark:
    """The tshark of this machine; SetupError where there is none, or none that has Lua."""
    path, mend = _path(), f"try: {how_to_install('tshark')}"
    if path is None:
        raise SetupError(f"tshark is not installed, and this capture cannot be read without it; {mend}")
    try:
        shown = subprocess.run(
            [path, "--version"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            timeout=_QUICK_S,
            check=False,
            **_harmless(Path(os.sep)),
        )
    except (OSError, subprocess.SubprocessError) as error:
        if getattr(error, "errno", None) == errno.EAGAIN:
            mend = MORE_PROCESSES
        raise SetupError(f"tshark at {path} does not start: {error}; {mend}") from None
    found = re.search(r"(\d+)\.(\d+)\.(\d+)", shown.stdout)
    if not found:
        raise SetupError(f"tshark at {path} does not say its version: {shown.stderr.strip()[:200]}; {mend}")
    version = found.group(0)
    if (int(found[1]), int(found[2])) < _OLDEST:
        raise SetupError(f"tshark at {path} is {version}, older than {_OLDEST[0]}.{_OLDEST[1]}; {mend}")
    if not _LUA.search(shown.stdout):
        raise SetupError(f"tshark at {path} was built without Lua, which decoding needs; {mend}")
    return Tshark(path, version)


def _path() -> str | None:
    # Not by pyshark, which lets a config.ini of the current folder name the program to be run.
    places = [os.environ.get("PATH", os.defpath)]
    if sys.platform == "win32":
        places += [str(Path(os.environ[name], "Wireshark")) for name in _WINDOWS_PLACES if name in os.environ]
    return shutil.which("tshark", path=os.pathsep.join(places))


_WINDOWS_PLACES = ("ProgramFiles", "ProgramFiles(x86)")


@contextlib.contextmanager
def private_folder(files: Mapping[str, str | bytes], preferences: Mapping[str, str]) -> Iterator[Path]:
    """A folder with `files` and tshark's `preferences` for whom tshark runs as alone; gone afterwards.

    SetupError where there is no place for it.
    """
    lines = {**_PREFERENCES, **preferences}
    texts = {**files, "preferences": "".join(f"{name}: {value}\n" for name, value in lines.items())}
    folder = Path(tempfile.mkdtemp(prefix="smbench-tshark-"))
    try:
        _write(folder, texts)
        yield folder
    finally:
        with deferred():  # there may be passwords in it
            shutil.rmtree(folder, ignore_errors=True)


def _write(folder: Path, files: Mapping[str, str | bytes]) -> None:
    user = ordinary_user()
    try:
        for name, content in files.items():
            (folder / name).touch(mode=0o600)
            (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
            if user:
                os.chown(folder / name, user.uid, user.gid)
        if user:
            os.chown(folder, user.uid, user.gid)
    except OSError as error:
        what, number = f"tshark's settings in {folder.parent}", error.errno or 0
        raise cannot_write(folder, what, number, str(error), "name another place in TMPDIR") from None


def _harmless(folder: Path) -> dict[str, Any]:
    """Arguments for subprocess: an ordinary user, at home and configured in `folder`, with nothing else."""
    environment = {name: os.environ[name] for name in _KEPT if name in os.environ}
    # By the working directory: it is entered before rights are given up, so that the folders above need not
    # be open to that user. HOME, because plug-ins are looked for there whatever the configuration is.
    environment |= {"HOME": str(folder), "WIRESHARK_CONFIG_DIR": os.curdir, "LC_ALL": "C.UTF-8"}
    user = ordinary_user()
    return {"cwd": folder, "env": environment, **(user.process() if user else {})}


@contextlib.contextmanager
def running(
    arguments: Sequence[str],
    capture: IO[bytes],
    folder: Path,
    errors: IO[bytes],
    out: IO[bytes] | int = subprocess.PIPE,
) -> Iterator[subprocess.Popen[bytes]]:
    """tshark over an open capture, from its current place on, and none any more behind it; `folder` is a
    `private_folder`, and names in it are given without a path. SetupError where it does not start."""
    tshark, process = find_tshark(), None
    try:
        with deferred():  # else a signal leaves a process behind that nobody knows yet
            process = subprocess.Popen(
                [tshark.path, "-n", *arguments, "-r", "-"],
                stdin=capture,
                stdout=out,
                stderr=errors,
                bufsize=1 << 20,
                **_harmless(folder),
            )
        yield process
    except (OSError, subprocess.SubprocessError) as error:
        if process is not None:
            raise
        raise SetupError(f"cannot start {tshark}: {getattr(error, 'strerror', None) or error}") from None
    finally:
        if process is not None:
            process.kill()
            process.wait()
            if process.stdout is not None:
                process.stdout.close()


def ask(arguments: Sequence[str], capture: Path) -> bytes:
    """What tshark prints of a capture: for single questions.

    UsageError where it takes the file for no capture, SetupError where it does not work.
    """
    with private_folder({}, {}) as folder, tempfile.TemporaryFile() as errors, capture.open("rb") as file:
        with running(arguments, file, folder, errors) as process:
            shown, _ = process.communicate()
        _check(process.returncode, complaint(errors), capture, bool(shown))
        return shown or b""


def convert(capture: Path, out: IO[bytes], format_name: str = "pcapng") -> bool:
    """Write what tshark reads of a capture to `out`; whether that is the whole of it.

    UsageError where it takes the file for no capture, SetupError where it does not work or `out` is full.
    """
    with private_folder({}, {}) as folder, tempfile.TemporaryFile() as errors, capture.open("rb") as file:
        with running(["-w", "-", "-F", format_name], file, folder, errors, out) as process:
            status = process.wait()
        said = complaint(errors)
        if _UNWRITTEN.search(said):
            raise cannot_write(Path(out.name).parent, f"what tshark reads of {capture}", _why(out), said)
        _check(status, said, capture, bool(os.fstat(out.fileno()).st_size))
        return status == 0


def _why(out: IO[bytes]) -> int:
    """The error number of writing there; 0: there is none. Not by what tshark says: 4.6 says `Success`."""
    try:
        os.write(out.fileno(), b"\0")
    except OSError as error:
        return error.errno or 0
    return 0


_UNWRITTEN = re.compile(
    "could(?:n't| not)? be written|no space left|error occurred while writing", re.IGNORECASE
)
"""How tshark says that it could not write."""
_BREAKS = re.compile("cut short|damaged or corrupt")
"""How it says that a capture is good up to some place."""


def _check(status: int, said: str, capture: Path, shown: bool) -> None:
    """An error where tshark ended with `status` for another reason than that the capture breaks off behind
    what was `shown`."""
    if status and not (shown and status > 0 and _BREAKS.search(said)):
        raise failure(capture, status, said)


def complaint(errors: IO[bytes]) -> str:
    """What tshark had to say on stderr, in one line."""
    errors.seek(0)
    lines = errors.read(_ERROR_BYTES).decode("utf-8", "replace").splitlines()
    said = [line.strip() for line in lines if line.strip() and "Running as user" not in line]
    return " ".join(said)[:400]


def failure(capture: Path | str, status: int, said: str) -> SmbenchError:
    """Why a tshark that ended with `status` gave nothing of an open capture: the file's fault, or its own."""
    if status > 0:
        return no_capture(capture, said or f"tshark ended with {status}")
    how = f"was ended by signal {-status}" if status else "ended without a word"
    return SetupError(
        f"{find_tshark()} {how} while it read {capture}{': ' + said if said else ''}; "
        "is there enough memory? Try --jobs 1, and smbench-mount doctor"
    )
