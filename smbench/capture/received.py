"""Captures that cannot be opened by their names, as they are read more than once and by several processes:
what comes by standard input, and what only root may read. They are written to files first."""

from __future__ import annotations

import os
import select
import stat
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from smbench.capture.formats import MAGIC_BYTES, may_be_capture
from smbench.errors import UsageError
from smbench.privileged.client import HelperError, helper

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
    """Files to read in the place of captures, and what the captures are called: what comes by standard input,
    or is handed over by the helper, is in `folder` meanwhile. `hear` is told how many bytes have come, of 0
    that are known.

    UsageError where that can be no capture. It lasts as long as whoever writes does: a capture may be quiet.
    """
    if captures.count(STANDARD_INPUT) > 1:
        raise UsageError("- stands for standard input, and was given twice: it can be read once")
    with ExitStack() as open_:
        handed = {
            number: descriptor
            for number, capture in enumerate(captures)
            if (descriptor := _handed_over(capture, open_)) is not None
        }
        if not handed:
            yield [*captures], [*captures]
            return
        scratch = open_.enter_context(TemporaryDirectory(dir=folder, prefix=".stdin-"))
        files, names = [*captures], [*captures]
        for number, descriptor in handed.items():
            files[number] = Path(scratch, f"capture-{number}")
            names[number] = CALLED if descriptor == 0 else captures[number]
            _receive(descriptor, names[number], files[number], hear)
        yield files, names


def _handed_over(capture: Path, open_: ExitStack) -> int | None:
    """A descriptor to read it by; None where its name will do, or nothing else will."""
    if capture == STANDARD_INPUT:
        _refuse_no_pipe()
        return 0
    root = None if _readable(capture) else helper()
    if root is None:
        return None
    try:
        descriptor = root.ask_for_file("read", path=str(capture.absolute()))
    except HelperError as error:
        raise UsageError(f"cannot read the capture {capture}: {error}") from None
    open_.callback(os.close, descriptor)
    return descriptor


def _readable(capture: Path) -> bool:
    """Whether it is there for this user; also where it is not there at all, which is said elsewhere."""
    try:
        capture.open("rb").close() if capture.is_file() else None
    except PermissionError:
        return False
    return True


def _refuse_no_pipe() -> None:
    mode = os.fstat(0).st_mode
    if stat.S_ISDIR(mode):
        raise UsageError(f"{CALLED} is a directory, and no capture: {_HOW}")
    if stat.S_ISBLK(mode) or stat.S_ISCHR(mode):
        kind = "a terminal" if os.isatty(0) else f"a device, as {os.devnull} is"
        raise UsageError(f"{CALLED} is {kind}, and no capture: {_HOW}")


def _receive(given: int, name: Path, file: Path, hear: Callable[[int, int], None]) -> None:
    """Write all that comes to the file; UsageError where it begins as nothing that is known."""
    start, size = b"", 0
    with file.open("wb") as out:
        for piece in _pieces(given, name):
            out.write(piece)
            size += len(piece)
            hear(size, 0)
            if len(start) < MAGIC_BYTES:
                start += piece[:MAGIC_BYTES]
                if len(start) >= MAGIC_BYTES and not may_be_capture(start[:MAGIC_BYTES]):
                    raise UsageError(
                        f"{name} begins neither as pcap nor as pcapng, nor packed as .gz or .zst: "
                        f"{_HOW}; captures of other formats are read from files"
                    )


def _pieces(descriptor: int, name: Path) -> Iterator[bytes]:
    with open(descriptor, "rb", buffering=0, closefd=False) as given:
        while True:
            try:
                piece = given.read(_PIECE)
            except OSError as error:
                raise UsageError(f"cannot read {name}: {error.strerror or error}") from None
            if piece is None:  # whoever shares it wants it not to wait
                if sys.platform != "win32":
                    select.select([descriptor], [], [])
                continue
            if not piece:
                return
            yield piece
