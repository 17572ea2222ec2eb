"""`replay --wire`: the capture of a run, where its target has a wire, opened where it is encrypted."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from smbench.capture.decode import DecodeOptions
from smbench.capture.formats import may_be_sealed
from smbench.errors import SmbenchError, UsageError
from smbench.mounts.accounts import Account
from smbench.mounts.target import ShareTarget, Target
from smbench.pipeline.ingest import ingest
from smbench.pipeline.logons import logons_of
from smbench.pipeline.progress import Progress
from smbench.run.store import OPENED_WIRE, WIRE
from smbench.run.surroundings import Wire
from smbench.trace.grade import sealed

if TYPE_CHECKING:
    from smbench.measure.wire import WireCapture


class RunWire:
    """The wire of one run; of a run that is not captured, nothing."""

    def __init__(self, path: Path, port: int = 0, capture: WireCapture | None = None) -> None:
        self._path, self._port, self._capture = path, port, capture
        self._sealed = ""

    def mark(self) -> None:
        """The run begins, or has ended."""
        if self._capture is not None:
            self._capture.mark()

    def open(self, accounts: Iterable[Account | None], progress: Progress) -> None:
        """When the capture has ended: where it is encrypted, decode it by the accounts' passwords, which
        nobody need have later. What cannot be opened is told, and no error: the run is measured."""
        if self._capture is None or not may_be_sealed(self._path):
            return
        options = DecodeOptions(
            jobs=os.cpu_count() or 1, ports=(self._port,), logons=logons_of(filter(None, accounts))
        )
        try:
            opened = ingest([self._path], self._path.with_name(OPENED_WIRE), options, progress=progress)
            self._sealed = sealed(opened.info.trace) or ""
        except SmbenchError as error:
            self._sealed = str(error).replace(f"{self._path.parent}{os.sep}", "")
        if self._sealed:
            progress.warn(f"of the run's own wire: {self._sealed}")

    def describe(self) -> Wire | None:
        """What a run says of it."""
        if self._capture is None:
            return None
        return msgspec.structs.replace(self._capture.describe(), sealed=self._sealed)


def refuse_without_wire(target: Target) -> None:
    """UsageError where nothing can be captured of a target."""
    if not isinstance(target, ShareTarget):
        raise UsageError(
            f"--wire captures the traffic with a server, and {target} is a directory: give //server/share"
        )


@contextmanager
def run_wire(target: Target, wanted: bool, directory: Path) -> Iterator[RunWire]:
    """Capture into `directory` from here on, if wanted. Raises SetupError where tcpdump does not start."""
    path = directory / WIRE
    if not wanted:
        yield RunWire(path)
        return
    if sys.platform == "win32":
        from smbench.measure.wire_windows import capture_wire
    else:
        from smbench.measure.wire import capture_wire

    assert isinstance(target, ShareTarget)
    with capture_wire(target.server, target.port, path) as capture:
        yield RunWire(path, target.port, capture)
