"""`replay --wire`: the capture of a run, where its target has a wire."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from smbench.errors import UsageError
from smbench.mounts.target import ShareTarget, Target
from smbench.run.store import WIRE
from smbench.run.surroundings import Wire

if TYPE_CHECKING:
    from smbench.measure.wire import WireCapture


class RunWire:
    """The wire of one run; of a run that is not captured, nothing."""

    def __init__(self, capture: WireCapture | None = None) -> None:
        self._capture = capture

    def mark(self) -> None:
        """The run begins, or has ended."""
        if self._capture is not None:
            self._capture.mark()

    def describe(self) -> Wire | None:
        """What a run says of it."""
        return None if self._capture is None else self._capture.describe()


def refuse_without_wire(target: Target) -> None:
    """UsageError where nothing can be captured of a target."""
    if not isinstance(target, ShareTarget):
        raise UsageError(
            f"--wire captures the traffic with a server, and {target} is a directory: give //server/share"
        )


@contextmanager
def run_wire(target: Target, wanted: bool, directory: Path) -> Iterator[RunWire]:
    """Capture into `directory` from here on, if wanted. Raises SetupError where tcpdump does not start."""
    if not wanted:
        yield RunWire()
        return
    if sys.platform == "win32":
        from smbench.measure.wire_windows import capture_wire
    else:
        from smbench.measure.wire import capture_wire

    assert isinstance(target, ShareTarget)
    with capture_wire(target.server, target.port, directory / WIRE) as capture:
        yield RunWire(capture)
