"""What was given as a capture: whether it is a file, and whether it stays as it was while it is read."""

from __future__ import annotations

import io
import stat
from dataclasses import dataclass
from io import BufferedIOBase
from pathlib import Path

from smbench.errors import UsageError

_PIPE_IT = "smbench-mount ingest - -o NAME.workload"
_KINDS = (
    (stat.S_ISDIR, "directory", "give the capture files in it, one by one"),
    (
        stat.S_ISFIFO,
        "pipe",
        f"pipe it into {_PIPE_IT}, or write it to a file",
    ),
    (stat.S_ISSOCK, "socket", "give a pcap or pcapng file"),
    (stat.S_ISCHR, "device", "give a pcap or pcapng file"),
    (stat.S_ISBLK, "device", "give a pcap or pcapng file"),
)
"""What is no file, by its mode: what it is, and what to do."""


def refuse_no_file(path: Path) -> None:
    """UsageError where there is none, or something else; OSError where that cannot be told. Nothing is
    opened: a pipe would wait for its writer, and a tape rewind."""
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        raise UsageError(f"there is no capture {path}: check the path") from None
    for is_one, what, mend in _KINDS:
        if is_one(mode):
            raise UsageError(f"{path} is a {what}, and no capture file: {mend}")


@dataclass(frozen=True, slots=True)
class State:
    """Of a file: by what it is told whether it is the same later."""

    path: Path
    bytes: int
    written_ns: int
    """When it was last written, in nanoseconds since 1970."""

    @staticmethod
    def of(path: Path) -> State:
        """As it is now."""
        found = path.stat()
        return State(path, found.st_size, found.st_mtime_ns)

    def changed(self, name: Path) -> str:
        """What has become of it since, in a sentence that calls it by this name; nothing where it is the
        same."""
        try:
            now = State.of(self.path)
        except OSError as error:
            return f"{name} was taken away while it was read ({error.strerror})"
        if now.bytes != self.bytes:
            how = "grew" if now.bytes > self.bytes else "was cut"
            return f"{name} {how} while it was read, from {self.bytes:,} to {now.bytes:,} bytes"
        return "" if now == self else f"{name} was written while it was read"


class FirstBytes(io.RawIOBase):
    """The first bytes of an open file, as if it ended there."""

    def __init__(self, file: BufferedIOBase, size: int) -> None:
        self._file, self._left = file, size

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        room = memoryview(buffer).cast("B")  # type: ignore[arg-type]
        data = self._file.read1(min(self._left, len(room)))
        room[: len(data)] = data
        self._left -= len(data)
        return len(data)
