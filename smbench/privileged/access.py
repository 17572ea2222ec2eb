"""What else of the helper's only root may do: capture a run, read what the kernel tells root alone, and hand
over what lies where only root may go. Methods are requests, as in `smbench.privileged.runs`."""

from __future__ import annotations

import hashlib
import os
import pwd
import re
import signal
import stat
import subprocess
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from smbench.privileged.capturing import capture_command, capture_filter
from smbench.privileged.system import PATH, Caller, RefusedError, program, runtime_folder, text_of

_MOST_OPEN_FILES = 1 << 19
_END_S = 10.0
_DIGITS = 32
_ADDRESS = re.compile(r"[0-9A-Fa-f.:]{2,45}\Z")
_INTERFACE = re.compile(r"[^\s/\x00-\x1f-][^\s/\x00-\x1f]{0,14}\Z")
_CAPTURES = (
    b"\xa1\xb2\xc3\xd4", b"\xd4\xc3\xb2\xa1", b"\xa1\xb2\x3c\x4d", b"\x4d\x3c\xb2\xa1", b"\x0a\x0d\x0d\x0a",
)  # fmt: skip
"""How pcap and pcapng begin."""
_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
_LOOK = 1 << 12
_OF_GZIP = 31
"""zlib's word for a stream with gzip's header."""
_SESSION = re.compile(r"0x[0-9a-f]{1,16}\Z")


class Access:
    """For one caller."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller
        self._tcpdump: subprocess.Popen[bytes] | None = None

    def open_files(self) -> dict[str, Any]:
        """The sessions in which the kernel's SMB client has files open."""
        return {"sessions": sessions_of(text_of(Path("/proc/fs/cifs/open_files"), _MOST_OPEN_FILES))}

    def lock(self, share: str) -> int:
        """The file, open, whose lock (flock(2)) says that a share is in use on this machine."""
        name = hashlib.sha256(share.casefold().encode()).hexdigest()[:_DIGITS]
        runtime = runtime_folder()
        try:
            flags = os.O_RDONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
            return os.open(f"target-{name}.lock", flags, 0o600, dir_fd=runtime)
        finally:
            os.close(runtime)

    def read(self, path: str) -> int:
        """A capture that only root may read, open: a regular file that begins as captures do."""
        if self._caller.only is not None:
            raise RefusedError("a file is read by whoever may read it")
        # First not for reading: to open a device may do something.
        found = os.open(path, os.O_PATH | os.O_CLOEXEC)
        try:
            if not stat.S_ISREG(os.fstat(found).st_mode):
                raise RefusedError("it is no file")
            descriptor = os.open(f"/proc/self/fd/{found}", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        finally:
            os.close(found)
        why = _no_capture(os.pread(descriptor, _LOOK, 0))
        if why:
            os.close(descriptor)
            raise RefusedError(f"only root may read it, and {why}")
        return descriptor

    def capture(
        self, descriptor: int, said: int, /, interface: str, addresses: Sequence[str], port: int
    ) -> dict[str, Any]:
        """tcpdump, of the traffic with these addresses and of a run's marks, into a file that was handed
        over; what it says, into another."""
        if self._caller.only is not None:
            raise RefusedError("capturing takes root: who may mount sees no traffic of others")
        found = program("tcpdump")
        if found is None:
            raise RefusedError("tcpdump is missing")
        if self._lives():
            raise RefusedError("a capture is under way")
        if not _INTERFACE.match(interface) or not addresses or not all(map(_ADDRESS.match, addresses)):
            raise RefusedError("no interface, or no addresses")
        # Whom it becomes as soon as it listens: Debian's own user for that is not on every system.
        as_whom = ("-Z", _user_name(self._caller.uid))
        command = capture_command(found, interface, capture_filter(addresses, int(port)), as_whom)
        self._tcpdump = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=descriptor, stderr=said, cwd="/",
            start_new_session=True, env={"PATH": PATH, "LC_ALL": "C"},
        )  # fmt: skip
        return {}

    def capture_lives(self) -> dict[str, Any]:
        """Whether the capture goes on."""
        return {"lives": self._lives()}

    def capture_end(self) -> dict[str, Any]:
        """The capture under way ends, if one is."""
        if self._tcpdump is not None and self._lives():
            self._tcpdump.send_signal(signal.SIGINT)
            try:
                self._tcpdump.wait(_END_S)
            except subprocess.TimeoutExpired:
                self._tcpdump.kill()
                self._tcpdump.wait()
        self._tcpdump = None
        return {}

    def _lives(self) -> bool:
        return self._tcpdump is not None and self._tcpdump.poll() is None


def sessions_of(open_files: str) -> list[int]:
    """Those of /proc/fs/cifs/open_files (cifs_debug_files_proc_show, fs/smb/client/cifs_debug.c): the second
    column, in hexadecimal. Pure."""
    rows = [line.split() for line in open_files.splitlines() if not line.startswith("#")]
    words = {row[1] for row in rows if len(row) > 1}
    return sorted(int(word, 16) for word in words if _SESSION.match(word))


def _no_capture(begin: bytes) -> str:
    """Why a file is none, by how it begins, within gzip too: a packed file may be a backup of anything."""
    if begin.startswith(_ZSTD):
        return "what is packed as .zst cannot be looked into: unpack it first"
    if begin.startswith(_GZIP):
        try:
            begin = zlib.decompressobj(_OF_GZIP).decompress(begin, _LOOK)
        except zlib.error:
            begin = b""
    return "" if begin.startswith(_CAPTURES) else "it does not begin as a capture does"


def _user_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return "nobody"
