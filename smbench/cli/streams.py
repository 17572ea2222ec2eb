"""The standard streams: a reader who has gone, a full disk or a closed stream end no command before its work.

What cannot be written is let go, and the command goes on to write its files and to say by its exit status how
it went. In the end a result that nobody could have is an error of its own; who stopped reading (`| head`)
wanted no more.
"""

from __future__ import annotations

import io
import os
import sys
from contextlib import suppress
from typing import Any, TextIO

from smbench.errors import SetupError


class _Sink(io.FileIO):
    """A descriptor that takes everything, and remembers why it did not."""

    refused: OSError | None = None

    def write(self, data: Any, /) -> int:
        if self.refused is None:
            try:
                # None where it does not block and has no room just now, as of any raw stream.
                return super().write(data)
            except OSError as error:
                self.refused = error
        return len(memoryview(data).cast("B"))


class Streams:
    """Standard output and standard error of this process, made so that writing never raises."""

    def __init__(self) -> None:
        _fill_closed()
        self._out = _Sink(1, "w", closefd=False)
        sys.stdout = _text(self._out, sys.stdout)
        sys.stderr = _text(_Sink(2, "w", closefd=False), sys.stderr, line_buffering=True)

    def status(self, status: int) -> int:
        """The exit status of a command that ends with `status`, now that all of its output is written."""
        sys.stdout.flush()
        refused = self._out.refused
        if refused is None or isinstance(refused, BrokenPipeError):
            return status
        print(f"smbench-mount: the standard output cannot be written: {refused.strerror}", file=sys.stderr)
        return status or SetupError.exit_status


def _fill_closed() -> None:
    """Descriptors 0 to 2 are never a file's: what is printed would go into it. What stands for standard
    output refuses it."""
    for number, flags in ((0, os.O_RDONLY), (1, os.O_RDONLY), (2, os.O_WRONLY)):
        try:
            os.fstat(number)
        except OSError:
            opened = os.open(os.devnull, flags)
            if opened != number:
                os.dup2(opened, number)
                os.close(opened)


def _text(sink: _Sink, before: TextIO | None, line_buffering: bool = False) -> TextIO:
    encoding, errors = ("utf-8", "backslashreplace") if before is None else (before.encoding, before.errors)
    if before is not None:
        if before.isatty():
            # It does not go away before its process does, and Windows' takes more than bytes.
            return before
        with suppress(OSError, ValueError):
            before.flush()
    buffer = io.BufferedWriter(sink)
    return io.TextIOWrapper(buffer, encoding, errors, line_buffering=line_buffering)
