"""A capture that comes by standard input: written to a file first, as captures are read more than once."""

from __future__ import annotations

import os
import select
import stat
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from smbench.capture.formats import MAGIC_BYTES, may_be_capture
from smbench.errors import UsageError

STANDARD_INPUT = Path("-")
"""How it is given, …"""
CALLED = Path("standard input")
"""… and called, in messages and in the trace."""
_PIECE = 1 << 20
_HOW = "pipe one into it, e.g. tcpdump -U -s 0 -w - port 445 | smbench-mount ingest - -o NAME.workload"


@contextmanager
def received(
    captures: Sequence[Path], folder: Path, hear: Callable[[int, int], None]
) -> Iterator[tuple[list[Path], list[Path]]]:
    """Files to read in the place of captures, and what the captures are called: what comes by standard input
    is in `folder` meanwhile. `hear` is told how many bytes have come, of 0 that are known.

    UsageError where that can be no capture. It lasts as long as whoever writes does: a capture may be quiet.
    """
    if STANDARD_INPUT not in captures:
        yield [*captures], [*captures]
        return
    if captures.count(STANDARD_INPUT) > 1:
        raise UsageError("- stands for standard input, and was given twice: it can be read once")
    _refuse_no_pipe()
    with TemporaryDirectory(dir=folder, prefix=".stdin-") as scratch:
        file = Path(scratch, "capture")
        _receive(file, hear)
        yield (
            [file if capture == STANDARD_INPUT else capture for capture in captures],
            [CALLED if capture == STANDARD_INPUT else capture for capture in captures],
        )


def _refuse_no_pipe() -> None:
    mode = os.fstat(0).st_mode
    if stat.S_ISDIR(mode):
        raise UsageError(f"{CALLED} is a directory, and no capture: {_HOW}")
    if stat.S_ISBLK(mode) or stat.S_ISCHR(mode):
        kind = "a terminal" if os.isatty(0) else f"a device, as {os.devnull} is"
        raise UsageError(f"{CALLED} is {kind}, and no capture: {_HOW}")


def _receive(file: Path, hear: Callable[[int, int], None]) -> None:
    """Write all that comes to the file; UsageError where it begins as nothing that is known."""
    start, size = b"", 0
    with file.open("wb") as out:
        for piece in _pieces():
            out.write(piece)
            size += len(piece)
            hear(size, 0)
            if len(start) < MAGIC_BYTES:
                start += piece[:MAGIC_BYTES]
                if len(start) >= MAGIC_BYTES and not may_be_capture(start[:MAGIC_BYTES]):
                    raise UsageError(
                        f"{CALLED} begins neither as pcap nor as pcapng, nor packed as .gz or .zst: "
                        f"{_HOW}; captures of other formats are read from files"
                    )


def _pieces() -> Iterator[bytes]:
    with open(0, "rb", buffering=0, closefd=False) as given:
        while True:
            try:
                piece = given.read(_PIECE)
            except OSError as error:
                raise UsageError(f"cannot read {CALLED}: {error.strerror or error}") from None
            if piece is None:  # whoever shares it wants it not to wait
                if sys.platform != "win32":
                    select.select([0], [], [])
                continue
            if not piece:
                return
            yield piece
