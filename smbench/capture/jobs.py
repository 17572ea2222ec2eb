"""The work of one tshark, and what comes of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from smbench.capture.facts import Facts
from smbench.capture.packets import ServerPorts
from smbench.capture.part import Reader
from smbench.capture.split import Part
from smbench.capture.tap import Progress, Run
from smbench.spill import Run as SortedRun


@dataclass(frozen=True, slots=True)
class Job:
    """One tshark's work: a whole capture file, or a part of several."""

    what: Path | Part
    capture: int
    """Number of the capture where `what` is a file."""
    number: int
    of: int
    configuration: Path
    ports: tuple[int, ...]
    scratch: Path

    @property
    def file(self) -> Path:
        return self.what.path if isinstance(self.what, Part) else self.what

    @property
    def size(self) -> int:
        """Bytes that tshark reads."""
        return self.file.stat().st_size

    def server_ports(self) -> ServerPorts:
        """The server ports that splitting rewrote."""
        return self.what.server_ports if isinstance(self.what, Part) else {}

    def place(self) -> Callable[[int], tuple[int, int]]:
        """Frame number in the file → (capture, frame number there)."""
        capture = self.capture
        return self.what.place() if isinstance(self.what, Part) else lambda frame: (capture, frame)


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a job: facts, and the exchanges in runs on disk."""

    facts: Facts
    runs: list[SortedRun]


def read(job: Job, progress: Progress) -> Reader:
    """Do the job; its exchanges are in the reader."""
    reader = Reader(job.scratch, job.number, job.of, job.server_ports())
    with Run(job.file, job.configuration, job.ports, progress) as run:
        reader.read(run, job.place())
        if run.cut_short:
            reader.facts.counts["cut_short"] += 1
    return reader
