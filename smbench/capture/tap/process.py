"""The tap: one tshark over one capture, in which a Lua script hands over every SMB2 message (`protocol`)."""

from __future__ import annotations

import contextlib
import os
import selectors
import sys
from collections.abc import Callable, Iterable, Iterator
from importlib import resources
from pathlib import Path
from typing import IO

from smbench.capture.home import Content, Home, private_home
from smbench.capture.limits import NO_LIMITS, Limits
from smbench.capture.logons import write_keytab
from smbench.capture.pdus import LIMIT, LIMITS
from smbench.capture.stopped import DOCTOR, StoppedError
from smbench.capture.tshark import Keys, Running, failure, find_tshark, running
from smbench.capture.watch import TICK_S
from smbench.errors import SetupError

_SCRIPT, _CAREFUL_SCRIPT = "tap.lua", "careful.lua"
_PIECE = 1 << 16
"""Bytes that a pipe holds."""
_PROGRESS_PIECES = 20
_LONGEST_LINE = 64 << 20
"""Bytes; three times those of the longest that the script writes (a listing of `pdus.LIMITS`, in hex)."""

Progress = Callable[[int], None]
"""Hears how many bytes are read so far."""


@contextlib.contextmanager
def settings(keys: Keys) -> Iterator[Home]:
    """The home that runs with these keys share; the keys are gone with it."""
    limits = (
        f"LIMIT = {LIMIT}\nLIMITS = {{{', '.join(f'[{key}] = {limit}' for key, limit in LIMITS.items())}}}\n"
    )
    script = limits + (resources.files(__package__) / _SCRIPT).read_text(encoding="utf-8")
    files = {_SCRIPT: script, _CAREFUL_SCRIPT: "CAREFUL = true\n" + script}
    secrets: dict[str, Content] = {}
    preferences: dict[str, str] = {}
    if keys.nt_password is not None:
        preferences["ntlmssp.nt_password"] = keys.nt_password
    if keys.keytab is not None or keys.logons:
        secrets["keytab"] = lambda descriptor: write_keytab(descriptor, keys.logons, keys.keytab)
        preferences |= {"kerberos.decrypt": "TRUE", "kerberos.file": "keytab"}
    if keys.session_keys:
        secrets["smb2_seskey_list"] = "".join(",".join(row) + "\n" for row in keys.session_keys)
    with private_home(files, preferences, secrets) as home:
        yield home


class Tap:
    """One tshark over one capture: an iterator over its lines, and a context manager that leaves no process.

    `name` is what messages call the capture; its path, if there is none. `made`: it was made for tshark here,
    and cannot be no capture. `careful`: every frame is told, and nothing that is told is lost where tshark
    ends within; three times as slow.

    `progress` hears, now and then, how many bytes of the file are read. tshark does not wait for what is out
    of order: where a packet is missing it would wait for ever, and from 4.2 on it does so where none is (of
    one public capture it shows 299 of 464 messages).
    """

    def __init__(
        self, capture: Path, home: Home, ports: Iterable[int], progress: Progress, name: str = "",
        *, limits: Limits = NO_LIMITS, made: bool = False, careful: bool = False,
    ) -> None:  # fmt: skip
        self._name = name or str(capture)
        self._progress = progress
        self._capture = capture
        self._home = home
        self._limits = limits
        self._made = made
        self._arguments = ["-q", "-X", f"lua_script:{_CAREFUL_SCRIPT if careful else _SCRIPT}"]
        for port in ports:
            self._arguments += ["-d", f"tcp.port=={port},nbss"]

    def __enter__(self) -> Tap:
        with contextlib.ExitStack() as opened:
            file: IO[bytes] = opened.enter_context(self._capture.open("rb"))
            self._tshark: Running = opened.enter_context(
                running(self._arguments, file, self._home, limits=self._limits)
            )
            self._opened = opened.pop_all()
        return self

    def __exit__(self, *exception: object) -> None:
        self._opened.close()

    def __iter__(self) -> Iterator[bytes]:
        """The lines, without their ends; after them StoppedError where tshark ended before its time, another
        error where it could not read the file, or ran no script over it."""
        first = last = b""
        for last in self._lines():
            first = first or last
            yield last
        status = self._tshark.wait(self._name)
        if last.startswith(b"Z\t"):
            return
        if not first and status == 0:
            raise SetupError(
                f"{find_tshark()} ran no Lua script over {self._name}, so that nothing can be read: "
                f"{self._tshark.said() or 'it said nothing'}; {DOCTOR}"
            )
        if first or self._made:
            raise self._tshark.stopped(self._name)
        raise failure(self._tshark, self._name)

    def _lines(self) -> Iterator[bytes]:
        """Whole lines; what it was ended within is none."""
        begun: list[bytes] = []
        size = 0
        for piece in self._pieces():
            *ends, rest = piece.split(b"\n")
            if ends:
                begun.append(ends[0])
                yield b"".join(begun)
                yield from ends[1:]
                begun, size = [], 0
            begun.append(rest)
            size += len(rest)
            if size > _LONGEST_LINE:
                how = f"printed a line of more than {_LONGEST_LINE >> 20} MiB, and was ended,"
                raise StoppedError(find_tshark().called, how, self._name, DOCTOR)

    def _pieces(self) -> Iterator[bytes]:
        """What comes from tshark, as it comes; StoppedError where nothing does, and it gets nowhere."""
        assert self._tshark.process.stdout is not None
        descriptor = self._tshark.process.stdout.fileno()
        with _ready(descriptor) as ready:
            for number in range(sys.maxsize):
                while not ready(TICK_S):
                    # Also a sign of life for whoever waits for this process.
                    self._progress(self._tshark.position())
                    if self._tshark.watch.stuck((number, self._tshark.position())):
                        raise self._tshark.stuck(self._name)
                if not (piece := os.read(descriptor, _PIECE)):
                    return
                if not number % _PROGRESS_PIECES:
                    self._progress(self._tshark.position())
                yield piece

    @property
    def cut_short(self) -> bool:
        """The file ends in the middle of a packet; everything before that was read. A crash behind the last
        line says nothing of the file."""
        return (self._tshark.process.returncode or 0) > 0


@contextlib.contextmanager
def _ready(descriptor: int) -> Iterator[Callable[[float], object]]:
    """Waits so many seconds for something to read; true where there is, or the end."""
    if sys.platform == "win32":
        yield lambda _: True  # which cannot wait for a pipe: reading does, without a deadline
        return
    with selectors.DefaultSelector() as selector:
        selector.register(descriptor, selectors.EVENT_READ)
        yield selector.select
