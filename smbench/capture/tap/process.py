"""The tap: one tshark over one capture, in which a Lua script hands over every SMB2 message (`protocol`)."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from importlib import resources
from pathlib import Path
from typing import IO

from smbench.capture.pdus import LIMIT, LIMITS
from smbench.capture.tshark import Keys, complaint, failure, find_tshark, private_folder, running
from smbench.errors import SetupError

_SCRIPT = "tap.lua"
_PROGRESS_LINES = 5000

Progress = Callable[[int], None]
"""Hears how many bytes are read so far."""


@contextlib.contextmanager
def settings(keys: Keys) -> Iterator[Path]:
    """The folder that runs with these keys share; the keys are gone with it."""
    limits = (
        f"LIMIT = {LIMIT}\nLIMITS = {{{', '.join(f'[{key}] = {limit}' for key, limit in LIMITS.items())}}}\n"
    )
    files: dict[str, str | bytes] = {
        _SCRIPT: limits + (resources.files(__package__) / _SCRIPT).read_text(encoding="utf-8")
    }
    preferences: dict[str, str] = {}
    if keys.nt_password is not None:
        preferences["ntlmssp.nt_password"] = keys.nt_password
    if keys.keytab is not None:
        files["keytab"] = keys.keytab.read_bytes()
        preferences |= {"kerberos.decrypt": "TRUE", "kerberos.file": "keytab"}
    if keys.session_keys:
        files["smb2_seskey_list"] = "".join(",".join(row) + "\n" for row in keys.session_keys)
    with private_folder(files, preferences) as folder:
        yield folder


class Tap:
    """One tshark over one capture: an iterator over its lines, and a context manager that leaves no process.

    `name` is what messages call the capture; its path, if there is none.

    `progress` hears, now and then, how many bytes of the file are read. tshark does not wait for what is out
    of order: where a packet is missing it would wait for ever, and from 4.2 on it does so where none is (of
    one public capture it shows 299 of 464 messages).
    """

    def __init__(
        self, capture: Path, folder: Path, ports: Iterable[int], progress: Progress, name: str = ""
    ) -> None:
        self._name = name or str(capture)
        self._progress = progress
        self._capture = capture
        self._folder = folder
        self._arguments = ["-q", "-X", f"lua_script:{_SCRIPT}"]
        for port in ports:
            self._arguments += ["-d", f"tcp.port=={port},nbss"]

    def __enter__(self) -> Tap:
        with contextlib.ExitStack() as opened:
            self._file: IO[bytes] = opened.enter_context(self._capture.open("rb"))
            # A pipe could fill and hang.
            self._errors: IO[bytes] = opened.enter_context(tempfile.TemporaryFile())
            self._process = opened.enter_context(
                running(self._arguments, self._file, self._folder, self._errors)
            )
            self._opened = opened.pop_all()
        return self

    def __exit__(self, *exception: object) -> None:
        self._opened.close()

    def __iter__(self) -> Iterator[bytes]:
        """The lines, without their ends; after them an error where tshark could not read the file, or ran no
        script over it."""
        assert self._process.stdout is not None
        first = last = b""
        for number, last in enumerate(self._process.stdout):
            if not last.endswith(b"\n"):
                # It was ended within a line.
                break
            first = first or last
            if not number % _PROGRESS_LINES:
                # The open file is shared with tshark, and so is the place that it has come to.
                self._progress(os.lseek(self._file.fileno(), 0, os.SEEK_CUR))
            yield last[:-1]
        status = self._process.wait()
        said = complaint(self._errors)
        if last.startswith(b"Z\t"):
            return
        if not first and status == 0:
            raise SetupError(
                f"{find_tshark()} ran no Lua script over {self._name}, so that nothing can be read: "
                f"{said or 'it said nothing'}; smbench-mount doctor tries it on three packets"
            )
        raise failure(self._name, status, said)

    @property
    def cut_short(self) -> bool:
        """The file ends in the middle of a packet; everything before that was read."""
        return self._process.returncode not in (None, 0)
