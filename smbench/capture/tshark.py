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
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import IO

from smbench.advice import MORE_PROCESSES, how_to_install
from smbench.capture.confinement import QUICK_S, command, not_started, surroundings
from smbench.capture.disk import cannot_write
from smbench.capture.formats import no_capture
from smbench.capture.home import Home, private_home
from smbench.capture.limits import NO_LIMITS, Limits
from smbench.capture.logons import Logon
from smbench.capture.stopped import DOCTOR, StoppedError, stopped
from smbench.capture.watch import Watch, wait
from smbench.errors import SetupError, SmbenchError
from smbench.identity import ordinary_user
from smbench.signals import deferred

_OLDEST = (3, 6)
_ERROR_BYTES = 8192
_SAID = 400
"""Characters of it that a message shows."""


@dataclass(frozen=True, slots=True)
class Tshark:
    """A tshark that can do the work."""

    path: str
    version: str

    @property
    def called(self) -> str:
        """Which one it is."""
        return f"tshark {self.version} at {self.path}"

    def __str__(self) -> str:
        user = ordinary_user()
        return self.called + (f", as {user.name}" if user else "")


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys that decoding was given."""

    nt_password: str | None = field(default=None, repr=False)
    keytab: bytes | None = field(default=None, repr=False)
    """What the file holds."""
    logons: tuple[Logon, ...] = ()
    session_keys: tuple[tuple[str, ...], ...] = field(default=(), repr=False)
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
            command(NO_LIMITS, 0, path, "--version"),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            timeout=QUICK_S,
            check=False,
            **surroundings(Path(os.sep)),
        )
    except (OSError, subprocess.SubprocessError) as error:
        if getattr(error, "errno", None) == errno.EAGAIN:
            mend = MORE_PROCESSES
        late = isinstance(error, subprocess.TimeoutExpired)
        why = f"nothing came of --version in {QUICK_S} s" if late else error
        raise SetupError(f"tshark at {path} does not start: {why}; {mend}") from None
    if refused := not_started(shown.returncode, shown.stderr.strip()):
        raise SetupError(f"tshark at {path} does not start: {refused}; {mend}")
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


class Running:
    """A tshark over an open capture: its process, what it has to say, and whether it gets on."""

    def __init__(
        self, process: subprocess.Popen[bytes], capture: IO[bytes], errors: IO[bytes], limits: Limits
    ) -> None:
        self.process = process
        self.watch = Watch(process.pid, limits.patience_s)
        self._capture, self._errors, self._limits = capture, errors, limits

    def position(self) -> int:
        """How far the capture is read: the open file is shared with tshark, and so is its place."""
        return os.lseek(self._capture.fileno(), 0, os.SEEK_CUR)

    def said(self) -> str:
        """What it had to say on stderr, in one line."""
        return complaint(self._errors)

    def wait(self, name: str, seen: Callable[[], object] = lambda: None) -> int:
        """The status that it ends with; StoppedError where it gets nowhere before. `seen` is what is to be
        seen of its work beside how far it has read."""
        if not wait(self.process, self.watch, lambda: (self.position(), seen())):
            raise self.stuck(name)
        return self.process.returncode

    def stuck(self, name: str) -> StoppedError:
        """It has got nowhere, with the capture that messages call `name`."""
        how = (
            f"has shown nothing, read nothing and used no CPU for {self.watch.patience_s:g} s, and was ended,"
        )
        return StoppedError(
            find_tshark().called, how, name, f"raise --decoder-patience, if it only waits; {DOCTOR}"
        )

    def stopped(self, name: str) -> SetupError:
        """It has ended before its time: StoppedError; or it was never there."""
        status, said = self.process.wait(), self.said()
        if refused := not_started(status, said):
            return SetupError(f"cannot start {find_tshark()}: {refused}")
        size = os.fstat(self._capture.fileno()).st_size
        return stopped(find_tshark().called, status, name, said, self._limits, size)


@contextlib.contextmanager
def running(
    arguments: Sequence[str],
    capture: IO[bytes],
    home: Home,
    out: IO[bytes] | int = subprocess.PIPE,
    limits: Limits = NO_LIMITS,
) -> Iterator[Running]:
    """tshark over an open capture, from its current place on, and none any more behind it; arguments name
    what is in its home without a path. SetupError where it does not start."""
    tshark, process = find_tshark(), None
    size = os.fstat(capture.fileno()).st_size
    with tempfile.TemporaryFile() as errors:  # a pipe could fill and hang
        try:
            with deferred():  # else a signal leaves a process behind that nobody knows yet
                process = subprocess.Popen(
                    command(limits, size, tshark.path, "-n", *arguments, "-r", "-"),
                    stdin=capture,
                    stdout=out,
                    stderr=errors,
                    bufsize=1 << 20,
                    pass_fds=home.descriptors,
                    **surroundings(home.folder),
                )
            yield Running(process, capture, errors, limits)
        except (OSError, subprocess.SubprocessError) as error:
            if process is not None:
                raise
            raise SetupError(f"cannot start {tshark}: {getattr(error, 'strerror', None) or error}") from None
        finally:
            if process is not None:
                _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        # Not after the end: its number may be another's by then.
        if sys.platform != "win32" and process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    process.wait()
    if process.stdout is not None:
        process.stdout.close()


def ask(arguments: Sequence[str], capture: Path) -> bytes:
    """What tshark prints of a capture: for single questions.

    UsageError where it takes the file for no capture, SetupError where it does not work.
    """
    name = str(capture)
    with (
        private_home({}, {}, {}) as home,
        tempfile.TemporaryFile() as out,
        capture.open("rb") as file,
        running(arguments, file, home, out) as tshark,
    ):
        status = tshark.wait(name, lambda: os.fstat(out.fileno()).st_size)
        out.seek(0)
        shown = out.read()
        _check(tshark, status, name, bool(shown))
        return shown


def convert(
    capture: Path, out: IO[bytes], format_name: str = "pcapng", *, name: str = "", limits: Limits = NO_LIMITS
) -> bool:
    """Write what tshark reads of a capture to `out`; whether that is the whole of it. `name` is what messages
    call it; its path, if there is none.

    UsageError where it takes the file for no capture, SetupError where it does not work or `out` is full.
    """
    name = name or str(capture)
    with (
        private_home({}, {}, {}) as home,
        capture.open("rb") as file,
        running(["-w", "-", "-F", format_name], file, home, out, limits) as tshark,
    ):
        status = tshark.wait(name, lambda: os.fstat(out.fileno()).st_size)
        said = tshark.said()
        if _UNWRITTEN.search(said):
            raise cannot_write(Path(out.name).parent, f"what tshark reads of {name}", _why(out), said)
        _check(tshark, status, name, bool(os.fstat(out.fileno()).st_size))
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


def _check(tshark: Running, status: int, name: str, shown: bool) -> None:
    """An error where tshark ended with `status` for another reason than that the capture breaks off behind
    what was `shown`."""
    said = tshark.said()
    if not status or (shown and status > 0 and _BREAKS.search(said)):
        return
    raise failure(tshark, name)


def complaint(errors: IO[bytes]) -> str:
    """What tshark had to say on stderr, in one line."""
    errors.seek(0)
    lines = errors.read(_ERROR_BYTES).decode("utf-8", "replace").splitlines()
    said = [line.strip() for line in lines if line.strip() and "Running as user" not in line]
    return " ".join(said)[:_SAID]


def failure(tshark: Running, name: str) -> SmbenchError:
    """Why a tshark that has ended gave nothing of an open capture: the file's fault, or its own."""
    status, said = tshark.process.wait(), tshark.said()
    stop = tshark.stopped(name)
    if status > 0 and isinstance(stop, StoppedError) and stop.crashed:
        return no_capture(name, said or f"tshark ended with {status}")
    return stop
